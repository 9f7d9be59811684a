"""Frames as Arrow columns in the layout of the files, without a step per landmark of a frame."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consumers.archive.parquet.schema import FACE_AXIS, FRAMES, HEADERS, part_type, point_type
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS, PART_SHAPES, Part
from keypoints.topics import Headers

_TIME: Final = pa.timestamp("us", tz="UTC")
# Milliseconds beyond this overflow as microseconds: an absurd record timestamp is kept at the edge of the calendar.
_LATEST_MS: Final = (2**63 - 1) // 1000
_FACE_AXES: Final = PART_SHAPES[Part.FACE][1]


def to_file_columns(batch: FrameBatch, topic_id: str) -> pa.Table:
    """The rows with the columns of `schema.FRAMES`; all rows share one identity topic, whose id is `topic_id`."""
    return ColumnGatherer().gather([batch], topic_id)


class ColumnGatherer:
    """Lays the rows of many batches out as columns in memory it uses again and again.

    Fresh memory costs more than what is written into it: the kernel clears each page first.
    """

    def __init__(self) -> None:
        self._points: dict[Part, NDArray[np.float32]] = {
            part: np.empty((points, values, 0), np.float32)
            for part, (points, values) in PART_SHAPES.items()
            if part is not Part.FACE
        }
        self._face = np.empty((_FACE_AXES, 0), np.float32)

    def gather(self, batches: Sequence[FrameBatch], topic_id: str) -> pa.Table:
        """The rows of the batches, at least one, in order, with the columns of `schema.FRAMES`.

        All rows share one identity topic, whose id is `topic_id`. The table is good until the next call, which writes
        over its coordinates.
        """
        rows = sum(map(len, batches))
        columns: dict[str, pa.Array] = {
            "topic": pa.array(_texts(batches, "identity_topic"), pa.string()),
            "topic_id": pa.array([topic_id] * rows, pa.string()),
            "partition": pa.array(_numbers(batches, "identity_partition")),
            "offset": pa.array(_numbers(batches, "identity_offset")),
            "stream_id": pa.array(_texts(batches, "stream_id"), pa.string()),
            "epoch": pa.array(_numbers(batches, "epoch")),
            "sequence": pa.array(_numbers(batches, "sequence")),
            "captured_at": _times(_numbers(batches, "captured_at_us")),
            "processed_at": _times(_numbers(batches, "processed_at_us")),
            "record_timestamp": _times(np.clip(_numbers(batches, "timestamp_ms"), -_LATEST_MS, _LATEST_MS) * 1000),
            "width": pa.array(_numbers(batches, "width")),
            "height": pa.array(_numbers(batches, "height")),
            "mirrored": pa.array(_numbers(batches, "mirrored")),
            "model": pa.array(_texts(batches, "model"), pa.string()),
            "record_key": pa.array(list(chain.from_iterable(batch.keys for batch in batches)), pa.binary()),
            "headers": _headers(list(chain.from_iterable(batch.headers for batch in batches))),
        }
        for part in PART_SHAPES:
            columns[part.value] = (
                self._gather_face(batches, rows) if part is Part.FACE else self._gather_points(batches, part, rows)
            )
        return pa.Table.from_arrays([columns[name] for name in FRAMES.names], schema=FRAMES)

    def _gather_points(self, batches: Sequence[FrameBatch], part: Part, rows: int) -> pa.StructArray:
        points, values = PART_SHAPES[part]
        coordinates = self._points[part]
        if coordinates.shape[2] < rows:
            coordinates = self._points[part] = np.empty((points, values, rows), np.float32)
        # One copy lays every coordinate out as a run of its own; the leaf columns are windows into it.
        for first, batch in _placed(batches):
            coordinates[:, :, first : first + len(batch)] = batch.part(part).transpose(1, 2, 0)
        landmarks = [
            pa.Array.from_buffers(
                point_type(values),
                rows,
                [None],
                children=[_floats(coordinates[point, axis, :rows]) for axis in range(values)],
            )
            for point in range(points)
        ]
        present = _validity(np.concatenate([batch.present(part) for batch in batches]))
        return pa.Array.from_buffers(part_type(part), rows, [present], children=landmarks)

    def _gather_face(self, batches: Sequence[FrameBatch], rows: int) -> pa.StructArray:
        points_of_row = _numbers(batches, "face_points")
        offsets = np.zeros(rows + 1, dtype=np.int32)
        np.cumsum(points_of_row, out=offsets[1:])
        if self._face.shape[1] < rows * FACE_POINTS:
            self._face = np.empty((_FACE_AXES, rows * FACE_POINTS), np.float32)
        for first, batch in _placed(batches):
            self._place_faces(batch, int(offsets[first]), int(offsets[first + len(batch)]))
        axes = [
            pa.Array.from_buffers(
                FACE_AXIS, rows, [None, pa.py_buffer(offsets)], children=[_floats(axis[: offsets[-1]])]
            )
            for axis in self._face
        ]
        return pa.Array.from_buffers(part_type(Part.FACE), rows, [_validity(points_of_row > 0)], children=axes)

    def _place_faces(self, batch: FrameBatch, first: int, after: int) -> None:
        present = batch.face_present
        seen = batch.face if present.all() else batch.face[present]
        points_of_row = batch.face_points[present]
        there = None if (points_of_row == FACE_POINTS).all() else np.arange(FACE_POINTS) < points_of_row[:, None]
        for axis in range(_FACE_AXES):
            target = self._face[axis, first:after]
            if there is None:
                target.reshape(len(seen), FACE_POINTS)[:] = seen[:, :, axis]
            else:
                target[:] = seen[:, :, axis][there]


def _placed(batches: Sequence[FrameBatch]) -> list[tuple[int, FrameBatch]]:
    """Each batch with the number of its first row among all."""
    starts = np.cumsum([0, *map(len, batches)]).tolist()
    return list(zip(starts, batches, strict=False))


def _numbers(batches: Sequence[FrameBatch], column: str) -> NDArray[Any]:
    return np.concatenate([getattr(batch, column) for batch in batches])


def _texts(batches: Sequence[FrameBatch], column: str) -> list[str]:
    return list(chain.from_iterable(getattr(batch, column).tolist() for batch in batches))


def _times(microseconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).view(_TIME)


def _headers(headers: Sequence[Headers]) -> pa.ListArray:
    offsets = np.zeros(len(headers) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in headers], out=offsets[1:])
    names = pa.array([name for row in headers for name, _ in row], pa.string())
    values = pa.array([value for row in headers for _, value in row], pa.binary())
    pairs = pa.StructArray.from_arrays([names, values], fields=list(HEADERS.value_type))
    return pa.Array.from_buffers(HEADERS, len(headers), [None, pa.py_buffer(offsets)], children=[pairs])


def _floats(values: NDArray[np.float32]) -> pa.Array:
    return pa.Array.from_buffers(pa.float32(), len(values), [None, pa.py_buffer(values)])


def _validity(present: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
