"""The physics of a fingertip's way: how far, how straight, how round, and which way it turns.

Turning is measured between displacements, weighted by their lengths, so that the tremble of a resting hand adds up to
nothing; per frame rather than per window, so that frames not seen change little.
"""

from typing import Final

import numpy as np

from consumers.analytics.learning.plane import Floats, cross, dot, measure_length
from consumers.analytics.learning.tracks import Bools, Tracks, fill_gaps

# Image heights: about the tremble of a resting hand. Below it sizes are all alike, and nothing has a direction.
_TREMBLE: Final = 0.003
_LAGS: Final = (1, 2, 3, 5)
_GREATEST: Final = 12.0


def measure_tracks(tracks: Tracks) -> Floats:
    """float64 (N, F) of N tracks, of which two points or more were seen; else a row means nothing.

    Turned in the image a track has the same features; mirrored, or backwards, the signed ones change their sign alone.
    """
    points, inside = fill_gaps(tracks)
    steps = np.maximum(inside.sum(axis=1) - 1, 1)
    centre = (points * inside[..., None]).sum(axis=1, keepdims=True) / (steps + 1)[:, None, None]
    around = (points - centre) * inside[..., None]
    longest, narrowest = _measure_axes(around, steps + 1)
    path = measure_length(np.diff(points, axis=1)).sum(axis=1)
    net = measure_length(points[:, -1] - points[:, 0])
    area = cross(points[:, :-1] - points[:, :1], points[:, 1:] - points[:, :1]).sum(axis=1) / 2
    turns = _measure_turns(points, inside)
    columns = [
        np.log(longest + _TREMBLE),
        np.log(narrowest + _TREMBLE),
        np.log(path / steps + _TREMBLE),
        np.log(4 * net / steps + _TREMBLE),
        net / (path + _TREMBLE),
        narrowest / (longest + _TREMBLE),
        area / (path**2 / (4 * np.pi) + 10 * _TREMBLE**2),
        area / (np.pi * (longest**2 + narrowest**2) + 10 * _TREMBLE**2),
        turns.sum(axis=1),
        15 * turns.sum(axis=1) / steps,
        15 * np.abs(turns).sum(axis=1) / steps,
    ]
    for lag in _LAGS:
        moved, known = points[:, lag:] - points[:, :-lag], inside[:, lag:] & inside[:, :-lag]
        columns += _compare(moved[:, :-lag], moved[:, lag:], known[:, :-lag] & known[:, lag:])
    columns += _compare(around[:, :-1], around[:, 1:], inside[:, 1:] & inside[:, :-1])[:1]
    return np.clip(np.stack(columns, axis=1), -_GREATEST, _GREATEST)


def _measure_axes(around: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Standard deviations along the longest axis and across it."""
    x, y = around[..., 0], around[..., 1]
    xx, yy, xy = (x * x).sum(axis=1) / count, (y * y).sum(axis=1) / count, (x * y).sum(axis=1) / count
    middle, apart = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return np.sqrt(middle + apart), np.sqrt(np.maximum(middle - apart, 0.0))


def _compare(one: Floats, other: Floats, known: Bools) -> list[Floats]:
    """Sine and cosine from one vector to the other, over all pairs that are known, by their lengths."""
    weight = (measure_length(one) * measure_length(other) * known).sum(axis=1) + _TREMBLE**2
    return [(cross(one, other) * known).sum(axis=1) / weight, (dot(one, other) * known).sum(axis=1) / weight]


def _measure_turns(points: Floats, inside: Bools) -> Floats:
    """(N, POINTS - 3) radians between successive directions of the smoothed way; 0 where not known."""
    between = inside[:, :-2] & inside[:, 2:]
    smooth = points.copy()
    smooth[:, 1:-1] = np.where(
        between[..., None], (points[:, :-2] + 2 * points[:, 1:-1] + points[:, 2:]) / 4, points[:, 1:-1]
    )
    heading = smooth[:, 2:] - smooth[:, :-2]
    turns = np.arctan2(cross(heading[:, :-1], heading[:, 1:]), dot(heading[:, :-1], heading[:, 1:]))
    known: Floats = turns * (between[:, :-1] & between[:, 1:])
    return known
