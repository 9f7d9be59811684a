"""The suite under a steady load, and what faults need to get at it."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.archive.settings import PARQUET_CONNECTOR
from demo.services import ServiceProcesses
from keypoints.errors import Terminal
from proving.chaos.effect_log import ACKNOWLEDGED, CONNECTORS, EffectLog
from proving.chaos.servers import Servers
from proving.suite import SERVICES, StillBehind, Suite

ROTATE_S: Final = 4.0
"""Parquet files are finished this often, so that a recovery can be seen soon."""
_WAITS_S: Final = {ANALYTICS: 1.0, PARQUET_CONNECTOR: ROTATE_S + 1.0}
"""What waits by design: until the next save of state, and for a file to be finished."""
SLACK_S: Final = {name: 1.0 + _WAITS_S.get(name, 0.0) for name in (*CONNECTORS, ACKNOWLEDGED)}
"""Who has no more before it than comes in this time is not behind."""

_CALM_S: Final = 1.5
_CALM_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.2
_LOAD_ENDS_S: Final = 200.0


class LoadLost(Terminal):
    """The load ended, or did not get going. Fields: error."""


class Arena:
    """A suite with a load on it. `rng` decides about every moment and every victim."""

    def __init__(self, suite: Suite, rng: random.Random, rate: float, streams: int) -> None:
        self.suite = suite
        self.rng = rng
        self.rate = rate
        self.streams = streams
        self.servers = Servers(suite)
        self.acks_path = suite.logs_dir / "acks.bin"
        self.log = EffectLog(self.acks_path, suite.durable_log, suite.topic)
        self.started_us: dict[str, list[int]] = {}
        """Service → when its processes were started again."""
        self.load_report: Mapping[str, Any] = {}
        self.began_us = 0
        """When everybody was calm for the first time."""
        self._load: subprocess.Popen[str] | None = None
        self._visitors = 0

    @property
    def services(self) -> ServiceProcesses:
        """The consumers."""
        return self.suite.services

    @property
    def home(self) -> Path:
        """Where files may be left."""
        return self.suite.home

    @contextmanager
    def loading(self, seed: int) -> Iterator[None]:
        """Put the load on for the length of the block; afterwards `load_report` says what became of it.

        Raises LoadLost.
        """
        given = {"rate": self.rate, "streams": self.streams, "seed": seed, "topic": self.suite.topic}
        arguments = [str(part) for name, value in given.items() for part in (f"--{name}", value)]
        self._load = subprocess.Popen(
            [sys.executable, "-m", "proving.chaos.steady_load", *arguments, "--acks", str(self.acks_path)],
            env={**os.environ, **self.suite.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield
            self._load.send_signal(signal.SIGTERM)
            said, complaint = self._load.communicate(timeout=_LOAD_ENDS_S)
            if not said.strip():
                raise LoadLost(f"the load ended badly: {complaint.strip()[-2000:]}", error=complaint)
            self.load_report = json.loads(said)
        finally:
            if self._load.poll() is None:
                self._load.kill()
                self._load.communicate()

    def measure_load_mb(self) -> float:
        """Memory the load's process has, in MB of 10^6 bytes: what is not acknowledged is held there."""
        if self._load is None:
            return 0.0
        try:
            return float(psutil.Process(self._load.pid).memory_info().rss) / 1e6
        except psutil.Error:
            return 0.0

    def kill(self, service: str) -> None:
        """kill -9."""
        self.services.signal(service, signal.SIGKILL)
        self.services.wait_ended(service)

    def start_again(self, service: str) -> None:
        """A new process in an ended one's place, not waited for."""
        self.started_us.setdefault(service, []).append(now_us())
        self.services.restart(service)

    def mend(self) -> None:
        """Start whatever has ended again."""
        for name in self.services.names:
            if not self.services.is_running(name):
                self.start_again(name)

    def invite(self, kind: str) -> "Visitor":
        """One more replica of a consumer; returns when it is ready. Raises ServiceFailed."""
        self._visitors += 1
        label = f"{kind}-visitor-{self._visitors}"
        extra = {"HOLISTIC_AVATAR_LATENCY_LOG": str(self.sent_log_of(label))} if kind == "avatar" else {}
        processes = ServiceProcesses([self.suite.plan_service(kind, label, **extra)], self.suite.logs_dir, 60.0)
        processes.__enter__()
        return Visitor(label, processes)

    def sent_log_of(self, label: str) -> Path:
        """Where a visiting avatar notes what it sent."""
        return self.suite.logs_dir / f"sent-{label}.jsonl"

    def list_sent_logs(self) -> dict[str, Path]:
        """Service → its log of frames that were sent."""
        visitors = {path.stem: path for path in sorted(self.suite.logs_dir.glob("sent-*.jsonl"))}
        return {"avatar": self.suite.sent_log, **visitors}

    @contextmanager
    def watching_readiness(self) -> "Iterator[Readiness]":
        """Ask all services again and again, on a thread, for the length of the block."""
        readiness = Readiness(self.services)
        thread = threading.Thread(target=readiness.watch, name="readiness", daemon=True)
        thread.start()
        try:
            yield readiness
        finally:
            readiness.end.set()
            thread.join()

    def wait_calm(self, timeout_s: float = _CALM_TIMEOUT_S) -> int | None:
        """Until nobody has been behind for a while, and all are ready; since when they are (µs).

        None: that was not so in time. Raises LoadLost when the load has ended.
        """
        with self.watching_readiness() as readiness:
            return self.wait_calm_and(readiness, timeout_s)

    def wait_calm_and(self, readiness: "Readiness", timeout_s: float = _CALM_TIMEOUT_S) -> int | None:
        """The same, with services that have been watched for some time already."""
        deadline_s = time.monotonic() + timeout_s
        calm_since_s: float | None = None
        while time.monotonic() < deadline_s:
            self._check_load()
            if readiness.since_us is None or self.find_behind():
                calm_since_s = None
            elif calm_since_s is None:
                calm_since_s = time.monotonic()
            elif time.monotonic() - calm_since_s >= _CALM_S:
                return readiness.since_us
            time.sleep(_POLL_S)
        return None

    def find_behind(self) -> list[str]:
        """Who is behind now: connectors, and the load while it waits for acknowledgements."""
        self.log.read_on()
        behind = [name for name in CONNECTORS if self.log.count_waiting(name) > SLACK_S[name] * self.rate]
        if now_us() - self.log.last_acknowledged_us > SLACK_S[ACKNOWLEDGED] * 1e6:
            behind.append(ACKNOWLEDGED)
        return behind

    def wait_all_durable(self, timeout_s: float = 120.0) -> None:
        """Once the load is over: until every connector has made all of it durable. Raises StillBehind."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            self.log.read_on()
            waiting = {name: count for name in CONNECTORS if (count := self.log.count_waiting(name))}
            if not waiting:
                return
            if time.monotonic() > deadline_s:
                name, count = next(iter(waiting.items()))
                raise StillBehind(f"{name} was {count} records behind in the end", group=name, lag=count)
            time.sleep(_POLL_S)

    def _check_load(self) -> None:
        if self._load is not None and self._load.poll() is not None:
            complaint = self._load.stderr.read() if self._load.stderr is not None else ""
            raise LoadLost(f"the load has ended: {complaint.strip()[-2000:]}", error=complaint)


class Readiness:
    """Since when all services have said that they are ready, whenever they were asked."""

    def __init__(self, services: ServiceProcesses) -> None:
        self._services = services
        self.since_us: int | None = None
        """None: one is not, or nobody was asked yet."""
        self.end = threading.Event()

    def watch(self) -> None:
        """Ask until `end` is set."""
        while not self.end.is_set():
            ready = all(self._services.is_ready(name) for name in self._services.names)
            self.since_us = (self.since_us or now_us()) if ready else None
            self.end.wait(_POLL_S)


class Visitor:
    """A replica that came later than the others, and will leave before them."""

    def __init__(self, label: str, processes: ServiceProcesses) -> None:
        self.label = label
        self._processes = processes

    def leave(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 40.0) -> int:
        """End it with a signal; its exit code."""
        self._processes.signal(self.label, number)
        return self._processes.wait_ended(self.label, timeout_s)

    def close(self) -> None:
        """End it in any case."""
        self._processes.stop(timeout_s=5.0)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


__all__ = ["ROTATE_S", "SERVICES", "SLACK_S", "Arena", "LoadLost", "Visitor", "now_us"]
