"""Arms from shoulders, elbows and wrists, and the hands at their ends: both at once, the right one in its mirror."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Angles,
    Quaternions,
    Vectors,
    about_axis,
    invert,
    multiply,
    normalise,
    rotate,
    shortest_arc,
    slerp,
    twist_about,
)
from consumers.avatar.humanoid.skeleton import REST_POSE, Bone
from consumers.avatar.solver.limbs import ARM_REST, ELBOW_AXIS, fold, solve_limb
from consumers.avatar.solver.twist_keeper import FOREARM, UPPER, Lead, show_as_seen
from consumers.avatar.solver.wrist import share_wrist_twist
from keypoints.landmarks import PoseLandmark as Pose

JOINTS: Final = np.array(
    [[Pose.LEFT_SHOULDER, Pose.LEFT_ELBOW, Pose.LEFT_WRIST], [Pose.RIGHT_SHOULDER, Pose.RIGHT_ELBOW, Pose.RIGHT_WRIST]]
)
"""Landmarks of the left and of the right arm, from the trunk outwards."""

UPPER_ARM_SHARE: Final = 1.0 / 3.0
"""How much of a hand's twist a straight arm turns in the shoulder: the elbow shows nothing of it, and a forearm turns
by 80° each way (American Academy of Orthopaedic Surgeons, Joint Motion, 1965), a hand by more."""

_X: Final[Vectors] = -ARM_REST
_HANGING: Final[Quaternions] = REST_POSE[Bone.LEFT_UPPER_ARM]


@dataclass(frozen=True, slots=True)
class Arms:
    """Local rotations float64[N, 2, 4], left and mirrored right; NaN where they are not seen."""

    upper: Quaternions
    lower: Quaternions
    hand: Quaternions


def solve_arms(
    joints: Vectors, trust: Angles, shoulders: Quaternions, palms: Quaternions, lead: Lead = show_as_seen
) -> Arms:
    """Arms from joints float64[N, 2, 3, 3] trusted as float64[N, 2, 3] says, on clavicles and with palms
    float64[N, 2, 4], all in one space. A palm that is NaN was not seen; `lead` says what hands twist their arms by.

    An arm that is hardly seen is half a guess: the less it is seen, the more it hangs, until it is left out.
    """
    has_hand = np.isfinite(palms[..., 3])
    along = normalise(rotate(invert(shoulders)[..., None, :], joints[..., 1:, :] - joints[..., :-1, :]))
    seen_rad = _read_straight_twist(multiply(shoulders, shortest_arc(ARM_REST, along[..., 1, :])), palms)
    twist = lead(UPPER, seen_rad)
    upper, lower = solve_limb(along[..., 0, :], along[..., 1, :], ARM_REST, ELBOW_AXIS, twist)
    elbow_trust, wrist_trust = trust[..., 1], np.where(has_hand, 1.0, trust[..., 2])
    taken, hand = share_wrist_twist(multiply(multiply(shoulders, upper), lower), palms)
    twisted = multiply(lower, about_axis(_X, lead(FOREARM, 2.0 * np.arctan2(taken[..., 0], taken[..., 3]))))
    return Arms(
        upper=lead_from(_HANGING, upper, elbow_trust),
        lower=lead_from(IDENTITY, twisted, np.minimum(elbow_trust, wrist_trust)),
        hand=hand,
    )


def lead_from(rest: Quaternions, seen: Quaternions, trust: Angles) -> Quaternions:
    """From rest to what is seen as far as it can be trusted (0…1); NaN where it cannot be at all."""
    if (trust == 1.0).all():
        return seen
    led = slerp(rest, seen, trust)
    return np.where((trust > 0.0)[..., None], np.where((trust < 1.0)[..., None], led, seen), np.nan)


def _read_straight_twist(forearms: Quaternions, palms: Quaternions) -> Angles:
    """How far an upper arm is twisted by the hand at the end of the straight arm; NaN without a hand."""
    twist: Angles = -UPPER_ARM_SHARE * fold(twist_about(multiply(invert(forearms), palms), -ARM_REST))
    return twist
