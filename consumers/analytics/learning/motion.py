"""The motions of a fingertip that labelled rows name."""

from enum import StrEnum
from typing import Final


class Motion(StrEnum):
    """The order is that of the numbers rows may have in their place: 0 … 3."""

    STOP = "stop"
    CLOCKWISE = "clockwise"
    COUNTER_CLOCKWISE = "counter_clockwise"
    MOVE = "move"


MIRRORED: Final = {
    Motion.STOP: Motion.STOP,
    Motion.CLOCKWISE: Motion.COUNTER_CLOCKWISE,
    Motion.COUNTER_CLOCKWISE: Motion.CLOCKWISE,
    Motion.MOVE: Motion.MOVE,
}
"""What a motion is in a mirror, or played backwards."""
