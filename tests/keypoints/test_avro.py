"""Our Avro against fastavro's, both ways, byte for byte; and what must not be taken for a frame."""

import io
import json
from datetime import datetime
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keypoints import FrameBatch, HolisticFrame, Part, decode, decode_records, encode
from keypoints.avro import SINGLE_OBJECT_HEADER, Undecodable, write_frame_body, write_long
from keypoints.landmarks import PART_SHAPES
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, Schema, SchemaUnknown, fingerprint_schema
from tests.keypoints.frames import LONGS, Consumed, frames, make_frame

# Logical types would turn microseconds into datetimes, which cannot hold every long; the bytes are the same.
PLAIN_SCHEMA: dict[str, Any] = json.loads(json.dumps(FRAME_SCHEMA))
for _field in PLAIN_SCHEMA["fields"]:
    if isinstance(_field["type"], dict):
        _field["type"] = "long"


def avro_fields(frame: HolisticFrame) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: getattr(frame, name)
        for name in ("stream_id", "sequence", "epoch", "width", "height", "mirrored", "model")
    }
    fields |= {"captured_at": frame.captured_at_us, "processed_at": frame.processed_at_us}
    for part in PART_SHAPES:
        values = frame.part(part)
        fields[part.value] = None if values is None else values.reshape(-1).tolist()
    return fields


def write_with_fastavro(frame: HolisticFrame, schema: Schema = PLAIN_SCHEMA) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, avro_fields(frame))
    return body.getvalue()


@given(LONGS)
def test_numbers_are_written_as_fastavro_writes_them(number: int) -> None:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, {"type": "long"}, number)
    assert write_long(number) == body.getvalue()


@settings(max_examples=60, deadline=None)
@given(frames(micros=LONGS))
def test_a_frame_is_written_byte_for_byte_as_fastavro_writes_it(frame: HolisticFrame) -> None:
    assert write_frame_body(frame) == write_with_fastavro(frame)


@settings(max_examples=60, deadline=None)
@given(frames())
def test_fastavro_reads_what_we_write(frame: HolisticFrame) -> None:
    fields = fastavro.schemaless_reader(io.BytesIO(encode(frame)[len(SINGLE_OBJECT_HEADER) :]), PLAIN_SCHEMA, None)
    assert isinstance(fields, dict)
    for part in PART_SHAPES:
        values = frame.part(part)
        read = fields.pop(part.value)
        assert (values is None) == (read is None)
        if values is not None:
            assert np.array(read, np.float32).tobytes() == values.tobytes()
    assert fields == {name: value for name, value in avro_fields(frame).items() if name in fields}


@settings(max_examples=60, deadline=None)
@given(frames(micros=LONGS))
def test_we_read_what_fastavro_writes(frame: HolisticFrame) -> None:
    assert decode(SINGLE_OBJECT_HEADER + write_with_fastavro(frame)).equals(frame)


@settings(max_examples=25, deadline=None)
@given(st.lists(frames(micros=LONGS), min_size=1, max_size=12))
def test_records_read_in_step_equal_records_read_one_by_one(rows: list[HolisticFrame]) -> None:
    records = [Consumed(encode(frame), offset) for offset, frame in enumerate(rows)]
    decoded = decode_records(records)
    assert decoded.rejected == []
    assert all(decoded.batch.frame(row).equals(frame) for row, frame in enumerate(rows))


def write_array_in_blocks(frame: HolisticFrame, *, sized: bool) -> bytes:
    """The frame with its pose cut into two blocks, the sizes given too (negative counts) or not."""
    whole = write_frame_body(frame)
    assert frame.pose is not None
    floats = frame.pose.tobytes()
    start = whole.index(floats)
    first, second = floats[: 40 * 4], floats[40 * 4 :]
    blocks = b""
    for block in (first, second):
        count = len(block) // 4
        blocks += (write_long(-count) + write_long(len(block)) if sized else write_long(count)) + block
    return whole[: start - 2] + blocks + whole[start + len(floats) :]


@pytest.mark.parametrize("sized", [False, True])
def test_an_array_in_several_blocks_is_read_right(sized: bool) -> None:
    frame = make_frame()
    value = SINGLE_OBJECT_HEADER + write_array_in_blocks(frame, sized=sized)
    assert decode(value).equals(frame)
    batch = decode_records([Consumed(value, offset) for offset in range(6)]).batch
    assert all(batch.frame(row).equals(frame) for row in range(6))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 600), st.booleans())
def test_damaged_records_are_refused_or_read_but_never_crash(seed: int, size: int, headed: bool) -> None:
    rng = np.random.default_rng(seed)
    value = (SINGLE_OBJECT_HEADER if headed else b"") + rng.bytes(size)
    records = [Consumed(value, offset) for offset in range(5)]
    decoded = decode_records(records)
    assert len(decoded.batch) + len(decoded.rejected) == len(records)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_byte_gives_the_same_verdict_in_step_and_one_by_one(data: st.DataObject) -> None:
    values = [bytearray(encode(make_frame(sequence))) for sequence in range(6)]
    victim = values[data.draw(st.integers(0, 5))]
    victim[data.draw(st.integers(10, 80) | st.integers(10, len(victim) - 1))] ^= data.draw(st.integers(1, 255))
    decoded = decode_records([Consumed(bytes(value), offset) for offset, value in enumerate(values)])
    one_by_one: dict[int, HolisticFrame] = {}
    for offset, value in enumerate(values):
        try:
            one_by_one[offset] = decode(bytes(value))
        except Undecodable:
            continue
    assert decoded.batch.offset.tolist() == list(one_by_one)
    for row, frame in enumerate(one_by_one.values()):
        assert decoded.batch.frame(row).equals(frame)


