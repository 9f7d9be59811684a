"""A recording gives back what was put in, or says from which record on it cannot."""

import io
import zlib
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holistic_cli.recordings.blocks import LARGEST_BLOCK_BYTES
from holistic_cli.recordings.container import DamagedRecording, Recorded, RecordingWriter, read_recording
from holistic_cli.recordings.take import survey_recording
from keypoints.avro import write_long

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
RECORDS = st.builds(
    Recorded,
    topic=TEXT,
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    timestamp_ms=st.integers(-1, 2**62),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(TEXT, st.none() | st.binary(max_size=8)), max_size=3).map(tuple),
    writer_schema=st.none() | TEXT,
)
CHANCE = Random(7)
SOME = [Recorded("t", at % 3, at, 1_000 + at, b"ada", CHANCE.randbytes(20_000), ()) for at in range(20)]


def write(path: Path, records: list[Recorded]) -> bytes:
    file = io.BytesIO()
    writer = RecordingWriter(file)
    for record in records:
        writer.write(record)
    writer.finish()
    path.write_bytes(file.getvalue())
    return file.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(records=st.lists(RECORDS, max_size=6))
def test_what_goes_in_comes_out(tmp_path: Path, records: list[Recorded]) -> None:
    write(tmp_path / "some.holistic", records)
    assert list(read_recording(tmp_path / "some.holistic")) == records


def test_any_avro_reader_opens_it(tmp_path: Path) -> None:
    content = write(tmp_path / "some.holistic", SOME)
    rows: list[Any] = list(fastavro.reader(io.BytesIO(content)))
    assert [row["value"] for row in rows] == [record.value for record in SOME]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_byte_never_passes_for_a_record(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(write(tmp_path / "whole.holistic", SOME))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.holistic"
    path.write_bytes(content)
    read: list[Recorded] = []
    said: DamagedRecording | None = None
    try:
        read.extend(read_recording(path))
    except DamagedRecording as error:
        said = error
    assert read == SOME[: len(read)]
    assert said is not None or len(read) == len(SOME)
    assert said is None or said.fields.get("record", 1) == len(read) + 1


def test_a_file_cut_short_says_which_record_is_missing(tmp_path: Path) -> None:
    content = write(tmp_path / "whole.holistic", SOME)
    path = tmp_path / "cut.holistic"
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(DamagedRecording, match="cut short") as caught:
        list(read_recording(path))
    before = caught.value.fields["record"]
    assert isinstance(before, int)
    assert 1 < before < 20
    assert caught.value.hint == f"--up-to {before - 1} plays what is before it"


@pytest.mark.parametrize("content", [b"", b"hello", b"Obj\x01", b"# A text\n" * 100])
def test_another_file_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.holistic"
    path.write_bytes(content)
    with pytest.raises(DamagedRecording, match="no recording"):
        list(read_recording(path))


def test_another_avro_file_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "other.avro"
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "Other", "fields": []}, [{}])
    with pytest.raises(DamagedRecording, match="no recording"):
        list(read_recording(path))


def begin_file(path: Path, codec: bytes = b"deflate", schema: bytes = b"{}") -> bytes:
    """The header of a recording whose blocks are the test's own; returns the marker between them."""
    metadata = {"holistic.recording.format": b"1", "avro.codec": codec, "avro.schema": schema}
    with path.open("wb") as file:
        file.write(b"Obj\x01")
        fastavro.schemaless_writer(file, {"type": "map", "values": "bytes"}, metadata)
        file.write(b"m" * 16)
    return b"m" * 16


def pack_block(count: int, body: bytes, marker: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(body) + packer.flush()
    return write_long(count) + write_long(len(packed)) + packed + marker


def test_a_block_that_would_fill_the_memory_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "bomb.holistic"
    marker = begin_file(path)
    bomb = pack_block(1, bytes(LARGEST_BLOCK_BYTES + 1), marker)
    assert len(bomb) < 100_000
    path.write_bytes(path.read_bytes() + bomb)
    with pytest.raises(DamagedRecording, match="more than 67108864 bytes"):
        list(read_recording(path))


def test_a_recording_brings_no_codec_and_no_schema_of_its_own(tmp_path: Path) -> None:
    # With a schema of records within themselves, or of arrays of nothing, fastavro ends the process or never ends.
    path = tmp_path / "foreign.holistic"
    begin_file(path, codec=b"zstandard")
    with pytest.raises(DamagedRecording, match="is a recording"):
        list(read_recording(path))
    marker = begin_file(path, schema=b'{"type": "array", "items": "null"}')
    path.write_bytes(path.read_bytes() + pack_block(1, write_long(2**60), marker))
    with pytest.raises(DamagedRecording, match="from record 1 on"):
        list(read_recording(path))


def test_a_writers_schema_that_is_no_json_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "some.holistic"
    value = b"\x00\x00\x00\x00\x07body"
    for schema in ("no JSON", "[1]"):
        write(path, [Recorded("t", 0, 1, 5, b"ada", value, (), writer_schema=schema)])
        with pytest.raises(DamagedRecording, match="the schema of record 1"):
            survey_recording(path)
