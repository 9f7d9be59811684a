"""One frame of one performer, and many frames as columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from keypoints.errors import Terminal
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import TRACKING_TOPIC, Headers, check_stream_id, record_key

Float32Array = NDArray[np.float32]


class InvalidFrame(Terminal):
    """A frame whose parts have the wrong shape. Fields: stream_id, part, shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HolisticFrame:
    """What was seen of one performer in one image; a part not seen is None.

    Times are microseconds since 1970 (UTC). `width` and `height` are the image's in pixels, 0 where a record of the
    classic form did not say. Parts are float32, rows of x, y, z (and visibility for the poses): `pose` (33, 4),
    `face` (478, 3) or without irises (468, 3), `left_hand` and `right_hand` (21, 3) in fractions of the image, and
    `pose_world` (33, 4) in metres from between the hips, y down. Left and right are the person's own.

    Raises InvalidFrame for a part of another shape and InvalidStreamId for a name that cannot be stored.
    """

    stream_id: str
    sequence: int
    epoch: int
    captured_at_us: int
    processed_at_us: int
    width: int
    height: int
    mirrored: bool = False
    model: str = "unknown"
    pose: Float32Array | None = None
    pose_world: Float32Array | None = None
    face: Float32Array | None = None
    left_hand: Float32Array | None = None
    right_hand: Float32Array | None = None

    def __post_init__(self) -> None:
        check_stream_id(self.stream_id)
        for name, shapes in _SHAPES_BY_FIELD:
            values = getattr(self, name)
            if values is not None and not (
                values.shape in shapes and values.dtype == np.float32 and values.flags.c_contiguous
            ):
                object.__setattr__(self, name, _as_part(self.stream_id, name, values))

    def part(self, part: Part) -> Float32Array | None:
        """The points of a part, or None when it was not seen."""
        return getattr(self, part.value)  # type: ignore[no-any-return]

    @property
    def has_person(self) -> bool:
        """Whether anything at all was seen; a right hand alone counts."""
        return any(self.part(part) is not None for part in PART_SHAPES)

    def equals(self, other: "HolisticFrame") -> bool:
        """Whether both say the same, bit for bit in every coordinate (NaN equals NaN)."""
        return all(_same(getattr(self, column.name), getattr(other, column.name)) for column in fields(self))


_SHAPES_BY_FIELD: Final[tuple[tuple[str, tuple[tuple[int, int], ...]], ...]] = tuple(
    (part.value, (shape, (FACE_POINTS_WITHOUT_IRIS, shape[1])) if part is Part.FACE else (shape,))
    for part, shape in PART_SHAPES.items()
)


def _as_part(stream_id: str, part: str, values: Float32Array) -> Float32Array:
    array = np.ascontiguousarray(values, dtype=np.float32)
    if array.shape in dict(_SHAPES_BY_FIELD)[part]:
        return array
    raise InvalidFrame(
        f"{part} has shape {array.shape}, expected {PART_SHAPES[Part(part)]}",
        stream_id=stream_id,
        part=part,
        shape=array.shape,
    )


