"""Where a fingertip went over sixteen frames, and in which of them it was not seen.

A capture writes the image's origin for a frame in which it saw no hand. Rows are relative to their first point, so such
a frame lies anywhere: a jump to one far point, the least in x and y, and back. Taken for a way it would outweigh all
that is real.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.learning.plane import Floats, measure_length

Bools = NDArray[np.bool_]

POINTS: Final = 16
# Rows do not say their image's shape; cameras mostly have this.
_ASPECT: Final = 16 / 9
# Fractions of the image; no fingertip goes as far in one frame, and no hand comes as near to the corner.
_FAR: Final = 0.12
_SAME: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Tracks:
    """N windows of `POINTS` frames."""

    points: Floats
    """(N, POINTS, 2), image heights; what was not seen means nothing."""
    seen: Bools
    """(N, POINTS)"""


def read_tracks(rows: Floats) -> Tracks:
    """Windows of float64 (N, 32): x, y in fractions of the image, relative to the first point."""
    points = rows.reshape(-1, POINTS, 2)
    corner = points.min(axis=1, keepdims=True)
    at_corner = (np.abs(points - corner) < _SAME).all(axis=2)
    away = measure_length(points - corner)
    nearest = np.where(at_corner, np.inf, away).min(axis=1)
    # A hand is never as still as a window of which every point is the same.
    lost = at_corner & (nearest > _FAR)[:, None]
    return Tracks(points * (_ASPECT, 1.0), ~lost)


def fill_gaps(tracks: Tracks) -> tuple[Floats, Bools]:
    """(points, inside): unseen points on straight lines between their neighbours, and which lie between seen ones.

    Before the first that was seen, and after the last, the way stands still there; `inside` is False.
    """
    count = tracks.seen.shape[1]
    place = np.arange(count)
    before = np.maximum.accumulate(np.where(tracks.seen, place, -1), axis=1)
    after = np.minimum.accumulate(np.where(tracks.seen, place, count)[:, ::-1], axis=1)[:, ::-1]
    inside = (before >= 0) & (after < count)
    start = np.clip(np.where(before < 0, after, before), 0, count - 1)
    end = np.clip(np.where(after >= count, before, after), 0, count - 1)
    share = (np.where(end > start, place - start, 0) / np.maximum(end - start, 1))[..., None]
    row = np.arange(len(tracks.points))[:, None]
    filled: Floats = tracks.points[row, start] * (1 - share) + tracks.points[row, end] * share
    return filled, inside
