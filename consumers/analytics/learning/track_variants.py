"""The same motions as another session would have shown them: other speed, size, direction, camera, and frames missed.

What a hand does keeps its name when it is turned, sized or slowed; mirrored or backwards, a circle becomes the other.
"""

from typing import Final

import numpy as np

from consumers.analytics.learning.motion import MIRRORED, Motion
from consumers.analytics.learning.plane import Floats
from consumers.analytics.learning.tracks import POINTS, Bools, Tracks, fill_gaps

_SLOWER: Final = (0.55, 1.0)
"""Share of the window that is stretched over all of it. From half of one, a circle is an arc that a move makes too."""
_FASTER: Final = (1.0, 1.5)
"""Frames that go into one; what is past the window's end was not seen."""
_WARP: Final = 0.1
_STRETCH: Final = 0.25
_SIZE: Final = 0.6
"""Logarithms: of the image's shape, and of how near the hand is."""
_TREMBLE: Final = 0.002
"""Image heights, at most."""
_RUNS: Final = 3
_LONGEST_RUN: Final = 5
"""Frames missed at a stretch, in half of the windows."""


def vary_tracks(tracks: Tracks, motions: list[Motion], random: np.random.Generator) -> tuple[Tracks, list[Motion]]:
    """One variant of each of N tracks of two points or more, and what it shows now."""
    points, seen = _change_pace(*fill_gaps(tracks), random)
    count = len(points)
    points = _turn(points, random.uniform(0.0, 2 * np.pi, count))
    stretch = np.exp(random.uniform(-_STRETCH, _STRETCH, count))
    size = np.exp(random.uniform(-_SIZE, _SIZE, count))
    points = points * np.stack([size * stretch, size / stretch], axis=1)[:, None]
    mirrored, reversed_ = random.random(count) < 0.5, random.random(count) < 0.5
    points = np.where(mirrored[:, None, None], points * (-1.0, 1.0), points)
    points = np.where(reversed_[:, None, None], points[:, ::-1], points)
    seen = np.where(reversed_[:, None], seen[:, ::-1], seen)
    points = points + random.normal(size=points.shape) * random.uniform(0.0, _TREMBLE, (count, 1, 1))
    shown = [
        MIRRORED[motion] if swapped else motion for motion, swapped in zip(motions, mirrored ^ reversed_, strict=True)
    ]
    return Tracks(points, seen & ~_miss_frames(count, random)), shown


def _change_pace(points: Floats, inside: Bools, random: np.random.Generator) -> tuple[Floats, Bools]:
    """Go a third of the tracks slower, a third faster, and unevenly along those that are not faster."""
    count = len(points)
    first = np.argmax(inside, axis=1)
    last = POINTS - 1 - np.argmax(inside[:, ::-1], axis=1)
    pace = random.integers(0, 3, count)
    part = np.where(pace == 1, random.uniform(*_SLOWER, count), 1.0)
    span = (last - first) * part
    start = first + random.random(count) * (last - first - span)
    time = np.linspace(0.0, 1.0, POINTS)
    uneven = random.uniform(0.0, _WARP, (count, 1)) * np.sin(np.pi * time)
    uneven = uneven * np.sin(2 * np.pi * time + random.uniform(0.0, 2 * np.pi, (count, 1)))
    at = start[:, None] + span[:, None] * (time + uneven)
    faster = first[:, None] + random.uniform(*_FASTER, (count, 1)) * np.arange(POINTS)
    at = np.where((pace == 2)[:, None], faster, at)
    seen = at <= last[:, None]
    at = np.clip(at, first[:, None], last[:, None])
    before = np.minimum(np.floor(at).astype(np.int64), POINTS - 2)
    share = (at - before)[..., None]
    row = np.arange(count)[:, None]
    return points[row, before] * (1 - share) + points[row, before + 1] * share, seen


def _turn(points: Floats, angles: Floats) -> Floats:
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=-1)


def _miss_frames(count: int, random: np.random.Generator) -> Bools:
    """(count, POINTS): frames of a few runs, in half of the windows."""
    missed = np.zeros((count, POINTS), np.bool_)
    place = np.arange(POINTS)
    some = random.random(count) < 0.5
    for _ in range(_RUNS):
        start = random.integers(0, POINTS, (count, 1))
        length = random.integers(1, _LONGEST_RUN + 1, (count, 1))
        happens = some & (random.random(count) < 0.6)
        missed |= happens[:, None] & (place >= start) & (place < start + length)
    return missed