def _same(ours: object, theirs: object) -> bool:
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        return ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes()
    return type(ours) is type(theirs) and ours == theirs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameBatch:
    """N frames of one topic as columns; row i of every column belongs together.

    `partition` and `offset` are the record's position in `topic`, which is what a group commits. The `identity_*`
    columns are who the record is: the same, unless it was published again and its origin header says who it was;
    every stored effect is keyed by them. Parts are float32 at full size, (N, 33, 4), (N, 478, 3), (N, 21, 3), with NaN
    in the rows where the part is absent; whether it is there is the mask's word alone, for a coordinate that is there
    may be NaN too. `face_points` is 0, 468 or 478, and rows of 468 have NaN irises.
    """

    topic: str
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    timestamp_ms: NDArray[np.int64]
    identity_topic: NDArray[np.object_]
    identity_partition: NDArray[np.int32]
    identity_offset: NDArray[np.int64]
    keys: tuple[bytes | None, ...]
    headers: tuple[Headers, ...]
    stream_id: NDArray[np.object_]
    sequence: NDArray[np.int64]
    epoch: NDArray[np.int64]
    captured_at_us: NDArray[np.int64]
    processed_at_us: NDArray[np.int64]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    mirrored: NDArray[np.bool_]
    model: NDArray[np.object_]
    pose: Float32Array
    pose_world: Float32Array
    face: Float32Array
    left_hand: Float32Array
    right_hand: Float32Array
    pose_present: NDArray[np.bool_]
    pose_world_present: NDArray[np.bool_]
    face_points: NDArray[np.int16]
    left_hand_present: NDArray[np.bool_]
    right_hand_present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def face_present(self) -> NDArray[np.bool_]:
        """bool (N,): whether a face, refined or not, is there."""
        return self.face_points > 0

    def part(self, part: Part) -> Float32Array:
        """A part's column, (N, points, values)."""
        return getattr(self, part.value)  # type: ignore[no-any-return]

    def present(self, part: Part) -> NDArray[np.bool_]:
        """bool (N,): in which rows the part was seen."""
        return getattr(self, f"{part.value}_present")  # type: ignore[no-any-return]

    @property
    def coordinate_bytes(self) -> int:
        """Bytes of the parts' columns, nearly all a batch holds."""
        return sum(self.part(part).nbytes for part in PART_SHAPES)

    @property
    def has_person(self) -> NDArray[np.bool_]:
        """bool (N,): in which rows anything at all was seen."""
        anything: NDArray[np.bool_] = np.logical_or.reduce([self.present(part) for part in PART_SHAPES])
        return anything

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | Sequence[int]) -> Self:
        """The rows a mask or a list of indices picks, in that order."""
        chosen = np.asarray(rows)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.intp, copy=False)
        columns: dict[str, Any] = {}
        for column in fields(self):
            values = getattr(self, column.name)
            if isinstance(values, np.ndarray):
                columns[column.name] = values[chosen]
            elif isinstance(values, tuple):
                columns[column.name] = tuple(values[row] for row in chosen.tolist())
        return replace(self, **columns)

    def next_offsets(self) -> dict[int, int]:
        """For each partition in the batch, the offset after its last row: what to commit when all of it is durable."""
        return {
            int(partition): int(self.offset[self.partition == partition].max()) + 1
            for partition in np.unique(self.partition)
        }

    def frame(self, row: int) -> HolisticFrame:
        """Row `row` as a frame of its own; its parts are copies."""
        parts: dict[str, Any] = {
            part.value: self.part(part)[row].copy() if self.present(part)[row] else None for part in PART_SHAPES
        }
        face = parts[Part.FACE]
        if face is not None:
            parts[Part.FACE] = face[: int(self.face_points[row])].copy()
        return HolisticFrame(
            stream_id=str(self.stream_id[row]),
            sequence=int(self.sequence[row]),
            epoch=int(self.epoch[row]),
            captured_at_us=int(self.captured_at_us[row]),
            processed_at_us=int(self.processed_at_us[row]),
            width=int(self.width[row]),
            height=int(self.height[row]),
            mirrored=bool(self.mirrored[row]),
            model=str(self.model[row]),
            **parts,
        )

    @classmethod
    def concat(cls, batches: Sequence["FrameBatch"]) -> "FrameBatch":
        """The rows of several batches of one topic, in order. Raises ValueError for none, or for mixed topics."""
        if not batches:
            raise ValueError("cannot join zero batches: the topic would be unknown")
        if len(batches) == 1:
            return batches[0]
        if len({batch.topic for batch in batches}) > 1:
            raise ValueError(f"cannot join batches of several topics: {sorted({batch.topic for batch in batches})}")
        columns: dict[str, Any] = {}
        for column in fields(cls):
            values = [getattr(batch, column.name) for batch in batches]
            if isinstance(values[0], np.ndarray):
                columns[column.name] = np.concatenate(values)
            elif isinstance(values[0], tuple):
                columns[column.name] = tuple(item for value in values for item in value)
        return replace(batches[0], **columns)

    @classmethod
    def empty(cls, topic: str = TRACKING_TOPIC) -> "FrameBatch":
        """A batch without rows."""
        return allocate_batch(topic, 0)

    @classmethod
    def from_frames(
        cls,
        frames: Iterable[HolisticFrame],
        *,
        topic: str = TRACKING_TOPIC,
        partition: int = 0,
        first_offset: int = 0,
    ) -> "FrameBatch":
        """Frames as the rows they would be had they been published in order to one partition."""
        rows = list(frames)
        batch = allocate_batch(topic, len(rows))
        for row, frame in enumerate(rows):
            write_frame(batch, row, frame)
        batch.partition[:] = batch.identity_partition[:] = partition
        batch.offset[:] = batch.identity_offset[:] = np.arange(first_offset, first_offset + len(rows))
        batch.timestamp_ms[:] = batch.captured_at_us // 1000
        return replace(batch, keys=tuple(record_key(frame.stream_id) for frame in rows))


