"""Where each service's processor time goes: what its threads used, shared out by where py-spy found them."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keypoints.errors import Terminal

_RATE_HZ: Final = 47
_MARGIN_S: Final = 3.0
_TICK_S: Final[float] = 1 / os.sysconf("SC_CLK_TCK")
_THREAD: Final = re.compile(r"thread \((\d+)\)")
_WAITING: Final = re.compile(r"\b(select|wait|acquire|sleep|_recv_msg|recv|recv_into|accept)\b[^;]*$")
"""The innermost frame of a thread that has nothing to do; what waiting costs goes to what the thread is for."""

STAGES: Final[tuple[tuple[str, str], ...]] = (
    ("features", "consumers/analytics/features/|consumers/analytics/frame_facts"),
    ("recognisers", "consumers/analytics/(shapes|movements|exercises|taught|faults|anomalies|windows|watch)"),
    ("state saved", "consumers/analytics/(store|saved_|session|results|outbox|snapshots|save_pacer)"),
    ("solver", "consumers/avatar/(solver|face|humanoid)/"),
    ("smoothing", "consumers/avatar/(smoothing|stage|states)"),
    ("datagrams", "consumers/avatar/outputs/"),
    ("viewer", "consumers/avatar/viewer/"),
    ("COPY", "consumers/archive/postgres/"),
    ("Parquet", "consumers/archive/parquet/"),
    ("decode", "keypoints/(codec|avro_columns|frame)|connect_runtime/decoding"),
    ("fetch", "kafka/|kafka_io/|connect_runtime/kafka_client"),
    ("metrics and REST", "prometheus_client/|uvicorn/|connect_runtime/(rest|control)/"),
)
"""A stage, and the files it is known by; a stack belongs to the first stage that any of its frames is of."""
REST: Final = "runtime"


class ProfilerFailed(Terminal):
    """py-spy could not look into a process. Fields: service, said."""


@dataclass(slots=True)
class Profiles:
    """Cores by service and stage; each service's stages add up to what its process used meanwhile."""

    cores: dict[str, dict[str, float]] = field(default_factory=dict)


@contextmanager
def profiling(pids: Mapping[str, int], seconds: float) -> Iterator[Profiles]:
    """Watch processes for so long while the body runs; the answer is there once it is left. Raises ProfilerFailed."""
    answer = Profiles()
    with tempfile.TemporaryDirectory(prefix="holistic-profile-") as scratch, ExitStack() as held:
        before = {service: read_thread_times(pid) for service, pid in pids.items()}
        began_s = time.monotonic()
        watchers = {service: _watch(pid, seconds, Path(scratch) / service) for service, pid in pids.items()}
        for watcher in watchers.values():
            held.callback(watcher.kill)
        yield answer
        for service, watcher in watchers.items():
            said = _end(watcher, began_s + seconds + _MARGIN_S)
            after = read_thread_times(pids[service])
            lasted_s = time.monotonic() - began_s
            if watcher.returncode != 0:
                raise ProfilerFailed(
                    f"py-spy could not look into {service}: {said.strip()}",
                    hint="it needs root, or kernel.yama.ptrace_scope=0",
                    service=service,
                )
            used = {thread: spent - before[service].get(thread, 0.0) for thread, spent in after.items()}
            answer.cores[service] = {
                stage: spent_s / lasted_s
                for stage, spent_s in share_out(used, (Path(scratch) / service).read_text()).items()
            }


def read_thread_times(pid: int) -> dict[int, float]:
    """Processor seconds each thread of a process has used so far (proc_pid_stat(5))."""
    found: dict[int, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(task.name)] = (int(fields[11]) + int(fields[12])) * _TICK_S
    return found


def share_out(thread_s: Mapping[int, float], stacks: str) -> dict[str, float]:
    """Seconds by stage: each thread's, by the samples in which it did not wait. `stacks` is py-spy's raw form.

    A thread that was never met at work has its time under what it waits in.
    """
    working: dict[int, Counter[str]] = {}
    waiting: dict[int, Counter[str]] = {}
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        named = _THREAD.search(stack)
        if named is None:
            continue
        counts = waiting if _WAITING.search(stack) else working
        counts.setdefault(int(named[1]), Counter())[find_stage(stack)] += int(count)
    seconds: dict[str, float] = {}
    for thread, spent_s in thread_s.items():
        stages = working.get(thread) or waiting.get(thread) or Counter({REST: 1})
        total = stages.total()
        for stage, samples in stages.items():
            seconds[stage] = seconds.get(stage, 0.0) + spent_s * samples / total
    return seconds


def find_stage(stack: str) -> str:
    """The stage a stack belongs to."""
    return next((stage for stage, files in _PATTERNS if files.search(stack)), REST)


_PATTERNS: Final = tuple((stage, re.compile(files)) for stage, files in STAGES)


def _end(watcher: subprocess.Popen[str], deadline_s: float) -> str:
    """What it complained of. On a machine that is all busy it takes longer than it was asked to, unless interrupted."""
    try:
        return watcher.communicate(timeout=max(0.1, deadline_s - time.monotonic()))[1]
    except subprocess.TimeoutExpired:
        watcher.send_signal(signal.SIGINT)
        return watcher.communicate(timeout=30)[1]


def _watch(pid: int, seconds: float, output: Path) -> subprocess.Popen[str]:
    program = Path(sys.executable).with_name("py-spy")
    arguments = [str(program), "record", "--pid", str(pid), "--duration", f"{seconds:.0f}", "--rate", str(_RATE_HZ)]
    return subprocess.Popen(
        [*arguments, "--format", "raw", "--threads", "--nonblocking", "--output", str(output)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
