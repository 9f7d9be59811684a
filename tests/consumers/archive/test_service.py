"""The archive as a process, on a real topic: killed, restarted, fed rubbish."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg2
import pytest

from consumers.archive.audit import ArchiveAudit, audit_archive
from consumers.archive.sql import ask_parquet, ask_postgres
from kafka_io.admin import group_lag
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.landmarks import Part
from keypoints.topics import frame_headers
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(170)]


@dataclass
class Archive:
    """One topic, one database, one folder, and processes that archive the one into the others."""

    kafka: KafkaSettings
    topic: str
    database_url: str
    root: Path
    log: Path
    processes: list["subprocess.Popen[bytes]"]
    suffix: str

    def start(self, stores: str = "both") -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "HOLISTIC_ARCHIVE_DIR": str(self.root),
            "HOLISTIC_TOPIC": self.topic,
            "HOLISTIC_HTTP_PORT": "0",
            "HOLISTIC_ARCHIVE_POSTGRES_CONFIG": self._config("archive-postgres"),
            "HOLISTIC_ARCHIVE_PARQUET_CONFIG": self._config("archive-parquet", **{"rotate.interval.ms": 500}),
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "consumers.archive", stores], env=environment, stderr=log)
        self.processes.append(process)
        return process

    def _config(self, name: str, **settings: object) -> str:
        fast = {"consumer.override.session.timeout.ms": 3000, "consumer.override.heartbeat.interval.ms": 500}
        return orjson.dumps({"name": f"{name}-{self.suffix}", **fast, **settings}).decode()

    def lag(self, store: str) -> int:
        return sum(group_lag(self.kafka, f"archive-{store}-{self.suffix}", self.topic).values())

    def rows(self, store: str) -> int:
        if store == "postgres":
            with ask_postgres(self.database_url, "SELECT count(*) FROM frames") as answer:
                return int(next(answer.rows)[0])
        with ask_parquet(self.root, "SELECT count(*) FROM frames") as answer:
            return int(next(answer.rows)[0])

    def wait_until(self, reached: Callable[[], bool], timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while not reached():
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            assert self.processes[-1].poll() is None, self.log.read_text()[-4000:]
            threading.Event().wait(0.1)

    def wait_until_caught_up(self) -> None:
        self.wait_until(lambda: self.lag("postgres") == 0 and self.lag("parquet") == 0)

    def audit(self) -> ArchiveAudit:
        return audit_archive(self.kafka, self.topic, database_url=self.database_url, archive_root=self.root)


@pytest.fixture
def archive(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    tmp_path: Path,
) -> Iterator[Archive]:
    made = Archive(
        kafka_settings,
        make_topic(partitions=3, name="archive"),
        make_database(),
        tmp_path / "archive",
        tmp_path / "log",
        [],
        uuid.uuid4().hex[:8],
    )
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def now_us() -> int:
    return time.time_ns() // 1000


def test_killed_three_times_in_the_middle_every_offset_is_there_once(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(20_000, starts_at_us=now_us() - 20_000 * 33_333))
    process = archive.start()
    archive.wait_until(lambda: archive_has_begun(archive))
    for killed_at in (2_000, 8_000, 13_000):
        archive.wait_until(lambda at=killed_at: archive.rows("postgres") >= at)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert archive.rows("postgres") < 20_000, "it was done before it was killed"
        process = archive.start()
    archive.wait_until_caught_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    audited = archive.audit()
    assert audited.clean, audited
    for store in ("postgres", "parquet"):
        assert sum(part.rows for part in audited.of_store(store)) == 20_000


def archive_has_begun(archive: Archive) -> bool:
    try:
        return archive.rows("postgres") > 0
    except Exception as error:
        if isinstance(error.__cause__, psycopg2.errors.UndefinedTable):
            return False
        raise


@pytest.mark.parametrize("first_half_without", [True, False])
def test_hands_that_appear_or_vanish_within_a_backlog_all_land(archive: Archive, first_half_without: bool) -> None:
    absent: list[tuple[Part, ...]] = [(Part.LEFT_HAND,), ()] if first_half_without else [(), (Part.LEFT_HAND,)]
    publish(archive.kafka, archive.topic, make_batch(200, absent=absent[0], starts_at_us=now_us()))
    publish(archive.kafka, archive.topic, make_batch(200, first_offset=200, absent=absent[1], starts_at_us=now_us()))
    archive.start()
    archive.wait_until_caught_up()
    question = "SELECT count(*), count(left_hand), count(right_hand) FROM frames"
    with ask_postgres(archive.database_url, question) as answer:
        assert list(answer.rows) == [(400, 200, 400)]
    with ask_parquet(archive.root, question) as answer:
        assert list(answer.rows) == [(400, 200, 400)]


def test_rubbish_on_the_topic_is_logged_and_the_frames_around_it_are_archived(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(50, starts_at_us=now_us()))
    with BoundedPublisher(archive.kafka) as publisher:
        for value in (os.urandom(100), b"", b'{"keypoints": 5}'):
            publisher.publish(archive.topic, b"performer-0", value, frame_headers(), None)
    publish(archive.kafka, archive.topic, make_batch(50, first_offset=50, starts_at_us=now_us()))
    process = archive.start()
    archive.wait_until_caught_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert archive.rows("postgres") == archive.rows("parquet") == 100
    audited = archive.audit()
    assert [part.missing for part in audited.of_store("postgres") if part.missing] == [3]
    assert archive.log.read_text().count(archive.topic) >= 3


def test_two_replicas_share_the_partitions_and_write_each_record_once(archive: Archive) -> None:
    archive.start()
    publish(archive.kafka, archive.topic, make_batch(2_000, starts_at_us=now_us() - 60_000_000))
    second = archive.start()
    publish(archive.kafka, archive.topic, make_batch(2_000, first_offset=2_000, starts_at_us=now_us()))
    archive.wait_until_caught_up()
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=30) == 0
    assert archive.audit().clean
    assert archive.rows("postgres") == archive.rows("parquet") == 4_000
