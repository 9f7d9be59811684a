"""The unrest of a landmark detector: small, correlated in time and within a part, the same whenever asked.

Noise at an instant is a mix of rows of one drawn table, picked by a hash of the seed and of the instant's place on a
grid of time, so it depends on nothing but those two.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import PART_SHAPES, Part
from performers.face import Float32Array
from performers.rotations import FloatArray

# One standard deviation of x, y and z. Image parts: fractions of a 16:9 picture, so that x and y are alike in pixels
# (x 0.001 is 1.3 px at 720p); the world pose: metres.
_DEVIATIONS: Final[dict[Part, tuple[float, float, float]]] = {
    Part.POSE: (0.0009, 0.0016, 0.0045),
    Part.POSE_WORLD: (0.003, 0.003, 0.006),
    Part.FACE: (0.0003, 0.00053, 0.0004),
    Part.LEFT_HAND: (0.0006, 0.00107, 0.0012),
    Part.RIGHT_HAND: (0.0006, 0.00107, 0.0012),
}
_SHARED: Final = 0.6
"""How much of the variance all the points of a part share, as when the detector's crop moves."""
_ROWS: Final = 1021
_TABLE_SEED: Final = 20_111
# (Hz of the grid, share of the deviation): a slow drift, and unrest from frame to frame.
_GRIDS: Final = ((3.0, 0.8), (30.0, 0.6))


@dataclass(frozen=True)
class Noise:
    """How restless the landmarks are: `strength` 1 is about MediaPipe's own on 720p video, 0 is an oracle's."""

    strength: float = 1.0

    def disturb(
        self, parts: dict[Part, Float32Array], at_s: FloatArray, *, seed: int, loop_s: float | None = None
    ) -> None:
        """Add the noise of the instants `at_s` (N,) to x, y, z of the parts (N, points, values), in place."""
        if self.strength == 0.0:
            return
        mixed = np.zeros((len(at_s), _table().shape[1]), dtype=np.float32)
        for grid, (hertz, share) in enumerate(_GRIDS):
            _mix_rows(mixed, at_s * hertz, seed * len(_GRIDS) + grid, share * self.strength, _knots(hertz, loop_s))
        first = 0
        for part, (points, _) in PART_SHAPES.items():
            last = first + points * 3
            parts[part][:, :, :3] += mixed[:, first:last].reshape(-1, points, 3)
            first = last


def _knots(hertz: float, loop_s: float | None) -> int | None:
    return None if loop_s is None else max(1, round(hertz * loop_s))


def _mix_rows(mixed: Float32Array, place: FloatArray, key: int, strength: float, knots: int | None) -> None:
    """Between two knots of the grid, a mix of their rows whose deviation stays the same all the way."""
    before = np.floor(place)
    after_share = place - before
    scale = strength / np.sqrt(after_share * after_share + (1.0 - after_share) * (1.0 - after_share))
    knot = before.astype(np.int64)
    for step, share in ((0, 1.0 - after_share), (1, after_share)):
        number = knot + step if knots is None else (knot + step) % knots
        weight = (share * scale).astype(np.float32)
        mixed += _table()[_pick_rows(number, key)] * weight[:, None]


def _pick_rows(number: NDArray[np.int64], key: int) -> NDArray[np.intp]:
    """A row for each number: the splitmix64 hash of it and the key."""
    with np.errstate(over="ignore"):
        mixed = number.astype(np.uint64) + np.uint64(key * 0x9E3779B97F4A7C15 % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed % np.uint64(_ROWS)).astype(np.intp)


@cache
def _table() -> Float32Array:
    """float32 (1021, 1758): rows of noise for x, y, z of every point of every part, in PART_SHAPES' order."""
    chance = np.random.Generator(np.random.Philox(key=_TABLE_SEED))
    columns = []
    for part, (points, _) in PART_SHAPES.items():
        own = chance.standard_normal((_ROWS, points, 3), dtype=np.float32) * np.float32(np.sqrt(1.0 - _SHARED))
        common = chance.standard_normal((_ROWS, 1, 3), dtype=np.float32) * np.float32(np.sqrt(_SHARED))
        columns.append(((own + common) * np.array(_DEVIATIONS[part], dtype=np.float32)).reshape(_ROWS, -1))
    return np.concatenate(columns, axis=1)
