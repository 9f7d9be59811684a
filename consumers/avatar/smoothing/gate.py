"""A jump of a single frame is a wrong landmark: it is not followed unless the next frame is as far away.

What moves at some pace may go on at that pace and change it by so much, within a frame of 1/30 s or longer; what goes
beyond is doubted for one frame. The next one is followed wherever it is: either it is back, and the jump was an
outlier, or it is not, and the place before is where the part is no more. So a real fast motion is late by one frame,
once, and then has its pace.
"""

from typing import Final

import numpy as np

from consumers.avatar.smoothing.channels import Columns, Flags, by_part

_TURN: Final = float(np.radians(700.0)) / 2  # a quaternion's components move half as far as the rotation turns
_JUMP_PER_S: Final = by_part(
    spine=_TURN, head=_TURN, arms=_TURN, legs=_TURN, fingers=_TURN, eyes=np.inf, mouth=18.0, brows=18.0, lids=np.inf,
    root=4.0,
)  # fmt: skip
"""The largest change of speed believed at once: 700°/s, 0.6 of a shape in 1/30 s, 4 m/s. Eyes do jump."""
_FRAME_S: Final = 1 / 30
_SHORTEST_STEP_S: Final = 1e-3


def is_far(moved: Columns, pace: Columns, step_s: Columns) -> Flags:
    """Whether each channel moved further within `step_s` than its pace before explains."""
    believed = (_JUMP_PER_S + pace) * np.maximum(step_s, _FRAME_S)
    far: Flags = moved > believed
    return far


def find_pace(moved: Columns, step_s: Columns, returned: Flags) -> Columns:
    """The speed of a move that was followed; what has returned begins without any."""
    return np.where(returned, 0.0, moved / np.maximum(step_s, _SHORTEST_STEP_S))
