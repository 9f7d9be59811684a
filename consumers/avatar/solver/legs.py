"""Legs, feet and toes: both sides at once, the right one in its mirror.

Knees bend about one axis and so show how the thigh is twisted. A straight leg shows it in its foot, which hardly turns
on the shank. A foot is known by one line, from the heel to the tip of the toes. On the floor with a raised heel that
line is bent: the toes lie flat, and the foot stands steeper than the line, by the sine rule in the triangle of both.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Angles,
    Quaternions,
    Vectors,
    about_axis,
    clamp,
    cross,
    dot,
    invert,
    multiply,
    normalise,
    rotate,
    shortest_arc,
    smoothstep,
)
from consumers.avatar.solver.arms import lead_from
from consumers.avatar.solver.limbs import FOOT_REST, KNEE_AXIS, LEG_REST, solve_limb
from keypoints.landmarks import PoseLandmark as Pose

JOINTS: Final = np.array(
    [
        [Pose.LEFT_HIP, Pose.LEFT_KNEE, Pose.LEFT_ANKLE, Pose.LEFT_HEEL, Pose.LEFT_FOOT_INDEX],
        [Pose.RIGHT_HIP, Pose.RIGHT_KNEE, Pose.RIGHT_ANKLE, Pose.RIGHT_HEEL, Pose.RIGHT_FOOT_INDEX],
    ]
)
"""Landmarks of the left and of the right leg, from the trunk outwards."""

_STARTS: Final = np.array([0, 1, 3])
_ENDS: Final = np.array([1, 2, 4])
"""Of the joints: thigh, shank and foot."""
_X: Final[Vectors] = np.array([1.0, 0.0, 0.0])
_Y: Final[Vectors] = np.array([0.0, 1.0, 0.0])
_MOST_TURN_OUT_RAD: Final = np.radians(45.0)
_ALONG_THE_LEG: Final = (0.3, 0.6)
"""The sine of the angle between foot and shank: a foot that points down a leg does not show how that is twisted."""

_TOES_OF_FOOT: Final = 1.0 / 3.0
"""The toes' length as a share of that from the heel to their root: a quarter of the whole foot."""
_ON_FLOOR: Final = (0.03, 0.08)
"""How far tips of toes may be above the lowest point of both feet, as a share of the shank's length."""
_POINTED_RAD: Final = (float(np.radians(60.0)), float(np.radians(80.0)))
"""Toes of a foot steeper than this are stretched: nobody stands on them."""
_MOST_TOES_RAD: Final = np.radians(70.0)
"""Extension of the great toe's root (American Academy of Orthopaedic Surgeons, Joint Motion, 1965)."""


@dataclass(frozen=True, slots=True)
class Legs:
    """Local rotations float64[N, 2, 4], left and mirrored right; NaN where they are not seen. `trust` float64[N, 2]
    (0…1): how far legs are seen."""

    upper: Quaternions
    lower: Quaternions
    foot: Quaternions
    toes: Quaternions
    trust: Angles


def solve_legs(joints: Vectors, trust: Angles, hips: Quaternions) -> Legs:
    """Legs from joints float64[N, 2, 5, 3] trusted as float64[N, 2, 5] says, on hips float64[N, 2, 4].

    Legs out of the picture are guesses: the less they are seen, the more they stand, until they are left out.
    """
    to_hips = invert(hips)
    along = normalise(joints.take(_ENDS, axis=-2) - joints.take(_STARTS, axis=-2))
    sole, steepness = _find_sole(joints, along[..., 2, :])
    in_hips = rotate(to_hips[..., None, :], np.stack((along[..., 0, :], along[..., 1, :], sole), axis=-2))
    upper_direction, lower_direction, foot_direction = (in_hips[..., row, :] for row in range(3))
    leg_trust, foot_trust = trust[..., :3].min(axis=-1), trust.min(axis=-1)
    twist = _read_straight_twist(lower_direction, foot_direction) * foot_trust
    upper, lower = solve_limb(upper_direction, lower_direction, LEG_REST, KNEE_AXIS, twist)
    foot = shortest_arc(FOOT_REST, rotate(invert(multiply(upper, lower)), foot_direction))
    return Legs(
        upper=lead_from(IDENTITY, upper, leg_trust),
        lower=lead_from(IDENTITY, lower, leg_trust),
        foot=lead_from(IDENTITY, foot, foot_trust),
        toes=lead_from(IDENTITY, about_axis(_X, -steepness), foot_trust),
        trust=leg_trust,
    )


def _read_straight_twist(shank: Vectors, foot: Vectors) -> Angles:
    """How far a straight leg is twisted, from where its foot points; 0 where that is along the leg, or not known."""
    seen = rotate(invert(shortest_arc(LEG_REST, shank)), foot)
    across = np.hypot(seen[..., 0], seen[..., 2])
    twist = np.arctan2(-seen[..., 0], seen[..., 2]) * smoothstep(across, *_ALONG_THE_LEG)
    return np.where(np.isfinite(twist), clamp(twist, -_MOST_TURN_OUT_RAD, _MOST_TURN_OUT_RAD), 0.0)


def _find_sole(joints: Vectors, along: Vectors) -> tuple[Vectors, Angles]:
    """The direction of each foot without its toes, float64[..., 3], and how far the toes are bent up to lie flat."""
    lowest = np.fmin(joints[..., 3, 1], joints[..., 4, 1]).min(axis=-1, keepdims=True)
    shank = joints[..., 2, :] - joints[..., 1, :]
    length = np.sqrt(dot(shank, shank))
    above = (joints[..., 4, 1] - lowest) / np.where(length > 0.0, length, np.nan)
    line = np.arcsin(clamp(-along[..., 1], 0.0, 1.0))
    stands = (1.0 - smoothstep(above, *_ON_FLOOR)) * (1.0 - smoothstep(line, *_POINTED_RAD))
    steeper = stands * np.arcsin(_TOES_OF_FOOT * np.sin(line))
    steepness = np.minimum(line * stands + steeper, _MOST_TOES_RAD)
    sideways = normalise(cross(_Y, along))
    return np.where((steeper > 0.0)[..., None], rotate(about_axis(sideways, steeper), along), along), steepness
