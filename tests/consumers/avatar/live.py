"""The avatar service as a process of its own, performers that go on on a real topic, and receivers that note it all."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import httpx
import numpy as np
import orjson
from prometheus_client.parser import text_string_to_metric_families

from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame, encode
from keypoints.topics import frame_headers, record_key
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.avatar.receiver import open_receiver, read_messages
from tests.consumers.avatar.told import Told

REPOSITORY: Final = Path(__file__).resolve().parents[3]
PATIENCE_S: Final = 40.0
FPS: Final = 30.0
_LOOP: Final = 300
"""Frames of a performance, which is then gone through backwards: a dance without a seam."""


def wait_until(holds: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for something that happens by itself; fails saying what did not."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s until {what}"
        time.sleep(0.01)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def find_free_http_port() -> int:
    """A TCP port of this host that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def make_dance(kind: ActKind = ActKind.WAVE, seed: int = 4, count: int = _LOOP) -> list[HolisticFrame]:
    """Frames of a performer; their times are given when they are sent."""
    batch = Performer("somebody", [Act(kind, 0.0, 60.0)], seed=seed).batch(np.arange(count) / FPS, start_us=1, epoch=1)
    return [batch.frame(row) for row in range(count)]


def publish(kafka: KafkaSettings, topic: str, frames: Sequence[HolisticFrame], partition: int | None = None) -> None:
    """Write frames, and wait until they are there."""
    with BoundedPublisher(kafka) as publisher:
        for frame in frames:
            publisher.publish(
                topic, record_key(frame.stream_id), encode(frame), frame_headers(),
                max(frame.captured_at_us, 0) // 1000, partition=partition,
            )  # fmt: skip
        publisher.flush(PATIENCE_S)


class Performing:
    """Streams that perform at 30 frames a second, captured and processed now, while it is entered."""

    def __init__(
        self, kafka: KafkaSettings, topic: str, streams: Mapping[str, int], dance: Sequence[HolisticFrame]
    ) -> None:
        """`streams`: each one's partition."""
        self._kafka, self._topic, self._streams, self._dance = kafka, topic, streams, dance
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._perform, name="performing")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(PATIENCE_S)

    def _perform(self) -> None:
        began_s, length = time.monotonic(), len(self._dance)
        with BoundedPublisher(self._kafka) as publisher:
            number = 0
            while not self._ending.wait(max(0.0, began_s + number / FPS - time.monotonic())):
                at = number % (2 * length)
                seen = self._dance[at if at < length else 2 * length - 1 - at]
                at_us = now_us()
                for stream, partition in self._streams.items():
                    frame = replace(
                        seen, stream_id=stream, sequence=number, captured_at_us=at_us, processed_at_us=at_us
                    )
                    publisher.publish(
                        self._topic, record_key(stream), encode(frame), frame_headers(), at_us // 1000,
                        partition=partition,
                    )  # fmt: skip
                number += 1
            publisher.flush(PATIENCE_S)


