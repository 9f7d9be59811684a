"""A day of capture times sent in random order: few files after compaction, and every frame once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pytest

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.audit import audit_archive
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.partition_files import HOUR_US
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink, RollLimits
from keypoints.frame import FrameBatch
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import NOON_US, make_batch, publish

STREAMS: Final = 100
PARTITIONS: Final = 6
ROWS_A_PUT: Final = 600
PUTS: Final = 60
DAY_US: Final = 24 * HOUR_US
LATER_US: Final = 4_000_000_000_000_000
SMALL_TARGET: Final = CompactionLimits(target_bytes=1_000_000, settled_us=-1, grace_us=-1, abandoned_us=-1)
AT_ONCE: Final = CompactionLimits(settled_us=-1, grace_us=-1, abandoned_us=-1)


def scatter(rows: int, ends_at_us: int, seed: int = 0) -> FrameBatch:
    """Frames of 100 streams over 24 hours, in random order."""
    random = np.random.default_rng(seed)
    batch = make_batch(rows)
    batch.captured_at_us[:] = ends_at_us - random.integers(0, DAY_US, rows)
    batch.timestamp_ms[:] = batch.captured_at_us // 1000
    batch.stream_id[:] = [f"performer-{number:03}" for number in random.integers(0, STREAMS, rows).tolist()]
    return batch


def puts() -> Iterator[FrameBatch]:
    """As they would be polled from six partitions."""
    partition = np.arange(ROWS_A_PUT, dtype=np.int32) % PARTITIONS
    for number in range(PUTS):
        batch = scatter(ROWS_A_PUT, NOON_US, seed=number)
        offset = (number * ROWS_A_PUT + np.arange(ROWS_A_PUT)) // PARTITIONS
        yield replace(batch, partition=partition, identity_partition=partition, offset=offset, identity_offset=offset)


def check_few_files(root: Path, limits: CompactionLimits) -> int:
    """No more than twice as many files of a chain's hour as its bytes need; how many there are in all."""
    found: Counter[tuple[object, int]] = Counter()
    sizes: Counter[tuple[object, int]] = Counter()
    for chain in list_chains(LocalStorage(root)):
        for file in chain.files:
            hour = (chain.identity, file.captured_from_us // HOUR_US)
            found[hour] += 1
            sizes[hour] += file.bytes
    ideal = {hour: -(-size // limits.target_bytes) for hour, size in sizes.items()}
    assert all(found[hour] <= 2 * ideal[hour] for hour in ideal), (found, ideal)
    return found.total()


@pytest.mark.long
def test_a_day_in_random_order_is_in_few_files_once_compacted(tmp_path: Path) -> None:
    limits = RollLimits(all_bytes=96 * 1024 * 1024)
    sink = ParquetSink(LocalStorage(tmp_path), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US, limits)
    partitions = tuple(TopicPartition("test", number) for number in range(PARTITIONS))
    sink.open(Assignment(partitions, 1, "member", 0))
    for batch in puts():
        sink.put(batch)
    sink.flush()
    before = count_files(tmp_path)
    hours = PARTITIONS * 25
    assert before > 2 * hours, "there is little to compact"
    report = Compactor(LocalStorage(tmp_path), lambda: LATER_US, SMALL_TARGET).run()
    assert report.failures == []
    check_few_files(tmp_path, SMALL_TARGET)
    Compactor(LocalStorage(tmp_path), lambda: LATER_US, AT_ONCE).run()
    assert check_few_files(tmp_path, AT_ONCE) <= hours
    with open_archive(tmp_path, only_for="frames") as connection:
        sql = 'SELECT "partition", count(*), count(DISTINCT "offset"), max("offset") FROM frames GROUP BY 1 ORDER BY 1'
        stored = query(connection, sql)[1]
    rows = PUTS * ROWS_A_PUT // PARTITIONS
    assert stored == [(number, rows, rows, rows - 1) for number in range(PARTITIONS)]
    assert len(list(tmp_path.rglob("*.parquet"))) == check_few_files(tmp_path, AT_ONCE)


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(170)
def test_the_service_files_late_frames_under_their_hours_and_is_compacted_while_it_runs(archive: Archive) -> None:
    now_us = time.time_ns() // 1000
    replica = archive.start("parquet")
    for number in range(3):
        publish(archive.kafka, archive.topic, scatter(300, now_us, seed=number))
        archive.wait_until(lambda seen=300 * (number + 1): archive.rows("parquet") == seen)  # type: ignore[misc]
    before = count_files(archive.root)
    done = compact(archive)
    assert done["failures"] == []
    assert 800 < done["rows"] <= 900, "all that is not alone in its hour"
    publish(archive.kafka, archive.topic, scatter(100, now_us, seed=9))
    archive.wait_until(lambda: archive.lag("parquet") == 0)
    assert compact(archive)["rows"] > 100
    assert compact(archive) | {"deleted": 0} == dict.fromkeys(done, 0) | {"executed": True, "failures": []}
    hours = 3 * 25
    assert check_few_files(archive.root, AT_ONCE) <= hours < before
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    audited = audit_archive(archive.kafka, archive.topic, archive_root=archive.root)
    assert audited.clean, audited
    assert archive.rows("parquet") == 1_000


def count_files(root: Path) -> int:
    return sum(len(chain.files) for chain in list_chains(LocalStorage(root)))


def compact(archive: Archive) -> dict[str, Any]:
    """`holistic compact`, of all that is there."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": archive.kafka.bootstrap_servers}
    environment["DATABASE_URL"] = archive.database_url
    arguments = ["compact", "--dir", str(archive.root), "--older-than", "0", "--grace", "0", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "holistic_cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = orjson.loads(done.stdout)
    return report
