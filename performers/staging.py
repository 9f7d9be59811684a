"""Putting a posed body on the stage: its feet on their spot, its lowest point on the floor."""

from typing import Final

import numpy as np

from performers.joints import SIDES, Joint, sided
from performers.posture import Posture, Trunk
from performers.rotations import FloatArray
from performers.skeleton import Body, Stance, stand

# How much flesh is between a joint and the floor it rests on, in metres.
_FLESH_M: Final = {
    "UPPER_LEG": 0.09, "LOWER_LEG": 0.05, "UPPER_ARM": 0.06, "LOWER_ARM": 0.035, "HAND": 0.02,
}  # fmt: skip
_HEAD_FLESH_M: Final = 0.07


def take_stand(body: Body, posture: Posture) -> Stance:
    """Where every joint of the body is, on the stage, in that posture."""
    stance = stand(body.offsets, posture.rotations())
    trunk = posture.trunk
    feet = 0.5 * (stance.positions[:, Joint.LEFT_FOOT] + stance.positions[:, Joint.RIGHT_FOOT])
    offset = -feet * trunk[Trunk.FEET_PINNED]
    offset[0] += trunk[Trunk.ROOT_X]
    offset[1] = trunk[Trunk.ROOT_LIFT] - _find_lowest(body, stance)
    offset[2] += trunk[Trunk.ROOT_Z]
    return stance.moved(offset)


def _find_lowest(body: Body, stance: Stance) -> FloatArray:
    """(N,) metres: the height of the point nearest the floor."""
    heights = [stance.positions[1, Joint.HEAD] - _HEAD_FLESH_M]
    for side in SIDES:
        heights += [stance.positions[1, sided(side, name)] - flesh for name, flesh in _FLESH_M.items()]
        heights += [stance.site(*body.sites[f"{side.name}_{name}"])[1] for name in ("HEEL", "TOE_TIP")]
    return np.asarray(np.min(heights, axis=0))
