"""Rows encoded while Postgres reads them: the same bytes however they are cut, and a broken encoding by its name."""

import pgpq
import pyarrow as pa
import pytest

from consumers.archive.postgres.copy_stream import CopyStream
from consumers.archive.postgres.rows import to_postgres_rows
from tests.consumers.archive.made_frames import make_batch


def encode_at_once(rows: pa.RecordBatch) -> bytes:
    encoder = pgpq.ArrowToPostgresBinaryEncoder(rows.schema)
    encoded: bytes = encoder.write_header() + encoder.write_batch(rows) + encoder.finish()
    return encoded


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 450])
def test_what_postgres_reads_is_what_one_encoding_of_all_rows_gives(count: int) -> None:
    rows = to_postgres_rows(make_batch(count), {"test": 1}, 0)
    assert CopyStream(rows).read() == encode_at_once(rows)


@pytest.mark.parametrize("size", [1000, 70_001])
def test_no_byte_is_lost_between_two_reads(size: int) -> None:
    rows = to_postgres_rows(make_batch(210), {"test": 1}, 0)
    stream = CopyStream(rows)
    read = list(iter(lambda: stream.read(size), b""))
    assert max(map(len, read)) <= size
    assert b"".join(read) == encode_at_once(rows)


def test_rows_that_cannot_be_encoded_are_named_as_the_failure() -> None:
    nested = pa.array([[[1]]])
    stream = CopyStream(pa.RecordBatch.from_arrays([nested], names=["nested"]))
    with pytest.raises(ValueError, match="nested") as raised:
        stream.read()
    assert stream.failure is raised.value
