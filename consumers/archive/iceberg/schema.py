"""The table's columns, partitions and order, made of the columns of its files."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from consumers.archive.parquet.schema import FRAMES
from keypoints.landmarks import Part

IDENTITY: Final = ("topic", "topic_id", "partition", "offset")
WITH_BOUNDS: Final = ("partition", "offset", "stream_id", "captured_at")
"""Columns of which the table knows each file's smallest and largest value."""
DAY_FIELD: Final = "captured_at_day"

_IN_IMAGE: Final = "x and y in fractions of the image's width and height, z about as x"
_COMMENTS: Final = {
    "topic": "The record's topic",
    "topic_id": "Id of that topic: one deleted and made again has another",
    "partition": "The record's partition",
    "offset": "Offset of the record in its partition",
    "stream_id": "Who or what was filmed",
    "epoch": "Changes whenever tracking began anew",
    "sequence": "Number of the frame in its stream and epoch",
    "captured_at": "When the image was taken",
    "processed_at": "When the landmarks were found",
    "record_timestamp": "Timestamp of the Kafka record",
    "width": "Width of the image in pixels",
    "height": "Height of the image in pixels",
    "mirrored": "Whether the image was mirrored before it was looked at",
    "model": "What found the landmarks",
    "record_key": "Key of the Kafka record",
    "headers": "Headers of the Kafka record, all of them, in order",
    Part.POSE.value: f"Body, 33 landmarks by name: {_IN_IMAGE}; visibility 0 to 1; null: nobody was found",
    Part.POSE_WORLD.value: "Body, 33 landmarks by name: x, y, z in metres from between the hips, y down; visibility",
    Part.FACE.value: f"Face, 478 points (468 without irises), a list for each axis: {_IN_IMAGE}; null: none was found",
    Part.LEFT_HAND.value: f"The person's own left hand, 21 landmarks by name: {_IN_IMAGE}; null: it was not found",
    Part.RIGHT_HAND.value: f"The person's own right hand, 21 landmarks by name: {_IN_IMAGE}; null: it was not found",
}
_PRIMITIVES: Final[dict[Any, Callable[[], IcebergType]]] = {
    pa.string(): StringType,
    pa.binary(): BinaryType,
    pa.bool_(): BooleanType,
    pa.int32(): IntegerType,
    pa.int64(): LongType,
    pa.float32(): FloatType,
    pa.timestamp("us", tz="UTC"): TimestamptzType,
}


def frames_schema() -> Schema:
    """The table's columns: those of the files, with what is required and what makes a row's identity."""
    numbers = itertools.count(1)
    # The catalog numbers fields anew, level by level; numbered so from the start, they stay.
    fields = _number_fields(list(FRAMES), numbers)
    schema = Schema(*fields)
    return Schema(*fields, identifier_field_ids=[schema.find_field(name).field_id for name in IDENTITY])


def partition_by_day(schema: Schema) -> PartitionSpec:
    """A partition for each day, in UTC, of capture time."""
    source = schema.find_field("captured_at").field_id
    return PartitionSpec(PartitionField(source, PARTITION_FIELD_ID_START, DayTransform(), DAY_FIELD))


def order_by_stream(schema: Schema) -> SortOrder:
    """How rows are best laid out: by stream, and in it by time."""
    return SortOrder(
        *(SortField(schema.find_field(name).field_id, IdentityTransform()) for name in ("stream_id", "captured_at"))
    )


def _number_fields(fields: list[pa.Field], numbers: Iterator[int]) -> list[NestedField]:
    ids = [next(numbers) for _ in fields]
    comments = [_COMMENTS.get(field.name) for field in fields]
    return [
        NestedField(number, field.name, _convert_type(field.type, numbers), not field.nullable, comment)
        for number, field, comment in zip(ids, fields, comments, strict=True)
    ]


def _convert_type(arrow_type: pa.DataType, numbers: Iterator[int]) -> IcebergType:
    if pa.types.is_struct(arrow_type):
        return StructType(*_number_fields(list(arrow_type), numbers))
    if pa.types.is_list(arrow_type):
        element = arrow_type.value_field
        number = next(numbers)
        return ListType(number, _convert_type(element.type, numbers), not element.nullable)
    return _PRIMITIVES[arrow_type]()
