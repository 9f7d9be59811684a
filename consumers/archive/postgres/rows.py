"""Frames as Arrow columns in the form COPY takes them: one `real[]` a part, null where the part is absent."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consumers.archive.postgres.tables import FRAME_COLUMNS
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES, Part
from keypoints.topics import Headers

EARLIEST_US: Final = -210_863_520_000_000_000
"""4713 BC-01-01, what Postgres' calendar begins with."""
LATEST_US: Final = 9_214_646_400_000_000_000
"""AD 261970, within what Postgres' calendar and 64 bits both hold."""

_TIMESTAMP: Final = pa.timestamp("us")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def to_postgres_rows(
    batch: FrameBatch, topic_refs: Mapping[str, int], archived_at_us: int, *, with_captured_at_us: bool = False
) -> pa.RecordBatch:
    """Columns in the order of FRAME_COLUMNS (and `captured_at_us`, if asked for).

    `topic_refs` names the row of each topic in `identity_topic`. Times outside Postgres' calendar are moved to its
    edge. Times carry no zone here: on the wire `timestamptz` is the same eight bytes.
    """
    rows = len(batch)
    columns: dict[str, Any] = {
        "offset": pa.array(batch.identity_offset),
        "captured_at": _timestamps(batch.captured_at_us),
        "processed_at": _timestamps(batch.processed_at_us),
        "record_timestamp": _timestamps(_microseconds(batch.timestamp_ms)),
        "archived_at": _timestamps(np.full(rows, archived_at_us, dtype=np.int64)),
        "sequence": pa.array(batch.sequence),
        "epoch": pa.array(batch.epoch),
        "topic_ref": pa.array([topic_refs[topic] for topic in batch.identity_topic.tolist()], pa.int32()),
        "partition": pa.array(batch.identity_partition),
        "width": pa.array(batch.width),
        "height": pa.array(batch.height),
        "mirrored": pa.array(batch.mirrored),
        "stream_id": pa.array(batch.stream_id.tolist(), pa.string()),
        "model": pa.array([_storable(model) for model in batch.model.tolist()], pa.string()),
        "record_key": pa.array(batch.keys, pa.binary()),
        "header_names": pa.array([_names(headers) for headers in batch.headers], pa.list_(pa.string())),
        "header_values": pa.array([[value for _, value in row] for row in batch.headers], pa.list_(pa.binary())),
        **{part.value: _real_arrays(batch, part) for part in PART_SHAPES},
    }
    names = list(FRAME_COLUMNS)
    if with_captured_at_us:
        columns["captured_at_us"] = pa.array(batch.captured_at_us)
        names.append("captured_at_us")
    return pa.RecordBatch.from_arrays([columns[name] for name in names], names=names)


def _timestamps(microseconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.clip(microseconds, EARLIEST_US, LATEST_US)).view(_TIMESTAMP)


def _microseconds(milliseconds: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(milliseconds, EARLIEST_US // 1000, LATEST_US // 1000) * 1000


def _names(headers: Headers) -> list[str]:
    return [_storable(name) for name, _ in headers]


def _storable(text: str) -> str:
    """Postgres' text cannot hold U+0000."""
    return text.replace("\x00", _REPLACEMENT) if "\x00" in text else text


def _real_arrays(batch: FrameBatch, part: Part) -> pa.Array:
    present = batch.present(part)
    values = batch.part(part)
    points, width = PART_SHAPES[part]
    points_of_row = batch.face_points.astype(np.int32) if part is Part.FACE else present.astype(np.int32) * points
    offsets = np.zeros(len(batch) + 1, dtype=np.int32)
    np.cumsum(points_of_row * width, out=offsets[1:])
    seen = values if present.all() else values[present]
    if np.any(points_of_row[present] != points):
        seen = seen[np.arange(points) < points_of_row[present][:, None]]
    return pa.ListArray.from_buffers(
        pa.list_(pa.float32()),
        len(batch),
        [_validity(present), pa.py_buffer(offsets)],
        children=[pa.array(np.ascontiguousarray(seen).reshape(-1))],
    )


def _validity(present: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
