"""A frame in Avro binary, written and read without per-element work.

Avro writes `array<float>` as blocks: a count (zigzag varint), that many little-endian float32, and a count of zero at
the end. One block is exactly a numpy buffer between two short constants. Source: Avro 1.11 specification, "Binary
Encoding" and "Single-object encoding". Writers may cut an array into several blocks, or give the block's size too
(negative counts): such records, and those of other schemas, go through fastavro.
"""

import io
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import fastavro
import numpy as np
from fastavro.schema import SchemaParseException
from typing_extensions import Buffer

from keypoints.errors import Terminal
from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.schema_bounds import check_bounds
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, Schema, SchemaRefused, fingerprint_schema

SINGLE_OBJECT_MARKER: Final = b"\xc3\x01"
SINGLE_OBJECT_HEADER: Final = SINGLE_OBJECT_MARKER + FRAME_FINGERPRINT
CONFLUENT_MARKER: Final = b"\x00"
CONFLUENT_HEADER_BYTES: Final = 5

LITTLE_FLOAT: Final = np.dtype("<f4")
_PARSED_SCHEMA: Final = fastavro.parse_schema(FRAME_SCHEMA)
_PLAIN_FIELDS: Final = ("stream_id", "sequence", "epoch", "width", "height", "mirrored", "model")
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Undecodable(Terminal):
    """A record that is no frame. Fields: reason, and where known position (byte) and part."""

    @classmethod
    def because(cls, error: Terminal) -> "Undecodable":
        """A record that decoded to something no frame may be."""
        undecodable = cls(error.message, reason="frame")
        undecodable.fields |= error.fields
        return undecodable


class _Unusual(Exception):
    """Valid perhaps, but not as our writer writes: to be read by fastavro instead."""


def write_long(value: int) -> bytes:
    """An Avro int or long: zigzag, then 7 bits a byte, lowest first."""
    zigzag = (value << 1) ^ (value >> 63)
    if zigzag < 0x80:
        return bytes((zigzag,))
    encoded = bytearray()
    while zigzag >= 0x80:
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)


# Streams, epochs, sizes and models repeat from frame to frame.
_write_repeated_long = lru_cache(maxsize=1024)(write_long)


@lru_cache(maxsize=4096)
def _write_text(text: str) -> bytes:
    encoded = text.encode()
    return write_long(len(encoded)) + encoded


def _array_prefix(values: int) -> bytes:
    return write_long(1) + write_long(values)


FULL_PART_PREFIX: Final[dict[Part, bytes]] = {
    part: _array_prefix(points * width) for part, (points, width) in PART_SHAPES.items()
}
"""Union branch 1 and the count of one block holding the whole part."""
SMALL_FACE_PREFIX: Final = _array_prefix(FACE_POINTS_WITHOUT_IRIS * 3)
NULL: Final = b"\x00"
_Layout = tuple[bytes, tuple[int, int], int]


def _layout(prefix: bytes, points: int, width: int) -> _Layout:
    return prefix, (points, width), points * width * LITTLE_FLOAT.itemsize


_LAYOUTS: Final[tuple[tuple[_Layout, ...], ...]] = tuple(
    (_layout(FULL_PART_PREFIX[part], points, width),)
    + ((_layout(SMALL_FACE_PREFIX, FACE_POINTS_WITHOUT_IRIS, width),) if part is Part.FACE else ())
    for part, (points, width) in PART_SHAPES.items()
)
"""Of each part in the schema's order: what its array may begin with, its shape then, and its bytes."""
_ARRAY_END: Final = b"\x00"
_PREFIX_BY_VALUES: Final = {
    **{points * width: FULL_PART_PREFIX[part] for part, (points, width) in PART_SHAPES.items()},
    FACE_POINTS_WITHOUT_IRIS * 3: SMALL_FACE_PREFIX,
}


def write_frame_body(frame: HolisticFrame, header: bytes = b"") -> bytes:
    """The Avro binary of a frame, behind the header of a framing if one is given."""
    pieces: list[Buffer] = [
        header,
        _write_text(frame.stream_id),
        write_long(frame.sequence),
        _write_repeated_long(frame.epoch),
        write_long(frame.captured_at_us),
        write_long(frame.processed_at_us),
        _write_repeated_long(frame.width),
        _write_repeated_long(frame.height),
        b"\x01" if frame.mirrored else b"\x00",
        _write_text(frame.model),
    ]
    for values in (frame.pose, frame.pose_world, frame.face, frame.left_hand, frame.right_hand):
        if values is None:
            pieces.append(NULL)
        else:
            pieces += (_PREFIX_BY_VALUES[values.size], values.astype(LITTLE_FLOAT, copy=False).data, _ARRAY_END)
    return b"".join(pieces)


def frame_header(registry_id: int | None = None) -> bytes:
    """What goes before the body: the single-object header, or Confluent's when the registry gave the schema an id."""
    return SINGLE_OBJECT_HEADER if registry_id is None else CONFLUENT_MARKER + struct.pack(">I", registry_id)


def read_frame_body(value: bytes, start: int) -> HolisticFrame:
    """The frame whose Avro binary, written with our schema, starts at byte `start`. Raises Undecodable."""
    try:
        return _read_our_layout(value, start)
    except (_Unusual, IndexError, UnicodeDecodeError):
        return read_foreign_body(value, start, FRAME_SCHEMA)


