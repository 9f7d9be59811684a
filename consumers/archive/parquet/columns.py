"""Frames as Arrow columns in the layout of the files, without a step per landmark of a frame."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consumers.archive.parquet.schema import FACE_AXIS, FRAMES, HEADERS, part_type, point_type
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS, PART_SHAPES, Part
from keypoints.topics import Headers

_TIME = pa.timestamp("us", tz="UTC")
# Milliseconds beyond this overflow as microseconds: an absurd record timestamp is kept at the edge of the calendar.
_LATEST_MS = (2**63 - 1) // 1000


def to_file_columns(batch: FrameBatch, topic_id: str) -> pa.Table:
    """The rows with the columns of `schema.FRAMES`; all rows share one identity topic, whose id is `topic_id`."""
    rows = len(batch)
    columns: dict[str, pa.Array] = {
        "topic": pa.array(batch.identity_topic.tolist(), pa.string()),
        "topic_id": pa.array([topic_id] * rows, pa.string()),
        "partition": pa.array(batch.identity_partition),
        "offset": pa.array(batch.identity_offset),
        "stream_id": pa.array(batch.stream_id.tolist(), pa.string()),
        "epoch": pa.array(batch.epoch),
        "sequence": pa.array(batch.sequence),
        "captured_at": _times(batch.captured_at_us),
        "processed_at": _times(batch.processed_at_us),
        "record_timestamp": _times(np.clip(batch.timestamp_ms, -_LATEST_MS, _LATEST_MS) * 1000),
        "width": pa.array(batch.width),
        "height": pa.array(batch.height),
        "mirrored": pa.array(batch.mirrored),
        "model": pa.array(batch.model.tolist(), pa.string()),
        "record_key": pa.array(batch.keys, pa.binary()),
        "headers": _headers(batch.headers),
    }
    for part in PART_SHAPES:
        columns[part.value] = _face(batch) if part is Part.FACE else _named_points(batch, part)
    return pa.Table.from_arrays([columns[name] for name in FRAMES.names], schema=FRAMES)


def _times(microseconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).view(_TIME)


def _headers(headers: Sequence[Headers]) -> pa.ListArray:
    offsets = np.zeros(len(headers) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in headers], out=offsets[1:])
    names = pa.array([name for row in headers for name, _ in row], pa.string())
    values = pa.array([value for row in headers for _, value in row], pa.binary())
    pairs = pa.StructArray.from_arrays([names, values], fields=list(HEADERS.value_type))
    return pa.Array.from_buffers(HEADERS, len(headers), [None, pa.py_buffer(offsets)], children=[pairs])


def _named_points(batch: FrameBatch, part: Part) -> pa.StructArray:
    rows = len(batch)
    points, values = PART_SHAPES[part]
    # One copy lays every coordinate out as a run of its own; the leaf columns are windows into it.
    coordinates = np.ascontiguousarray(batch.part(part).transpose(1, 2, 0))
    landmarks = [
        pa.Array.from_buffers(
            point_type(values), rows, [None], children=[_floats(coordinates[point, axis]) for axis in range(values)]
        )
        for point in range(points)
    ]
    return pa.Array.from_buffers(part_type(part), rows, [_validity(batch.present(part))], children=landmarks)


def _face(batch: FrameBatch) -> pa.StructArray:
    rows = len(batch)
    present = batch.face_present
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(batch.face_points, out=offsets[1:])
    seen = batch.face if present.all() else batch.face[present]
    points_of_row = batch.face_points[present]
    whole = bool((points_of_row == FACE_POINTS).all())
    there = None if whole else np.arange(FACE_POINTS) < points_of_row[:, None]
    axes = []
    for axis in range(PART_SHAPES[Part.FACE][1]):
        values = seen[:, :, axis] if there is None else seen[:, :, axis][there]
        floats = _floats(np.ascontiguousarray(values).reshape(-1))
        axes.append(pa.Array.from_buffers(FACE_AXIS, rows, [None, pa.py_buffer(offsets)], children=[floats]))
    return pa.Array.from_buffers(part_type(Part.FACE), rows, [_validity(present)], children=axes)


def _floats(values: NDArray[np.float32]) -> pa.Array:
    return pa.Array.from_buffers(pa.float32(), len(values), [None, pa.py_buffer(values)])


def _validity(present: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
