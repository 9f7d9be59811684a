"""Whatever a batch holds comes back from Postgres bit for bit."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES, Part
from tests.consumers.archive.any_frames import any_batches
from tests.consumers.archive.postgres_under_test import ask, run, store

pytestmark = pytest.mark.servers

COLUMNS = (
    "stream_id", "model", "sequence", "epoch", "width", "height", "mirrored", "captured_at", "processed_at",
    "record_timestamp", "record_key", "header_names", "header_values",
)  # fmt: skip
# Text would hide which NaN it is.
PARTS = ", ".join(f"array_send({part.value})" for part in PART_SHAPES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=any_batches())
def test_any_mixture_of_parts_times_and_names_comes_back_bit_for_bit(database_url: str, batch: FrameBatch) -> None:
    run(database_url, "TRUNCATE frames_by_day, frames_out_of_range")
    store(database_url, batch)
    rows = {
        (row[0], row[1]): row[2:]
        for row in ask(database_url, f'SELECT "partition", "offset", {", ".join(COLUMNS)}, {PARTS} FROM frames')
    }
    assert len(rows) == len(batch)
    for row in range(len(batch)):
        found = rows[int(batch.partition[row]), int(batch.offset[row])]
        assert list(map(as_plain, found[: len(COLUMNS)])) == list(expected_columns(batch, row))
        for part, sent in zip(PART_SHAPES, found[len(COLUMNS) :], strict=True):
            theirs, ours = read_sent_array(sent), expected_bits(batch, part, row)
            assert (theirs is None) == (ours is None), part
            if theirs is not None and ours is not None:
                np.testing.assert_array_equal(theirs, ours)


def expected_columns(batch: FrameBatch, row: int) -> tuple[object, ...]:
    frame = batch.frame(row)
    return (
        frame.stream_id, frame.model, frame.sequence, frame.epoch, frame.width, frame.height, frame.mirrored,
        moment(frame.captured_at_us), moment(frame.processed_at_us), moment(int(batch.timestamp_ms[row]) * 1000),
        batch.keys[row], [name for name, _ in batch.headers[row]], [value for _, value in batch.headers[row]],
    )  # fmt: skip


def as_plain(value: object) -> object:
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    return bytes(value) if isinstance(value, memoryview) else value


def moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def expected_bits(batch: FrameBatch, part: Part, row: int) -> NDArray[np.uint32] | None:
    values = batch.frame(row).part(part)
    return None if values is None else values.reshape(-1).view(np.uint32)


def read_sent_array(sent: memoryview | None) -> NDArray[np.uint32] | None:
    """Bits of each number of an array in Postgres' binary form: a header of 20 bytes, then length and value of each."""
    if sent is None:
        return None
    return np.frombuffer(sent, dtype=">u4", offset=20).reshape(-1, 2)[:, 1].astype(np.uint32)