@pytest.mark.parametrize("cut", [1, 5, 9, 10, 11, 40, 600, 3000, 7000])
def test_a_truncated_record_is_refused(cut: int) -> None:
    whole = encode(make_frame())
    with pytest.raises((Undecodable, SchemaUnknown)):
        decode(whole[:cut])
    decoded = decode_records([Consumed(whole[:cut], offset) for offset in range(5)])
    assert len(decoded.rejected) == 5


def test_bytes_left_over_are_refused() -> None:
    with pytest.raises(Undecodable, match="left over"):
        decode(encode(make_frame()) + b"\x00")


def test_a_part_of_the_wrong_size_names_the_part() -> None:
    fields = avro_fields(make_frame())
    fields["left_hand"] = [0.5] * 60
    body = io.BytesIO()
    fastavro.schemaless_writer(body, PLAIN_SCHEMA, fields)
    with pytest.raises(Undecodable, match="left_hand has 60 numbers, expected 63"):
        decode(SINGLE_OBJECT_HEADER + body.getvalue())


def test_a_stream_name_with_a_nul_is_refused() -> None:
    value = encode(make_frame(stream_id="adaX")).replace(b"adaX", b"ad\x00X")
    with pytest.raises(Undecodable, match="U\\+0000"):
        decode(value)
    assert len(decode_records([Consumed(value, offset) for offset in range(5)]).rejected) == 5


class Announced:
    """Schemas somebody announced."""

    def __init__(self, *schemas: Schema) -> None:
        self._schemas = {fingerprint_schema(schema): schema for schema in schemas}

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        if fingerprint not in self._schemas:
            raise SchemaUnknown("not announced", fingerprint=fingerprint.hex())
        return self._schemas[fingerprint]

    def by_registry_id(self, schema_id: int) -> Schema:
        return list(self._schemas.values())[schema_id - 1]


def newer_schema() -> Schema:
    schema: Schema = json.loads(json.dumps(FRAME_SCHEMA))
    schema["fields"].insert(1, {"name": "camera", "type": "string", "default": ""})
    schema["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    return schema


def write_newer(frame: HolisticFrame) -> bytes:
    body = io.BytesIO()
    schema = json.loads(json.dumps(PLAIN_SCHEMA))
    schema["fields"] = json.loads(json.dumps(newer_schema()["fields"]))
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            field["type"] = "long"
    fastavro.schemaless_writer(body, schema, avro_fields(frame) | {"camera": "left wall", "mood": "cheerful"})
    return b"\xc3\x01" + fingerprint_schema(newer_schema()) + body.getvalue()


def test_a_newer_writers_unknown_fields_are_passed_over() -> None:
    frame = make_frame()
    assert decode(write_newer(frame), schemas=Announced(newer_schema())).equals(frame)


def test_a_record_of_an_unannounced_schema_waits_for_it() -> None:
    with pytest.raises(SchemaUnknown) as caught:
        decode(write_newer(make_frame()), schemas=Announced())
    assert caught.value.fields["fingerprint"] == fingerprint_schema(newer_schema()).hex()


def test_a_schema_that_cannot_become_a_frame_is_refused() -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "temperature", "type": "double"}]}
    value = b"\xc3\x01" + fingerprint_schema(other) + b"\x00" * 8
    with pytest.raises(Undecodable):
        decode(value, schemas=Announced(other))


def test_confluent_framing_is_read_through_the_registrys_id() -> None:
    frame = make_frame()
    assert decode(encode(frame, registry_id=1), schemas=Announced(FRAME_SCHEMA)).equals(frame)


def test_the_fingerprint_is_the_specifications() -> None:
    # Avro's test vectors: the fingerprint of the schema "int" is 7275d51a3f395c8f.
    assert fingerprint_schema("int")[::-1].hex() == "7275d51a3f395c8f"
    assert encode(make_frame()).startswith(b"\xc3\x01" + FRAME_FINGERPRINT)


def test_timestamps_are_microseconds_to_any_avro_client() -> None:
    frame = make_frame()
    fields = fastavro.schemaless_reader(io.BytesIO(encode(frame)[len(SINGLE_OBJECT_HEADER) :]), FRAME_SCHEMA, None)
    assert isinstance(fields, dict)
    captured_at = fields["captured_at"]
    assert isinstance(captured_at, datetime)
    assert round(captured_at.timestamp() * 1_000_000) == frame.captured_at_us


@pytest.mark.parametrize("missing", list(PART_SHAPES))
def test_a_part_missing_at_first_is_not_lost_later(missing: Part) -> None:
    rows = [make_frame(sequence, absent=(missing,)) for sequence in range(8)] + [make_frame(8 + s) for s in range(8)]
    for order in (rows, rows[::-1]):
        batch: FrameBatch = decode_records([Consumed(encode(f), offset) for offset, f in enumerate(order)]).batch
        assert batch.present(missing).tolist() == [frame.part(missing) is not None for frame in order]
        assert all(batch.frame(row).equals(frame) for row, frame in enumerate(order))
