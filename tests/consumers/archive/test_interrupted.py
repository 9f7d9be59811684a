"""The Parquet connector killed, or frozen, at each step of finishing a file: each record is there once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.audit import audit_archive
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.sweeping import sweep_orphans
from kafka_io.admin import topic_end_offsets
from tests.connect_runtime.harness import wait_until
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.dying_storage import Died, DyingStorage
from tests.consumers.archive.interrupted_service import MOMENTS
from tests.consumers.archive.made_frames import NOON_US, make_batch, publish

TEST = TopicPartition("test", 0)
HOUR_US = 3_600_000_000


def now_us() -> int:
    return time.time_ns() // 1000


def half_past_us() -> int:
    """Half past the hour before this one: what is captured from there on is in files of one hour."""
    return now_us() // HOUR_US * HOUR_US - HOUR_US // 2


def listed_files(root: Path) -> list[str]:
    return sorted(file.path for chain in list_chains(LocalStorage(root)) for file in chain.files)


def check_no_leftovers(root: Path) -> None:
    """What is listed is what is there."""
    assert [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.parquet"))] == listed_files(root)
    assert not (root / "staging").exists()
    assert not list(root.rglob("*.draft"))


def test_a_writer_that_dies_at_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    def open_sink(root: Path, generation: int, storage: LocalStorage | None = None) -> tuple[ParquetSink, int]:
        sink = ParquetSink(storage or LocalStorage(root), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
        return sink, sink.open(Assignment((TEST,), generation, f"member-{generation}", 0)).get(TEST, 0)

    def archive(root: Path, generation: int, storage: LocalStorage | None = None) -> None:
        """Two flushes, the second of two hours, beginning where the manifest says."""
        sink, first = open_sink(root, generation, storage)
        for end in (10, 20):
            if first < end:
                batch = make_batch(end - first, first_offset=first)
                batch.captured_at_us[batch.offset % 2 == 1] -= HOUR_US
                sink.put(batch)
                sink.flush()
                first = end

    alive = DyingStorage(tmp_path / "alive")
    archive(tmp_path / "alive", 1, alive)
    assert alive.steps > 20
    for step in range(1, alive.steps + 1):
        root = tmp_path / str(step)
        with pytest.raises(Died):
            archive(root, 1, DyingStorage(root, step))
        assert stored_offsets(root) in ([], list(range(10)), list(range(20))), "a flush is seen whole or not at all"
        archive(root, 2)
        assert stored_offsets(root) == list(range(20)), step
        check_no_leftovers(root)


def stored_offsets(root: Path) -> list[int]:
    with open_archive(root, only_for="frames") as connection:
        return [offset for (offset,) in query(connection, 'SELECT "offset" FROM frames ORDER BY 1')[1]]


@contextmanager
def interrupted(archive: Archive, moment: str, number: signal.Signals) -> Iterator["subprocess.Popen[bytes]"]:
    """The connector as a process that sends itself a signal."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": archive.kafka.bootstrap_servers, "HOLISTIC_HTTP_PORT": "0"}
    arguments = [archive.group("parquet"), archive.topic, str(archive.root), moment, number.name]
    with archive.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.consumers.archive.interrupted_service", *arguments],
            env=environment,
            stderr=log,
            stdout=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def finish_and_check(archive: Archive) -> None:
    """Another process archives the rest; all is there once, and nothing else."""
    replica = archive.start("parquet")
    archive.wait_until(lambda: archive.lag("parquet") == 0)
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    check_clean(archive)


def check_clean(archive: Archive) -> None:
    audited = audit_archive(archive.kafka, archive.topic, archive_root=archive.root)
    assert audited.clean, audited
    total = sum(topic_end_offsets(archive.kafka, archive.topic).values())
    assert sum(part.rows for part in audited.of_store("parquet")) == total


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(170)
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_of_a_files_finish_each_record_is_there_once(archive: Archive, moment: str) -> None:
    publish(archive.kafka, archive.topic, make_batch(2_000, starts_at_us=half_past_us()))
    with interrupted(archive, moment, signal.SIGKILL) as process:
        assert process.wait(60) == -signal.SIGKILL, archive.log.read_text()[-4000:]
    assert 0 < archive.rows("parquet") < 2_000, f"it was not killed in the middle: {archive.log.read_text()[-4000:]}"
    finish_and_check(archive)
    check_no_leftovers(archive.root)


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(170)
@pytest.mark.parametrize("moment", ["when half of it is written", "after it is published"])
def test_a_zombie_in_the_middle_of_a_file_lists_nothing_when_it_wakes(archive: Archive, moment: str) -> None:
    publish(archive.kafka, archive.topic, make_batch(2_000, starts_at_us=half_past_us()))
    with interrupted(archive, moment, signal.SIGSTOP) as zombie:
        wait_until("it stands still", lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED, 60)
        assert 0 < archive.rows("parquet") < 2_000, (
            f"it was not stopped in the middle: {archive.log.read_text()[-4000:]}"
        )
        successor = archive.start("parquet")
        archive.wait_until(lambda: archive.lag("parquet") == 0)
        check_clean(archive)
        listed = listed_files(archive.root)
        zombie.send_signal(signal.SIGCONT)
        # Whichever it hears of first, from the manifest or from the group.
        archive.wait_until(
            lambda: any(sign in archive.log.read_text() for sign in ("another owner", "partitions lost"))
        )
        publish(archive.kafka, archive.topic, make_batch(300, first_offset=2_000, starts_at_us=now_us()))
        archive.wait_until(lambda: archive.lag("parquet") == 0)
    assert set(listed) <= set(listed_files(archive.root))
    successor.send_signal(signal.SIGTERM)
    assert successor.wait() == 0
    check_clean(archive)
    storage = LocalStorage(archive.root)
    sweep_orphans(storage, now_us(), now_us())
    check_no_leftovers(archive.root)
    check_clean(archive)
