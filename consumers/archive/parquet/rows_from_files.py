"""Rows of a file as frames again, without a step per landmark of a frame: what `columns` does, the other way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import FACE_POINTS, PART_SHAPES, Part, landmark_names
from keypoints.topics import Headers

_AXES: Final = ("x", "y", "z", "visibility")
_SAME_NAME: Final = ("stream_id", "epoch", "sequence", "width", "height", "mirrored", "model")


def frames_from_file(file: pq.ParquetFile) -> Iterator[FrameBatch]:
    """The rows of an open file in its own order, a row group (some thousand rows) at a time."""
    for number in range(file.num_row_groups):
        yield from_file_columns(file.read_row_group(number))


def from_file_columns(rows: pa.Table) -> FrameBatch:
    """Rows, at least one, with the columns of `schema.FRAMES`, all of one identity topic, as a batch of it.

    Coordinates are those that were stored, bit for bit. Position and identity are the same.
    """
    rows = rows.combine_chunks()
    headers = _headers(rows.column("headers"))
    batch = allocate_batch(rows.column("topic")[0].as_py(), len(rows))
    for name in _SAME_NAME:
        getattr(batch, name)[:] = _values(rows.column(name))
    for position, identity in (("partition", "identity_partition"), ("offset", "identity_offset")):
        getattr(batch, position)[:] = getattr(batch, identity)[:] = _values(rows.column(position))
    batch.captured_at_us[:] = _microseconds(rows.column("captured_at"))
    batch.processed_at_us[:] = _microseconds(rows.column("processed_at"))
    batch.timestamp_ms[:] = _microseconds(rows.column("record_timestamp")) // 1000
    for part in PART_SHAPES:
        column = rows.column(part.value).chunk(0)
        if part is Part.FACE:
            _fill_face(batch, column)
        else:
            _fill_points(batch, part, column)
    return replace(batch, keys=tuple(rows.column("record_key").to_pylist()), headers=headers)


def _values(column: pa.ChunkedArray) -> NDArray[np.generic] | list[str]:
    if pa.types.is_string(column.type):
        texts: list[str] = column.to_pylist()
        return texts
    values: NDArray[np.generic] = column.to_numpy()
    return values


def _microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    values: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return values


def _headers(column: pa.ChunkedArray) -> tuple[Headers, ...]:
    lists = column.chunk(0)
    pairs = lists.flatten()
    names, values = pairs.field("name").to_pylist(), pairs.field("value").to_pylist()
    all_pairs = list(zip(names, values, strict=True))
    ends = np.cumsum(pc.list_value_length(lists).to_numpy()).tolist()
    return tuple(tuple(all_pairs[first:end]) for first, end in zip([0, *ends], ends, strict=False))


def _fill_points(batch: FrameBatch, part: Part, column: pa.StructArray) -> None:
    present = batch.present(part)
    present[:] = column.is_valid().to_numpy(zero_copy_only=False)
    if not present.any():
        return
    points = batch.part(part)
    axes = range(PART_SHAPES[part][1])
    # `field` is the child as it lies there, `flatten` would mark what is below an absent part as absent too.
    landmarks = [column.field(name) for name in landmark_names(part)]
    coordinates = [_floats(landmark.field(_AXES[axis])) for landmark in landmarks for axis in axes]
    points[:] = np.stack(coordinates, axis=-1).reshape(points.shape)
    points[~present] = np.nan


def _fill_face(batch: FrameBatch, column: pa.StructArray) -> None:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    if not present.any():
        return
    seen = column if present.all() else column.filter(pa.array(present))
    axes = [seen.field(_AXES[axis]) for axis in range(PART_SHAPES[Part.FACE][1])]
    batch.face_points[present] = pc.list_value_length(axes[0]).to_numpy(zero_copy_only=False)
    there = np.arange(FACE_POINTS) < batch.face_points[:, None]
    whole = bool(there.all())
    for axis, lists in enumerate(axes):
        values = _floats(lists.flatten())
        if whole:
            batch.face[:, :, axis] = values.reshape(len(batch), FACE_POINTS)
        else:
            batch.face[:, :, axis][there] = values


def _floats(values: pa.Array) -> NDArray[np.float32]:
    # Straight from the buffer: where the part is absent, what lies below it counts as absent, and is not looked at.
    floats: NDArray[np.float32] = np.frombuffer(values.buffers()[1], np.float32)[
        values.offset : values.offset + len(values)
    ]
    return floats
