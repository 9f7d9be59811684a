"""How bodies moved since the frame before, measured: pure functions on columns of bodies.

A `Track` is what of a body has to be kept for the stream's next frame. A landmark's speed is told when it is seen in
both frames, shoulders and hips when one of the two is seen in each (see `features.poses`).
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import MotionFacts
from consumers.analytics.features.geometry import Floats, add_up, length, turn_to_rows
from consumers.analytics.features.poses import find_seen, measure_scale, take_poses
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from keypoints.landmarks import PoseLandmark as Landmark

LONGEST_STEP_US: Final = 500_000
"""Between two frames further apart nothing is known of the way between them."""

_SIDES: Final = ("LEFT", "RIGHT")
_ACTIVE: Final = [
    Landmark[f"{side}_{name}"] for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE") for side in _SIDES
]
_WRISTS: Final = [Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST]
_HIPS: Final = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]


class TrackUnreadable(Terminal):
    """A saved track that is none. Fields: text."""


@dataclass(frozen=True, slots=True)
class Track:
    """Columns of R frames' bodies; the rows without one have `present` False, and their other values mean nothing.

    Its wrist speeds are written once it is known which frame was before.
    """

    places: NDArray[np.float32]
    """(R, 33, 2): x and y in image heights."""
    scale: Floats
    """(R,) image heights: the body scale; NaN when it cannot be told."""
    visible: NDArray[np.bool_]
    """(R, 33)."""
    at_us: NDArray[np.int64]
    """(R,): event time."""
    wrist_speeds: Floats
    """(R, 2) body scales a second, left and right; NaN while not known."""
    present: NDArray[np.bool_]
    """(R,)."""

    def __len__(self) -> int:
        return len(self.at_us)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The rows a mask or indices pick, in that order, as copies."""
        return type(self)(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def concat(cls, tracks: Sequence["Track"]) -> Self:
        """The rows of all, in order."""
        return cls(*(np.concatenate([getattr(track, column.name) for track in tracks]) for column in fields(cls)))

    @classmethod
    def allocate(cls, rows: int) -> Self:
        """Rows without a body."""
        return cls(
            np.full((rows, len(Landmark), 2), np.nan, dtype=np.float32),
            np.full(rows, np.nan),
            np.zeros((rows, len(Landmark)), dtype=np.bool_),
            np.zeros(rows, dtype=np.int64),
            np.full((rows, 2), np.nan),
            np.zeros(rows, dtype=np.bool_),
        )


# A row of a track as it is saved, field by field; little-endian wherever it is read again.
_ROW: Final = np.dtype(
    [
        ("places", "<f4", (len(Landmark), 2)),
        ("scale", "<f8"),
        ("visible", "?", (len(Landmark),)),
        ("at_us", "<i8"),
        ("wrist_speeds", "<f8", (2,)),
        ("present", "?"),
    ]
)


def track_bodies(batch: FrameBatch) -> Track:
    """A row for each row of the batch; no wrist has a speed yet."""
    track = Track.allocate(len(batch))
    track.at_us[:] = batch.captured_at_us
    track.present[:] = batch.pose_present
    poses = take_poses(batch)
    if len(poses.rows):
        with np.errstate(over="ignore", invalid="ignore"):
            places = turn_to_rows(poses.pose, poses.aspect)[:2].T.astype(np.float32)
        track.places[poses.rows] = np.where(np.isfinite(places), places, np.nan)
        track.scale[poses.rows] = measure_scale(poses)
        track.visible[poses.rows] = find_seen(poses.pose)
    return track


def measure_motion(before: Track, now: Track, before_row: NDArray[np.intp]) -> list[MotionFacts | None]:
    """One entry for each row of `now`, None where nothing can be told of the way there; writes `now.wrist_speeds`.

    `before_row` (N,) says which row of `before`, and of `now` after it, is the stream's frame before; -1 for none. Of a
    row of `now` that is an earlier row.
    """
    motions: list[MotionFacts | None] = [None] * len(now)
    rows = np.flatnonzero(before_row >= 0)
    first, second = Track.concat([before, now]).take(before_row[rows]), now.take(rows)
    elapsed_us = second.at_us - first.at_us
    scale = 0.5 * (first.scale + second.scale)
    told = (
        (first.present & second.present)
        & ((elapsed_us > 0) & (elapsed_us <= LONGEST_STEP_US))
        & ((scale > 0.0) & np.isfinite(scale))
    )
    if not told.any():
        return motions
    rows = rows[told]
    with np.errstate(all="ignore"):
        steps = _Steps(first.take(told), second.take(told), elapsed_us[told] / 1e6, scale[told])
        now.wrist_speeds[rows] = steps.speeds[_WRISTS].T
        speeds_before = np.concatenate([before.wrist_speeds, now.wrist_speeds])[before_row[rows]]
        columns = steps.measure(speeds_before.T)
        measured = np.stack([columns[name] for name in MotionFacts._fields], axis=1)
    for row, values in zip(rows.tolist(), measured.tolist(), strict=True):
        motions[row] = MotionFacts._make(values)
    return motions


class _Steps:
    """N steps, from a frame to the next: `speeds` (33, N) in body scales a second, NaN where a landmark was not seen in
    both."""

    def __init__(self, first: Track, second: Track, elapsed_s: Floats, scale: Floats) -> None:
        self._elapsed_s, self._scale = elapsed_s, scale
        self._moved = (second.places.astype(np.float64) - first.places.astype(np.float64)).transpose(2, 1, 0)
        self._told = (first.visible & second.visible).T
        self.lengths = length(self._moved) / scale
        self.speeds = np.where(self._told, self.lengths, np.nan) / elapsed_s

    def measure(self, wrist_speeds_before: Floats) -> dict[str, Floats]:
        """The columns of MotionFacts; `wrist_speeds_before` is (2, N)."""
        wrists = self.speeds[_WRISTS]
        left, right = (wrists - wrist_speeds_before) / self._elapsed_s
        hips = 0.5 * (self._moved[:, Landmark.LEFT_HIP] + self._moved[:, Landmark.RIGHT_HIP])
        hips_told = self._told[Landmark.LEFT_HIP] & self._told[Landmark.RIGHT_HIP]
        hips_speed = length(hips) / self._scale / self._elapsed_s
        return {
            "elapsed_s": self._elapsed_s,
            "activity": self._average_active(),
            "left_wrist_speed": wrists[0],
            "right_wrist_speed": wrists[1],
            "left_ankle_speed": self.speeds[Landmark.LEFT_ANKLE],
            "right_ankle_speed": self.speeds[Landmark.RIGHT_ANKLE],
            "nose_speed": self.speeds[Landmark.NOSE],
            "hips_speed": np.where(hips_told, hips_speed, np.nan),
            "left_wrist_acceleration": left,
            "right_wrist_acceleration": right,
            "greatest_step": np.fmax.reduce(self.lengths),
        }

    def _average_active(self) -> Floats:
        active = self.speeds[_ACTIVE]
        told = ~np.isnan(active)
        return add_up(np.where(told, active, 0.0)) / add_up(told.astype(np.float64))


def write_track_row(track: Track, row: int) -> str:
    """One row of a track as text, to be kept with a stream's state; `read_track` reads it to the last bit."""
    saved = np.zeros(1, dtype=_ROW)
    for column in fields(track):
        saved[column.name][0] = getattr(track, column.name)[row]
    return b64encode(saved.tobytes()).decode("ascii")


def read_track(rows: Sequence[str]) -> Track:
    """A track of rows that were saved, in their order. Raises TrackUnreadable for a text that is no row."""
    saved = np.frombuffer(b"".join(map(_decode_row, rows)), dtype=_ROW)
    track = Track.allocate(len(rows))
    for column in fields(track):
        getattr(track, column.name)[:] = saved[column.name]
    return track


def _decode_row(text: str) -> bytes:
    try:
        row = b64decode(text, validate=True)
    except ValueError:
        row = b""
    if len(row) != _ROW.itemsize:
        raise TrackUnreadable(
            f"a saved track of {len(text)} characters is not {_ROW.itemsize} bytes in base64",
            hint="forget the state it was saved with and replay",
            text=text[:80],
        )
    return row
