"""What was written to a file comes back from it, to the last bit."""

import io
import time
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings

from consumers.archive.parquet.columns import to_file_columns
from consumers.archive.parquet.rows_from_files import frames_from_file, from_file_columns
from consumers.archive.parquet.schema import FRAMES, writer_options
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from tests.consumers.archive.any_frames import any_batches
from tests.consumers.archive.made_frames import make_batch, without_irises


def write_file(batch: FrameBatch, row_group_rows: int = 4096) -> pq.ParquetFile:
    content = io.BytesIO()
    with pq.ParquetWriter(content, FRAMES, **writer_options()) as writer:
        writer.write_table(to_file_columns(batch, "id"), row_group_size=row_group_rows)
    return pq.ParquetFile(pa.BufferReader(content.getvalue()))


def assert_same(found: FrameBatch, expected: FrameBatch) -> None:
    """Bit for bit wherever anything is there; what is absent is NaN in any of its spellings."""
    for column in fields(FrameBatch):
        ours, theirs = getattr(found, column.name), getattr(expected, column.name)
        if column.name in {part.value for part in PART_SHAPES}:
            part = Part(column.name)
            there = np.broadcast_to(expected.present(part)[:, None, None], theirs.shape).copy()
            if part is Part.FACE:
                there[expected.face_points == FACE_POINTS_WITHOUT_IRIS, FACE_POINTS_WITHOUT_IRIS:] = False
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours.view(np.uint32)[there], theirs.view(np.uint32)[there]), column.name
            assert np.isnan(ours[~there]).all(), column.name
        elif isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype, column.name
            assert ours.tolist() == theirs.tolist(), column.name
        else:
            assert ours == theirs, column.name


@settings(deadline=None, max_examples=60)
@given(any_batches(partitions=1))
def test_any_frames_come_back_from_a_file_as_they_were(batch: FrameBatch) -> None:
    found = FrameBatch.concat(list(frames_from_file(write_file(batch, row_group_rows=5))))
    assert_same(found, batch)


def test_payloads_of_nan_survive() -> None:
    batch = make_batch(3)
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800001], dtype=np.uint32).view(np.float32)
    batch.pose[1, 2, :3] = bits
    batch.face[2, 5] = bits
    [found] = frames_from_file(write_file(batch))
    assert_same(found, batch)


def test_rows_cut_out_of_a_table_are_those_rows() -> None:
    batch = without_irises(make_batch(20, absent=[Part.LEFT_HAND]), np.arange(20) % 3 == 0)
    batch.pose_present[::2] = False
    batch.pose[~batch.pose_present] = np.nan
    rows = to_file_columns(batch, "id")
    assert_same(from_file_columns(rows.slice(7, 9)), batch.take(np.arange(7, 16)))
    assert_same(from_file_columns(rows.filter(pa.array(np.arange(20) % 4 == 1))), batch.take(np.arange(20) % 4 == 1))


def test_a_file_of_faces_alone_comes_back() -> None:
    batch = make_batch(4, absent=[part for part in PART_SHAPES if part is not Part.FACE])
    batch = replace(batch, keys=(None, b"", b"\xff", b"k"))
    [found] = frames_from_file(write_file(batch))
    assert_same(found, batch)


def test_reading_keeps_up_with_publishing() -> None:
    file = write_file(make_batch(8192))
    began = time.perf_counter()
    rows = sum(len(batch) for batch in frames_from_file(file))
    assert rows / (time.perf_counter() - began) > 5_000
