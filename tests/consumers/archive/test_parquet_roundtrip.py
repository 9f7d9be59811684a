"""Whatever a batch holds comes back from Parquet bit for bit, from the files as they came and from compacted ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.partition_files import HOUR_US
from consumers.archive.parquet.reading import open_archive
from consumers.archive.parquet.sink import ParquetSink
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES, Part
from tests.consumers.archive.any_frames import any_batches
from tests.consumers.archive.made_frames import NOON_US

LATER_US = 4_000_000_000_000_000
"""Than any file of a test was written."""
AT_ONCE = CompactionLimits(settled_us=-1, grace_us=-1)
TIMES = ("captured_at", "processed_at", "record_timestamp")
SAME_NAME = ("stream_id", "model", "sequence", "epoch", "width", "height", "mirrored")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=any_batches())
def test_any_mixture_of_parts_times_and_names_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, batch: FrameBatch
) -> None:
    root = tmp_path_factory.mktemp("archive")
    # In two flushes, so that there is something to compact.
    store(root, [batch.take(np.arange(len(batch)) % 2 == 0)])
    store(root, [batch])
    check_all(root, batch)
    Compactor(LocalStorage(root), lambda: LATER_US, AT_ONCE).run()
    hours = {(int(row[0]), int(row[1])) for row in zip(batch.partition, batch.captured_at_us // HOUR_US, strict=True)}
    assert len([file for chain in list_chains(LocalStorage(root)) for file in chain.files]) == len(hours)
    check_all(root, batch)


def store(root: Path, batches: list[FrameBatch]) -> None:
    sink = ParquetSink(LocalStorage(root), "group", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TopicPartition("test", 0), TopicPartition("test", 1)), 1, "member", 0))
    for batch in batches:
        sink.put(batch)
        sink.flush()


def check_all(root: Path, batch: FrameBatch) -> None:
    check_rows(read_with_pyarrow(root), batch)
    check_rows(read_with_duckdb(root), batch)


def read_with_pyarrow(root: Path) -> Iterator[pa.Table]:
    for chain in list_chains(LocalStorage(root)):
        for file in chain.files:
            with pq.ParquetFile(root / file.path) as opened:
                yield opened.read()


def read_with_duckdb(root: Path) -> Iterator[pa.Table]:
    with open_archive(root, only_for="frames") as connection:
        yield connection.sql("SELECT * EXCLUDE (date, hour) FROM frames").to_arrow_table()


def check_rows(tables: Iterator[pa.Table], batch: FrameBatch) -> None:
    places = {(int(batch.partition[row]), int(batch.offset[row])): row for row in range(len(batch))}
    for table in tables:
        for found in with_plain_times(table).to_pylist():
            check_row(found, batch, places.pop((found["partition"], found["offset"])))
    assert places == {}


def with_plain_times(table: pa.Table) -> pa.Table:
    """Times as microseconds since 1970: Python's calendar lacks some."""
    for name in TIMES:
        table = table.set_column(table.schema.get_field_index(name), name, table.column(name).cast(pa.int64()))
    return table


def check_row(found: dict[str, Any], batch: FrameBatch, row: int) -> None:
    frame = batch.frame(row)
    assert (found["topic"], found["topic_id"]) == ("test", "id-of-test")
    assert [found[name] for name in SAME_NAME] == [getattr(frame, name) for name in SAME_NAME]
    times_us = [frame.captured_at_us, frame.processed_at_us, int(batch.timestamp_ms[row]) * 1000]
    assert [found[name] for name in TIMES] == times_us
    assert found["record_key"] == batch.keys[row]
    assert [(header["name"], header["value"]) for header in found["headers"]] == list(batch.headers[row])
    for part in PART_SHAPES:
        ours, theirs = frame.part(part), read_part(found[part.value], part)
        assert (ours is None) == (theirs is None), part
        if ours is not None and theirs is not None:
            np.testing.assert_array_equal(theirs.view(np.uint32), ours.view(np.uint32))


def read_part(stored: dict[str, Any] | None, part: Part) -> NDArray[np.float32] | None:
    if stored is None:
        return None
    if part is Part.FACE:
        return np.ascontiguousarray(np.array([stored[axis] for axis in "xyz"], dtype=np.float32).T)
    return np.array([list(point.values()) for point in stored.values()], dtype=np.float32)
