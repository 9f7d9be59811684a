"""Frames as columns of a file: what was laid out before leaves no trace in what is laid out next."""

import numpy as np
import pyarrow as pa
import pytest

from consumers.archive.parquet.columns import ColumnGatherer, to_file_columns
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part
from tests.consumers.archive.made_frames import make_batch, without_irises


def make_mixture() -> list[FrameBatch]:
    some = make_batch(7, first_offset=0)
    small_faces = without_irises(make_batch(6, first_offset=7), np.arange(6) % 2 == 0)
    nobody = make_batch(3, first_offset=13, absent=tuple(Part))
    no_hands = make_batch(5, first_offset=16, absent=(Part.LEFT_HAND, Part.RIGHT_HAND))
    return [some, small_faces, nobody, no_hands]


def as_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_batches_gathered_are_the_rows_of_all_of_them_in_order() -> None:
    mixture = make_mixture()
    together = to_file_columns(FrameBatch.concat(mixture), "id")
    assert as_bytes(ColumnGatherer().gather(mixture, "id")) == as_bytes(together)


@pytest.mark.parametrize("before", [30, 5])
def test_what_was_gathered_before_leaves_no_trace(before: int) -> None:
    gatherer = ColumnGatherer()
    gatherer.gather([make_batch(before, first_offset=500)], "id")
    assert as_bytes(gatherer.gather(make_mixture(), "id")) == as_bytes(ColumnGatherer().gather(make_mixture(), "id"))
