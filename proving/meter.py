"""What each part of the suite costs: processor time and memory, by the second."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

_INTERVAL_S: Final = 1.0
_MEMORY_EVERY: Final = 5
"""Samples of the processor to one of the memory, which the kernel has to add up page by page."""

Roots = Callable[[], Mapping[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Sample:
    """At `at_s` (seconds since 1970) each part had used `cpu_s` in all, and the machine `machine_cpu_s`."""

    at_s: float
    cpu_s: Mapping[str, float]
    machine_cpu_s: float
    memory_mb: Mapping[str, float] | None
    """MB of 10^6 bytes, what processes share counted once; None where it was not looked at."""


@dataclass(slots=True)
class Usage:
    """Samples in order."""

    samples: list[Sample] = field(default_factory=list)

    def between(self, from_s: float, to_s: float) -> "Usage":
        """The samples of that time."""
        return Usage([sample for sample in self.samples if from_s <= sample.at_s <= to_s])

    def cores(self) -> dict[str, float]:
        """Cores each part used on average from the first sample to the last; `machine` is all of it."""
        if len(self.samples) < 2:
            return {}
        first, last = self.samples[0], self.samples[-1]
        lasted_s = last.at_s - first.at_s
        used = {part: (spent - first.cpu_s.get(part, 0.0)) / lasted_s for part, spent in last.cpu_s.items()}
        return used | {"machine": (last.machine_cpu_s - first.machine_cpu_s) / lasted_s}

    def memory_mb(self) -> dict[str, list[tuple[float, float]]]:
        """Of each part: (seconds since 1970, MB)."""
        found: dict[str, list[tuple[float, float]]] = {}
        for sample in self.samples:
            for part, megabytes in (sample.memory_mb or {}).items():
                found.setdefault(part, []).append((sample.at_s, megabytes))
        return found


class ProcessMeter:
    """Adds up what processes and all their descendants use, those that ended meanwhile too."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._last_s: dict[str, dict[tuple[int, float], float]] = {}
        self._ended_s: dict[str, float] = {}

    def sample(self, clock_s: Callable[[], float], *, memory: bool) -> Sample:
        """Look at all of them now, which is when `clock_s` is asked: on a busy machine finding them takes a while."""
        families = {part: _list_family(pids) for part, pids in self._roots().items()}
        memory_mb = None
        if memory:
            memory_mb = {part: sum(map(_read_memory_mb, processes)) for part, processes in families.items()}
        now_s, busy = clock_s(), psutil.cpu_times()
        spent_s = sum(busy) - busy.idle - getattr(busy, "iowait", 0.0) - getattr(busy, "guest", 0.0)
        cpu_s = {part: self._add_up(part, processes) for part, processes in families.items()}
        return Sample(now_s, cpu_s, spent_s, memory_mb)

    def _add_up(self, part: str, processes: list[psutil.Process]) -> float:
        before = self._last_s.get(part, {})
        now: dict[tuple[int, float], float] = {}
        for process in processes:
            try:
                times = process.cpu_times()
                now[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue
        gone_s = sum(spent_s for who, spent_s in before.items() if who not in now)
        self._ended_s[part] = self._ended_s.get(part, 0.0) + gone_s
        self._last_s[part] = now
        return self._ended_s[part] + sum(now.values())


@contextmanager
def metering(roots: Roots) -> Iterator[Usage]:
    """Samples once a second, on a thread, for as long as it is entered."""
    usage, ended = Usage(), threading.Event()
    meter = ProcessMeter(roots)

    def go_on() -> None:
        number, due_s = 0, time.monotonic()
        while not ended.wait(max(0.0, due_s - time.monotonic())):
            usage.samples.append(meter.sample(time.time, memory=number % _MEMORY_EVERY == 0))
            number, due_s = number + 1, due_s + _INTERVAL_S

    with ThreadPoolExecutor(1, thread_name_prefix="meter") as threads:
        going_on = threads.submit(go_on)
        try:
            yield usage
        finally:
            ended.set()
        # A meter that broke off on the way has nothing to say about the rest.
        going_on.result()


def _list_family(pids: list[int]) -> list[psutil.Process]:
    family = []
    for pid in pids:
        try:
            root = psutil.Process(pid)
            family += [root, *root.children(recursive=True)]
        except psutil.Error:
            continue
    return family


def _read_memory_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:
        return 0.0