def is_our_schema(schema: Schema) -> bool:
    """Whether what was written with this schema is laid out as ours. Raises Undecodable for one that is none."""
    try:
        check_bounds(schema)
        return fingerprint_schema(schema) == FRAME_FINGERPRINT
    except Exception as error:
        raise Undecodable(f"its writer's schema is not used: {error}", reason="schema") from error


class _WholeReads(io.BytesIO):
    """Bytes that end in an error. fastavro passes over a field that we do not have without a look at whether there was
    anything, so that the count of an array, ten bytes, says for how many years."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if size is not None and len(found) < size:
            raise EOFError("the record is cut short")
        return found


def read_foreign_body(value: bytes, start: int, writer_schema: Schema) -> HolisticFrame:
    """A frame written with another schema, resolved against ours by Avro's rules. Raises Undecodable."""
    body = io.BytesIO(value) if writer_schema is FRAME_SCHEMA else _WholeReads(value)
    body.seek(start)
    reader = _PARSED_SCHEMA
    try:
        if writer_schema is not FRAME_SCHEMA:
            check_bounds(writer_schema)
        fields = fastavro.schemaless_reader(body, writer_schema, None if writer_schema is FRAME_SCHEMA else reader)
    except SchemaRefused as error:
        raise Undecodable(f"its writer's schema is not used: {error.message}", reason="schema") from error
    except (SchemaParseException, fastavro.read.SchemaResolutionError) as error:
        raise Undecodable(f"the writer's schema does not resolve to ours: {error}", reason="schema") from error
    except Exception as error:
        raise Undecodable(f"not Avro of the schema it names: {type(error).__name__}: {error}", reason="avro") from error
    if body.tell() != len(value):
        left = len(value) - body.tell()
        raise Undecodable(f"{left} bytes are left over after the frame", reason="trailing bytes", position=body.tell())
    if not isinstance(fields, dict):
        raise Undecodable("the record is no Avro record", reason="avro")
    return frame_from_fields(fields)


def frame_from_fields(fields: dict[str, Any]) -> HolisticFrame:
    """A frame from the decoded Avro fields; arrays as flat lists of numbers. Raises Undecodable."""
    try:
        parts: dict[str, Any] = {part.value: _shape_part(part, fields[part.value]) for part in PART_SHAPES}
        return HolisticFrame(
            **{name: fields[name] for name in _PLAIN_FIELDS},
            captured_at_us=_as_micros(fields["captured_at"]),
            processed_at_us=_as_micros(fields["processed_at"]),
            **parts,
        )
    except Undecodable:
        raise
    except Terminal as error:
        raise Undecodable.because(error) from error


def _as_micros(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    return (moment - _UNIX_EPOCH) // timedelta(microseconds=1)


def _shape_part(part: Part, values: list[float] | None) -> Float32Array | None:
    if values is None:
        return None
    points, width = PART_SHAPES[part]
    if len(values) == points * width or (part is Part.FACE and len(values) == FACE_POINTS_WITHOUT_IRIS * width):
        return np.array(values, dtype=np.float32).reshape(-1, width)
    raise Undecodable(
        f"{part} has {len(values)} numbers, expected {points * width}", reason="part size", part=part.value
    )


def _read_our_layout(value: bytes, start: int) -> HolisticFrame:
    stream, position = _read_string(value, start)
    sequence, position = _read_long(value, position)
    epoch, position = _read_long(value, position)
    captured_at_us, position = _read_long(value, position)
    processed_at_us, position = _read_long(value, position)
    width, position = _read_long(value, position)
    height, position = _read_long(value, position)
    mirrored = value[position]
    if mirrored > 1:
        raise _Unusual
    model, position = _read_string(value, position + 1)
    parts, position = _read_parts(value, position)
    if position != len(value):
        raise _Unusual
    try:
        return HolisticFrame(
            stream_id=stream,
            sequence=sequence,
            epoch=epoch,
            captured_at_us=captured_at_us,
            processed_at_us=processed_at_us,
            width=width,
            height=height,
            mirrored=mirrored == 1,
            model=model,
            pose=parts[0],
            pose_world=parts[1],
            face=parts[2],
            left_hand=parts[3],
            right_hand=parts[4],
        )
    except Terminal as error:
        raise Undecodable.because(error) from error


def _read_long(value: bytes, position: int) -> tuple[int, int]:
    byte = value[position]
    position += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), position
    number = byte & 0x7F
    shift = 7
    while byte & 0x80:
        if shift > 63:
            raise _Unusual
        byte = value[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
    return (number >> 1) ^ -(number & 1), position


def _read_string(value: bytes, position: int) -> tuple[str, int]:
    length, position = _read_long(value, position)
    end = position + length
    if length < 0 or end > len(value):
        raise _Unusual
    return value[position:end].decode(), end


def _read_parts(value: bytes, position: int) -> tuple[list[Float32Array | None], int]:
    parts: list[Float32Array | None] = []
    for layouts in _LAYOUTS:
        if value[position] == 0:
            parts.append(None)
            position += 1
            continue
        for layout in layouts:
            if value.startswith(layout[0], position):
                break
        else:
            raise _Unusual
        prefix, shape, size = layout
        position += len(prefix)
        end = position + size
        if value[end] != 0:
            raise _Unusual
        # Copied, because where it starts in the record is no place for a float, and the record may go.
        parts.append(np.ndarray(shape, LITTLE_FLOAT, value, position).astype(np.float32))
        position = end + 1
    return parts, position
