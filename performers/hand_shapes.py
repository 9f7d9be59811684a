"""Hand shapes as joint angles."""

from enum import StrEnum
from typing import Final

import numpy as np

from performers.posture import Finger
from performers.rotations import FloatArray


class HandShape(StrEnum):
    """Shapes a performer's hand takes; thumbs up and thumbs down are one shape, held two ways."""

    RELAXED = "relaxed"
    FLAT = "flat"
    OPEN = "open"
    CLOSED = "closed"
    POINTING = "pointing"
    THUMB_OUT = "thumb_out"
    VICTORY = "victory"
    OK = "ok"
    PINCH = "pinch"
    ROCK = "rock"
    I_LOVE_YOU = "i_love_you"
    THREE = "three"
    FOUR = "four"


# Degrees. A thumb: radial, palmar, roll, its two hinges; a finger: spread (towards the thumb), its three hinges.
_THUMB_REST: Final = (0.0, 0.0, 0.0, 0.0, 0.0)
_THUMB_ABDUCTED: Final = (12.0, 12.0, 0.0, 0.0, 0.0)
_THUMB_ACROSS: Final = (-8.0, 31.0, 10.0, 58.0, 68.0)
_THUMB_OVER_RING: Final = (-28.0, 35.0, 17.0, 58.0, 61.0)
_THUMB_ON_PALM: Final = (-28.0, 16.0, 36.0, 56.0, 68.0)
_THUMB_TO_INDEX: Final = (-4.0, 34.0, 22.0, 33.0, 54.0)
_THUMB_STRETCHED: Final = (32.0, -8.0, 0.0, -8.0, -14.0)
_CURLED: Final = (82.0, 100.0, 62.0)
_STRAIGHT: Final = (2.0, 3.0, 2.0)

_SHAPES: Final[dict[HandShape, tuple[tuple[float, ...], ...]]] = {
    HandShape.FLAT: (_THUMB_REST, (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)),
    HandShape.RELAXED: ((-10, 20, 10, 16, 18), (3, 32, 38, 16), (0, 38, 44, 20), (-2, 42, 47, 22), (-5, 46, 46, 22)),
    HandShape.OPEN: (_THUMB_ABDUCTED, (9, *_STRAIGHT), (1, *_STRAIGHT), (-7, *_STRAIGHT), (-17, *_STRAIGHT)),
    HandShape.CLOSED: (_THUMB_ACROSS, (-2, *_CURLED), (0, *_CURLED), (3, *_CURLED), (6, *_CURLED)),
    HandShape.POINTING: (_THUMB_ACROSS, (2, *_STRAIGHT), (0, *_CURLED), (3, *_CURLED), (6, *_CURLED)),
    HandShape.THUMB_OUT: (_THUMB_STRETCHED, (-2, *_CURLED), (0, *_CURLED), (3, *_CURLED), (6, *_CURLED)),
    HandShape.VICTORY: (_THUMB_OVER_RING, (12, *_STRAIGHT), (-9, *_STRAIGHT), (3, *_CURLED), (6, *_CURLED)),
    HandShape.OK: (_THUMB_TO_INDEX, (2, 52, 58, 30), (0, 18, 16, 8), (-7, 10, 10, 6), (-16, 4, 6, 4)),
    HandShape.PINCH: (_THUMB_TO_INDEX, (2, 52, 58, 30), (0, 70, 80, 45), (2, 76, 88, 50), (4, 78, 88, 50)),
    HandShape.ROCK: (_THUMB_OVER_RING, (4, *_STRAIGHT), (0, *_CURLED), (2, *_CURLED), (-12, *_STRAIGHT)),
    HandShape.I_LOVE_YOU: (_THUMB_STRETCHED, (6, *_STRAIGHT), (0, *_CURLED), (2, *_CURLED), (-14, *_STRAIGHT)),
    HandShape.THREE: (_THUMB_OVER_RING, (12, *_STRAIGHT), (0, *_STRAIGHT), (-12, *_STRAIGHT), (4, *_CURLED)),
    HandShape.FOUR: (_THUMB_ON_PALM, (12, *_STRAIGHT), (3, *_STRAIGHT), (-7, *_STRAIGHT), (-18, *_STRAIGHT)),
}  # fmt: skip


def shape_angles(shape: HandShape) -> FloatArray:
    """float64 (21,): the degrees of a hand's `Finger` angles in that shape."""
    angles = np.array([degrees for digit in _SHAPES[shape] for degrees in digit], dtype=np.float64)
    assert angles.shape == (len(Finger),)  # noqa: S101
    return angles