_COLUMN_TYPES: Final[dict[str, type[np.generic]]] = {
    "partition": np.int32, "offset": np.int64, "timestamp_ms": np.int64,
    "identity_topic": np.object_, "identity_partition": np.int32, "identity_offset": np.int64,
    "stream_id": np.object_, "sequence": np.int64, "epoch": np.int64,
    "captured_at_us": np.int64, "processed_at_us": np.int64, "width": np.int32, "height": np.int32,
    "mirrored": np.bool_, "model": np.object_, "face_points": np.int16,
    "pose_present": np.bool_, "pose_world_present": np.bool_,
    "left_hand_present": np.bool_, "right_hand_present": np.bool_,
}  # fmt: skip


def allocate_batch(topic: str, rows: int) -> FrameBatch:
    """A batch of `rows` rows to be written into: nothing present, numbers 0, parts NaN."""
    batch = allocate_unfilled(topic, rows)
    for part in PART_SHAPES:
        batch.part(part).fill(np.nan)
    return batch


def allocate_unfilled(topic: str, rows: int) -> FrameBatch:
    """As `allocate_batch`, but with anything at all in the parts: `blank_absent` is due once presence is known."""
    columns: dict[str, Any] = {name: np.zeros(rows, dtype) for name, dtype in _COLUMN_TYPES.items()}
    columns["identity_topic"] = np.full(rows, topic, dtype=np.object_)
    for part, shape in PART_SHAPES.items():
        columns[part.value] = np.empty((rows, *shape), dtype=np.float32)
    return FrameBatch(topic=topic, keys=(None,) * rows, headers=((),) * rows, **columns)


def blank_absent(batch: FrameBatch) -> None:
    """Write NaN where a part, or the irises of a face, are absent."""
    for part in PART_SHAPES:
        present = batch.present(part)
        if not present.all():
            batch.part(part)[~present] = np.nan
    without_irises = batch.face_points == FACE_POINTS_WITHOUT_IRIS
    if without_irises.any():
        batch.face[without_irises, FACE_POINTS_WITHOUT_IRIS:] = np.nan


def write_frame(batch: FrameBatch, row: int, frame: HolisticFrame) -> None:
    """Write a frame's own fields (not its position) into row `row` of an allocated batch."""
    batch.stream_id[row] = frame.stream_id
    batch.sequence[row] = frame.sequence
    batch.epoch[row] = frame.epoch
    batch.captured_at_us[row] = frame.captured_at_us
    batch.processed_at_us[row] = frame.processed_at_us
    batch.width[row] = frame.width
    batch.height[row] = frame.height
    batch.mirrored[row] = frame.mirrored
    batch.model[row] = frame.model
    for part in PART_SHAPES:
        values = frame.part(part)
        if values is None:
            continue
        if part is Part.FACE:
            batch.face_points[row] = len(values)
            batch.face[row, : len(values)] = values
        else:
            batch.present(part)[row] = True
            batch.part(part)[row] = values
