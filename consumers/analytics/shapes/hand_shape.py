"""The hand shapes that are told apart by themselves, and the numbers they stand for."""

from enum import StrEnum
from typing import Final


class HandShape(StrEnum):
    """The built-in shapes; the order is that of the score columns. What each asks for is in docs/hand-shapes.md."""

    OPEN = "open"
    CLOSED = "closed"
    POINTING = "pointing"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    THUMBS_SIDEWAYS = "thumbs_sideways"
    """A thumb held out of a fist that points neither up nor down in the image."""
    VICTORY = "victory"
    THREE = "three"
    FOUR = "four"
    OK = "ok"
    PINCH = "pinch"
    ROCK = "rock"
    I_LOVE_YOU = "i_love_you"


SHAPES: Final = tuple(HandShape)

COUNTS: Final = {
    HandShape.POINTING: 1,
    HandShape.VICTORY: 2,
    HandShape.THREE: 3,
    HandShape.FOUR: 4,
    HandShape.OPEN: 5,
}
"""The fingers a hand shows when it counts. One, two and five are shapes with other names: nothing is said twice."""

PASSED_THROUGH: Final = frozenset({HandShape.THUMBS_SIDEWAYS})
"""What a hand shows for a moment on its way to another shape: a thumb that turns up or down. It is to be held longer.
"""
