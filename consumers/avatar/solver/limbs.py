"""Arms and legs: two bones with a hinge between them, solved from their directions.

A direction fixes a bone but for the twist about itself, and it is the hinge that shows the twist: elbows and knees bend
about one axis only. The straighter the limb, the less the hinge shows; then the twist is what the hand or the foot at
its end says, which the caller reads. Everything here is the left side's; the right side comes in mirrored and goes out
mirrored.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    Angles,
    Quaternions,
    Vectors,
    about_axis,
    clamp,
    cross,
    dot,
    invert,
    multiply,
    rotate,
    shortest_arc,
    smoothstep,
)

ARM_REST: Final[Vectors] = np.array([-1.0, 0.0, 0.0])
ELBOW_AXIS: Final[Vectors] = np.array([0.0, 1.0, 0.0])
"""In T-pose with the palm down the elbow bends the forearm forward, about the vertical."""

LEG_REST: Final[Vectors] = np.array([0.0, -1.0, 0.0])
KNEE_AXIS: Final[Vectors] = np.array([1.0, 0.0, 0.0])
FOOT_REST: Final[Vectors] = np.array([0.0, 0.0, 1.0])

_STRAIGHT_RAD: Final = np.radians(10.0)
_BENT_RAD: Final = np.radians(30.0)
_FURTHEST_TWIST_RAD: Final = np.radians(135.0)


def solve_limb(
    upper: Vectors, lower: Vectors, rest: Vectors, hinge: Vectors, straight_twist: Angles
) -> tuple[Quaternions, Quaternions]:
    """Local rotations of the upper and the lower bone.

    `upper` and `lower` are unit directions float64[..., 3] in the space of the upper bone's parent, `rest` is where
    both point at rest, `hinge` the axis about which the lower bone bends. `straight_twist` float64[...] in radians is
    how far the upper bone is twisted where no hinge shows it.
    """
    swing = shortest_arc(rest, upper)
    normal = cross(upper, lower)
    bend = np.arctan2(np.sqrt(dot(normal, normal)), dot(upper, lower))
    hinge_seen = rotate(invert(swing), normal)
    twist = np.arctan2(dot(cross(hinge, hinge_seen), rest), dot(hinge, hinge_seen))
    shown = smoothstep(bend, _STRAIGHT_RAD, _BENT_RAD)
    upper_rotation = multiply(swing, about_axis(rest, fold(twist) * shown + straight_twist * (1.0 - shown)))
    lower_rotation = shortest_arc(rest, rotate(invert(upper_rotation), lower))
    return upper_rotation, lower_rotation


def fold(twist: Angles) -> Angles:
    """A twist no limb can reach, brought back: beyond 135° it falls to 0 at 180°, and so never jumps from π to −π."""
    size = np.abs(twist)
    reach = np.minimum(size, _FURTHEST_TWIST_RAD)
    folded: Angles = np.sign(twist) * reach * clamp((np.pi - size) / (np.pi - _FURTHEST_TWIST_RAD), 0.0, 1.0)
    return folded