class Receiving:
    """A receiver on a port of this host: every datagram with the moment it came, while it is entered."""

    def __init__(self) -> None:
        self._socket = open_receiver()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.target = f"127.0.0.1:{self.port}"
        self._came: list[tuple[float, bytes]] = []
        self._sources: list[tuple[float, tuple[str, int]]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._receive, name="receiving")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(PATIENCE_S)
        self._socket.close()

    def _receive(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                datagram, source = self._socket.recvfrom(65536)
                self._came.append((time.time(), datagram))
                self._sources.append((self._came[-1][0], source))

    def count(self, since_s: float = 0.0, until_s: float = float("inf")) -> int:
        """How many datagrams came in this time, seconds since 1970."""
        return sum(since_s <= at_s < until_s for at_s, _ in list(self._came))

    def first_after(self, since_s: float) -> float | None:
        """When the first datagram came that came after `since_s`."""
        return next((at_s for at_s, _ in list(self._came) if at_s >= since_s), None)

    def sources(self, since_s: float) -> set[tuple[str, int]]:
        """Who sent since then."""
        return {source for at_s, source in list(self._sources) if at_s >= since_s}

    def wait_for(self, more: int = 20, timeout_s: float = PATIENCE_S) -> None:
        """Wait until so many more datagrams came."""
        before = len(self._came)
        wait_until(lambda: len(self._came) >= before + more, f"{more} datagrams come in", timeout_s)

    def silence_s(self) -> float:
        """How long nothing has come."""
        return time.time() - (self._came[-1][0] if self._came else 0.0)

    def bones(self, since_s: float = 0.0, until_s: float = float("inf")) -> dict[str, Told]:
        """What was told of each bone in this time."""
        times_s: dict[str, list[float]] = {}
        turned: dict[str, list[tuple[float, ...]]] = {}
        senders: dict[str, list[int]] = {}
        clocks_s: dict[int, float] = {}
        for (at_s, datagram), (_, (_, port)) in zip(list(self._came), list(self._sources), strict=False):
            if not since_s - 1.0 <= at_s < until_s:
                continue
            for message in read_messages([datagram]):
                if message.address == "/VMC/Ext/T":  # heads the first datagram of a state
                    clocks_s[port] = message.params[0]
                elif message.address == "/VMC/Ext/Bone/Pos" and since_s <= at_s:
                    name, *numbers = message.params
                    times_s.setdefault(name, []).append(clocks_s[port])
                    turned.setdefault(name, []).append(tuple(numbers[3:]))
                    senders.setdefault(name, []).append(port)
        return {
            name: Told(np.array(times_s[name]), np.array(turned[name]), np.array(senders[name])) for name in times_s
        }


@dataclass
class Service:
    """One `python -m consumers.avatar`."""

    process: subprocess.Popen[bytes]
    log_path: Path
    latency_path: Path
    started_at_s: float
    port: int
    begins_at: int = 0
    """Where in the log this process begins."""

    def said(self) -> str:
        """Its log."""
        return self.log_path.read_bytes()[self.begins_at :].decode()

    def ask(self, method: str, path: str, **fields: Any) -> httpx.Response:
        """What it answers."""
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=20, **fields)

    def wait_alive(self) -> float:
        """Wait until /livez answers. Returns when that was, seconds since 1970."""

        def lives() -> bool:
            with suppress(httpx.TransportError):
                return self.ask("GET", "/livez").status_code == 200
            return False

        wait_until(lives, "/livez answers")
        return time.time()

    def wait_ready(self) -> None:
        """Wait until it has its partitions."""
        self.wait_alive()
        wait_until(lambda: self.ask("GET", "/readyz").status_code == 200, "it is ready")

    def wait_for_roles(self) -> None:
        """Wait until it has read what roles there are; until then it gives none, and says so with 503."""
        role = f"/avatar/roles/nobody-{self.port}"
        wait_until(lambda: self.ask("PUT", role, json={"mirror": True}).status_code == 200, "it knows the roles")
        self.ask("DELETE", role)

    def counted(self, name: str, **labels: str) -> float:
        """A metric, summed over the labels that are not named."""
        text = self.ask("GET", "/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def passed_over(self) -> dict[str, float]:
        """Frames passed over, by reason."""
        text = self.ask("GET", "/metrics").text
        return {
            sample.labels["reason"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "holistic_avatar_frames_passed_over_total"
        }

    def sent(self) -> list[dict[str, Any]]:
        """The lines of the latency log."""
        if not self.latency_path.exists():
            return []
        whole, _, _ = self.latency_path.read_bytes().rpartition(b"\n")
        return [orjson.loads(line) for line in whole.splitlines()]

    def stop(self) -> int:
        """Ask it to end. Returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


class House:
    """Services over one topic; all are killed when it is left."""

    def __init__(self, kafka: KafkaSettings, topic: str, group: str, directory: Path) -> None:
        self.kafka, self.topic, self.group = kafka, topic, group
        self._directory = directory
        self._services: list[Service] = []
        self._ports: dict[str, int] = {}

    def start(self, *arguments: str, name: str = "one", environment: Mapping[str, str] | None = None) -> Service:
        """A service; one of the same name has the same port and logs, and so is the replica there was before."""
        port = self._ports.setdefault(name, find_free_http_port())
        given = self._environment(name, port) | dict(environment or {})
        log_path = self._directory / f"{name}.log"
        begins_at = log_path.stat().st_size if log_path.exists() else 0
        command = [sys.executable, "-m", "consumers.avatar", *arguments, f"name={self.group}"]
        started_at_s = time.time()
        with log_path.open("ab") as log:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | given, stdout=log, stderr=log)
        latency = Path(given["HOLISTIC_AVATAR_LATENCY_LOG"])
        self._services.append(Service(process, log_path, latency, started_at_s, port, begins_at))
        return self._services[-1]

    def run(self, *arguments: str, environment: Mapping[str, str]) -> Any:
        """What `holistic` with these arguments prints as JSON."""
        given = os.environ | self._environment("run", 0) | dict(environment)
        done = subprocess.run(
            [sys.executable, "-m", "holistic_cli", *arguments], cwd=REPOSITORY, env=given, capture_output=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return orjson.loads(done.stdout)

    def _environment(self, name: str, port: int) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "HOLISTIC_TOPIC": self.topic,
            "HOLISTIC_VMC_TARGETS": "",
            "HOLISTIC_HTTP_PORT": str(port),
            "HOLISTIC_LOG_FORMAT": "json",
            "HOLISTIC_AVATAR_LATENCY_LOG": str(self._directory / f"{name}.jsonl"),
            "XDG_STATE_HOME": str(self._directory / "state"),
            "OMP_NUM_THREADS": "1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for service in self._services:
            if service.process.poll() is None:
                service.process.kill()
            service.process.wait(PATIENCE_S)
