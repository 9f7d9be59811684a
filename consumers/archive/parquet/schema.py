"""The columns of a Parquet file: fixed, so that a file of nothing but absent hands reads like any other."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from keypoints.landmarks import PART_SHAPES, Part, landmark_names

FILE_FORMAT_VERSION: Final = "1"

_FLOAT: Final = pa.float32()
_TIME: Final = pa.timestamp("us", tz="UTC")
_AXES: Final = ("x", "y", "z", "visibility")
FACE_AXIS: Final = pa.list_(pa.field("element", _FLOAT, nullable=False))


def point_type(values: int) -> pa.StructType:
    """A landmark: x, y, z and, for the body, visibility."""
    return pa.struct([pa.field(axis, _FLOAT, nullable=False) for axis in _AXES[:values]])


def part_type(part: Part) -> pa.StructType:
    """A part: one field a landmark, so that one coordinate is one column; the face is one list an axis.

    Only the part itself can be null. A coordinate that is there may be NaN.
    """
    points, values = PART_SHAPES[part]
    if part is Part.FACE:
        return pa.struct([pa.field(axis, FACE_AXIS, nullable=False) for axis in _AXES[:values]])
    names = landmark_names(part)
    assert len(names) == points  # noqa: S101
    return pa.struct([pa.field(name, point_type(values), nullable=False) for name in names])


HEADERS: Final = pa.list_(
    pa.field(
        "element",
        pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("value", pa.binary())]),
        nullable=False,
    )
)

FRAMES: Final[pa.Schema] = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("topic_id", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("stream_id", pa.string(), nullable=False),
        pa.field("epoch", pa.int64(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("processed_at", _TIME, nullable=False),
        pa.field("record_timestamp", _TIME, nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("mirrored", pa.bool_(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("record_key", pa.binary()),
        pa.field("headers", HEADERS, nullable=False),
        *(pa.field(part.value, part_type(part)) for part in PART_SHAPES),
    ],
    metadata={"holistic.format": FILE_FORMAT_VERSION},
)

_REPEATED_TEXT: Final = (
    "topic",
    "topic_id",
    "stream_id",
    "model",
    "record_key",
    "headers.list.element.name",
    "headers.list.element.value",
)
_WITH_STATISTICS: Final = ("partition", "offset", "captured_at", "stream_id")


def writer_options() -> dict[str, Any]:
    """How columns are stored: floats split into byte streams, dictionaries only for text that repeats."""
    floats = [path for field in FRAMES for path in _float_leaves(field, "")]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": list(_REPEATED_TEXT),
        "use_byte_stream_split": floats,
        "write_statistics": list(_WITH_STATISTICS),
        # Arrow's own copy is a third of the footer, which each question parses of each file, and says nothing more.
        "store_schema": False,
    }


def _float_leaves(field: pa.Field, prefix: str) -> Iterator[str]:
    path = f"{prefix}{field.name}"
    if pa.types.is_struct(field.type):
        for child in field.type:
            yield from _float_leaves(child, f"{path}.")
    elif field.type == FACE_AXIS:
        yield f"{path}.list.element"
    elif field.type == _FLOAT:
        yield path
