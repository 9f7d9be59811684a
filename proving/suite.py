"""The whole suite on this machine: servers of its own, every consumer as processes, and a load to put on it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS_CONNECTOR
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.avatar.settings import CONNECTOR_NAME as AVATAR_CONNECTOR
from demo.services import Service, ServiceProcesses
from kafka_io.admin import create_topics, group_offsets, topic_end_offsets
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal, Transient
from keypoints.topics import TopicSpec
from local_stack.layout import Endpoints, Layout
from local_stack.stack import start_stack, stop_stack
from local_stack.status import read_status
from proving.room import taking_notes

GROUPS: Final = (POSTGRES_CONNECTOR, PARQUET_CONNECTOR, ANALYTICS_CONNECTOR, AVATAR_CONNECTOR)
"""Every consumer group of the suite; each is a connector's name too."""

SERVICES: Final = ("archive", "analytics", "avatar")
LOAD: Final = "load"
_LOAD_MARGIN_S: Final = 120.0
_POLL_S: Final = 0.25


class LoadFailed(Transient):
    """The load did not get every frame acknowledged, or could not run. Fields: rate, error."""


class StillBehind(Terminal):
    """A group has not caught up in time. Fields: group, lag."""


@dataclass(frozen=True, kw_only=True)
class SuiteShape:
    """How large the suite is: partitions of its topic, replicas of each consumer, performers with a receiver each."""

    partitions: int = 6
    replicas: int = 1
    performers: int = 40
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment of every consumer, beside ours."""


class RunningLoad:
    """A load that is being published."""

    def __init__(self, process: subprocess.Popen[str], rate: float, seconds: float) -> None:
        self._process = process
        self._rate = rate
        self._seconds = seconds

    def wait(self) -> dict[str, Any]:
        """The report, once every frame is acknowledged. Raises LoadFailed."""
        try:
            said, complaint = self._process.communicate(timeout=self._seconds + _LOAD_MARGIN_S)
        except subprocess.TimeoutExpired:
            complaint, said = "it did not end in time", ""
        if self._process.returncode != 0:
            raise LoadFailed(
                f"the load of {self._rate:g} frames/s failed: {complaint.strip() or said.strip()}",
                hint="is the broker up, and can it take that much?",
                rate=self._rate,
            )
        report: dict[str, Any] = json.loads(said)
        return report


class Suite:
    """Runs while it is entered: a broker, a database, the consumers; all of it under `home`, which is left as it is.

    Raises PartFailed, PortTaken and the like of the local stack, and ServiceFailed.
    """

    def __init__(self, home: Path, shape: SuiteShape, topic: str = "proving") -> None:
        self.home = home
        self.shape = shape
        self.topic = topic
        self.events_topic = f"{topic}-events"
        self.archive_dir = home / "archive"
        self.logs_dir = home / "logs"
        self.durable_log: Path
        self.sent_log: Path
        self.endpoints: Endpoints
        self.services: ServiceProcesses
        self._loads: list[int] = []
        self._held = ExitStack()

    @property
    def stack_dir(self) -> Path:
        """The local stack's data directory."""
        return self.home / "stack"

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach the broker."""
        return KafkaSettings(bootstrap_servers=self.endpoints.kafka_bootstrap_servers, security_protocol="PLAINTEXT")

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the suite needs in its environment."""
        return {
            **self.endpoints.environment(),
            "HOLISTIC_HOME": str(self.stack_dir),
            "HOLISTIC_TOPIC": self.topic,
            "HOLISTIC_ARCHIVE_DIR": str(self.archive_dir),
        }

    def __enter__(self) -> Self:
        self.logs_dir.mkdir(parents=True, exist_ok=True)
        notes_dir = self._held.enter_context(taking_notes(self.logs_dir))
        self.durable_log, self.sent_log = notes_dir / "durable.jsonl", notes_dir / "sent.jsonl"
        try:
            self.endpoints = start_stack(self.stack_dir)
            self._held.callback(stop_stack, self.stack_dir)
            # The broker's clock tells when an event was on its topic, not the sender's.
            timed = {"message.timestamp.type": "LogAppendTime"}
            create_topics(
                self.kafka,
                [TopicSpec(self.topic, self.shape.partitions), TopicSpec(self.events_topic, 1, timed)],
            )
            targets = self._held.enter_context(open_receivers(self.shape.performers))
            self.services = self._held.enter_context(
                ServiceProcesses(self._plan_services(), self.logs_dir, startup_timeout_s=120.0)
            )
            for number, target in enumerate(targets):
                give_role(self.services.address("avatar"), f"{LOAD}-{number:03d}", target)
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def roots(self) -> dict[str, list[int]]:
        """The processes of each part, without their children: servers, services by kind, the load."""
        found: dict[str, list[int]] = {}
        status = read_status(Layout(self.stack_dir))
        for part in status.parts if status is not None else []:
            found[part.name] = [] if part.pid is None else [part.pid]
        for name in self.services.names:
            found.setdefault(name.partition("-")[0], []).append(self.services.pid(name))
        if self._loads:
            found[LOAD] = list(self._loads)
        return found

    def load(self, rate: float, streams: int, seconds: float, **options: str) -> dict[str, Any]:
        """Publish that load from a process of its own, and return its report. Raises LoadFailed."""
        with self.loading(rate, streams, seconds, **options) as running:
            return running.wait()

    @contextmanager
    def loading(self, rate: float, streams: int, seconds: float, **options: str) -> "Iterator[RunningLoad]":
        """Publish that load while the body runs, and no longer. `options` are those of `holistic load`, by name."""
        given = {
            "rate": f"{rate:g}",
            "streams": str(streams),
            "seconds": f"{seconds:g}",
            "topic": self.topic,
            **options,
        }
        arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
        process = subprocess.Popen(
            [sys.executable, "-m", "holistic_cli", "load", "--json", *arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._loads.append(process.pid)
        try:
            yield RunningLoad(process, rate, seconds)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
            self._loads.remove(process.pid)

    def wait_caught_up(self, timeout_s: float = 120.0, groups: tuple[str, ...] = GROUPS) -> None:
        """Until every group has committed all there is. Raises StillBehind, and ServiceFailed when one has ended."""
        deadline_s = time.monotonic() + timeout_s
        while lag := {group: behind for group in groups if (behind := self.measure_lag(group))}:
            self.services.check()
            if time.monotonic() > deadline_s:
                group, behind = next(iter(lag.items()))
                raise StillBehind(
                    f"{group} was {behind} records behind after {timeout_s:.0f} s",
                    hint=f"its log is under {self.logs_dir}",
                    group=group,
                    lag=behind,
                )
            time.sleep(_POLL_S)

    def measure_lag(self, group: str) -> int:
        """Records of the topic that a group has not committed yet."""
        ends = topic_end_offsets(self.kafka, self.topic)
        committed = group_offsets(self.kafka, group, self.topic)
        return sum(max(0, end - committed.get(partition, 0)) for partition, end in ends.items())

    def plan_service(self, kind: str, label: str, **environment: str) -> Service:
        """A replica of a consumer, to be run under that name; `environment` wins over what the suite gives it."""
        performers = max(256, self.shape.performers)
        own: dict[str, dict[str, str]] = {
            "archive": {},
            "analytics": {"HOLISTIC_ANALYTICS_CONFIG": json.dumps({"events.topic": self.events_topic})},
            "avatar": {
                "HOLISTIC_VMC_TARGETS": "",
                "HOLISTIC_AVATAR_LATENCY_LOG": str(self.sent_log),
                "HOLISTIC_AVATAR_PERFORMERS": str(performers),
            },
        }
        every = {**self.environment, "HOLISTIC_DURABLE_LOG": str(self.durable_log), **self.shape.settings}
        return Service(f"consumers.{kind}", {**every, **own[kind], **environment}, label=label)

    def _plan_services(self) -> list[Service]:
        return [
            self.plan_service(name, name if number == 0 else f"{name}-{number + 1}")
            for name in SERVICES
            for number in range(self.shape.replicas)
        ]


@contextmanager
def open_receivers(count: int) -> Iterator[list[str]]:
    """Sockets that take datagrams and keep none; yields where they are, as host:port."""
    with ExitStack() as held:
        addresses = []
        for _ in range(count):
            receiver = held.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            receiver.bind(("127.0.0.1", 0))
            host, port = receiver.getsockname()
            addresses.append(f"{host}:{port}")
        yield addresses


def give_role(address: str, stream: str, target: str) -> None:
    """Have a stream's avatar shown at a receiver, over REST as people do. Raises httpx.HTTPError."""
    httpx.put(f"{address}/avatar/roles/{stream}", json={"targets": [target]}, timeout=20).raise_for_status()
