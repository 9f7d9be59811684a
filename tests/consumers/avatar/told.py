"""What a receiver was told of the bones of an avatar, and whether the avatar jumped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.consumers.avatar.steadiness import angles_deg

STEP_S: Final = 0.034
LATE_S: Final = 0.1
"""Two states of sixty a second, and the longest time for which a bone may be turned at once by a state that is late."""


@dataclass(frozen=True)
class Told:
    """How one bone was turned: by the sender's own clock float64[N], quaternions float64[N, 4], its port int64[N]."""

    at_s: NDArray[np.float64]
    turned: NDArray[np.float64]
    senders: NDArray[np.int64]


def largest_step_deg(bones: Mapping[str, Told]) -> tuple[float, str]:
    """The largest turn of a bone from one state to any that is at most `STEP_S` later, or else to the next.

    Of a next one that was late, the turn that falls to `STEP_S`: a limb that moves goes on moving, though never for
    longer than `LATE_S`. Of the first one of another sender all of it: that begins where the one before stopped.
    """
    found = (0.0, "")
    for name, told in bones.items():
        for apart in (1, 2, 3):
            steps = angles_deg(told.turned[apart:], told.turned[:-apart])
            later_s = told.at_s[apart:] - told.at_s[:-apart]
            same = told.senders[apart:] == told.senders[:-apart]
            steps[same] *= STEP_S / np.clip(later_s[same], STEP_S, LATE_S)
            steps = steps[(same & (later_s <= STEP_S)) | (apart == 1)]
            if len(steps):
                found = max(found, (float(steps.max()), name))
    return found
