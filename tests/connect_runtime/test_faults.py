"""Processes that are killed, stopped and frozen: nothing is lost, and every effect is there once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kafka_io.admin import group_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from tests.connect_runtime.harness import encode_empty_frame, wait_until
from tests.connect_runtime.sqlite_service import SESSION_S
from tests.connect_runtime.test_behaviour import new_group

pytestmark = pytest.mark.servers
REPOSITORY = Path(__file__).resolve().parents[2]
PARTITIONS = 3


class Replica:
    """One process of the service."""

    def __init__(self, settings: KafkaSettings, group: str, topic: str, path: Path, flush_ms: int = 50) -> None:
        self._log = path.with_suffix(".log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.connect_runtime.sqlite_service", group, topic, str(path), str(flush_ms)],
            cwd=REPOSITORY,
            env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def partitions(self) -> int:
        return self._figure("kafka_connect_sink_task_partition_count")

    def records_put(self) -> int:
        return self._figure("kafka_connect_sink_task_sink_record_send_total")

    def _figure(self, name: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name}{{"):
                    return int(float(line.rpartition(" ")[2]))
        return 0

    def tasks(self) -> list[dict[str, object]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return list(json.loads(answer.read())["tasks"])
        except OSError:
            return []

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


Launcher = Callable[..., Replica]


@pytest.fixture
def launch(kafka_settings: KafkaSettings) -> Iterator[Launcher]:
    """`launch(group, topic, path)` starts a replica, killed after the test if it still runs."""
    replicas: list[Replica] = []

    def start(group: str, topic: str, path: Path, flush_ms: int = 50) -> Replica:
        replicas.append(Replica(kafka_settings, group, topic, path, flush_ms))
        return replicas[-1]

    yield start
    for replica in replicas:
        replica.close()


def publish(settings: KafkaSettings, topic: str, count: int, first: int = 0) -> None:
    """`count` frames to each partition."""
    with BoundedPublisher(settings) as publisher:
        for index in range(first, first + count):
            for partition in range(PARTITIONS):
                publisher.publish(topic, b"ada", encode_empty_frame(index), partition=partition)
        publisher.flush()
        assert publisher.counts().failed == 0


@contextmanager
def publishing(settings: KafkaSettings, topic: str, rate: float) -> Iterator[Callable[[], int]]:
    """Publish `rate` frames a second to each partition for the length of the block; gives how many so far."""
    stop = threading.Event()
    published = 0

    def run() -> None:
        nonlocal published
        with BoundedPublisher(settings) as publisher:
            while not stop.wait(1 / rate):
                for partition in range(PARTITIONS):
                    publisher.publish(topic, b"ada", encode_empty_frame(published), partition=partition)
                published += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: published
    finally:
        stop.set()
        thread.join()


def stored(path: Path) -> dict[int, list[int]]:
    """Partition → offsets in the store, in order."""
    if not path.exists():
        return {}
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        rows: dict[int, list[int]] = {}
        with suppress(sqlite3.OperationalError):  # the table is not made yet
            for partition, offset in database.execute("SELECT part, off FROM rows ORDER BY part, off"):
                rows.setdefault(partition, []).append(offset)
        return rows
    finally:
        database.close()


def all_of(count: int) -> dict[int, list[int]]:
    return {partition: list(range(count)) for partition in range(PARTITIONS)}


def test_kill_9_in_the_middle_three_times_loses_nothing(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    publish(kafka_settings, topic, 4_000)
    for turn in range(1, 4):
        replica = launch(group, topic, path)
        wait_until("some more stored", lambda turn=turn: sum(map(len, stored(path).values())) > turn * 1_000)  # type: ignore[misc]
        replica.end(signal.SIGKILL)
    committed = group_offsets(kafka_settings, group, topic)
    rows = stored(path)
    assert all(offset <= len(rows[partition]) for partition, offset in committed.items()), "committed past the store"
    launch(group, topic, path)
    wait_until("all stored", lambda: stored(path) == all_of(4_000), 60)
    wait_until(
        "all committed", lambda: group_offsets(kafka_settings, group, topic) == dict.fromkeys(range(PARTITIONS), 4_000)
    )


def test_sigterm_drains_commits_and_exits_0(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    publish(kafka_settings, topic, 500)
    replica = launch(group, topic, path, 3_600_000)
    wait_until("running", lambda: [task["state"] for task in replica.tasks()] == ["RUNNING"])
    wait_until("it has something to drain", lambda: replica.records_put() > 0)
    assert replica.end(signal.SIGTERM) == 0
    rows = stored(path)
    assert sum(map(len, rows.values())) > 0, "nothing was drained"
    assert group_offsets(kafka_settings, group, topic) == {index: len(offsets) for index, offsets in rows.items()}
    assert all(offsets == list(range(len(offsets))) for offsets in rows.values())


def test_a_second_signal_ends_a_service_that_cannot_drain(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    replica = launch(group, topic, path, 200)
    wait_until("running", lambda: [task["state"] for task in replica.tasks()] == ["RUNNING"])
    blocker = sqlite3.connect(path, timeout=10)
    blocker.execute("BEGIN EXCLUSIVE")
    publish(kafka_settings, topic, 10)
    wait_until("it has something to drain", lambda: replica.records_put() > 0)
    replica.process.send_signal(signal.SIGTERM)
    threading.Event().wait(1.0)
    assert replica.process.poll() is None, "it ended without having drained"
    assert replica.end(signal.SIGTERM) == 128 + signal.SIGTERM
    blocker.close()


def test_a_frozen_replica_that_wakes_up_after_its_session_commits_nothing_stale(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    frozen = launch(group, topic, path)
    publish(kafka_settings, topic, 200)
    wait_until("all stored", lambda: stored(path) == all_of(200))
    frozen.process.send_signal(signal.SIGSTOP)
    other = launch(group, topic, path)
    publish(kafka_settings, topic, 200, first=200)
    wait_until("taken over", lambda: stored(path) == all_of(400), 60)
    wait_until(
        "committed", lambda: group_offsets(kafka_settings, group, topic) == dict.fromkeys(range(PARTITIONS), 400)
    )
    frozen.process.send_signal(signal.SIGCONT)
    # All are the topic's and the one of the connector's own retry topic.
    wait_until("both share the partitions again", lambda: 0 < frozen.partitions() < PARTITIONS + 1, 60)
    assert group_offsets(kafka_settings, group, topic) == dict.fromkeys(range(PARTITIONS), 400)
    publish(kafka_settings, topic, 100, first=400)
    wait_until("all stored", lambda: stored(path) == all_of(500))
    assert other.end(signal.SIGTERM) == 0
    assert frozen.end(signal.SIGTERM) == 0
    assert group_offsets(kafka_settings, group, topic) == dict.fromkeys(range(PARTITIONS), 500)


def test_replicas_that_come_and_go_lose_nothing(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], launch: Launcher, tmp_path: Path
) -> None:
    topic, group, path = make_topic(partitions=PARTITIONS), new_group(), tmp_path / "rows.db"
    launch(group, topic, path)
    with publishing(kafka_settings, topic, 50) as published:
        for turn in range(4):
            visitor = launch(group, topic, path)
            before = sum(map(len, stored(path).values()))
            # Those of odd turns join after a kill: the group waits until the killed member's session has run out.
            waits_for_the_killed_s = SESSION_S if turn % 2 else 0.0
            threading.Event().wait(3.0)
            wait_until(
                f"progress while replicas come and go, turn {turn}",
                lambda before=before: sum(map(len, stored(path).values())) > before,  # type: ignore[misc]
                waits_for_the_killed_s,
            )
            visitor.end(signal.SIGTERM if turn % 2 else signal.SIGKILL)
    count = published()
    wait_until("all stored", lambda: stored(path) == all_of(count), 60)
    wait_until(
        "all committed", lambda: group_offsets(kafka_settings, group, topic) == dict.fromkeys(range(PARTITIONS), count)
    )
