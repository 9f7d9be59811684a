"""All bones at once: trunk, head, arms with hands, legs, from one frame's landmarks, within what joints do."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.avatar.humanoid.limits import limit_rotations
from consumers.avatar.humanoid.rotations import Angles, Quaternions, mirror, multiply
from consumers.avatar.humanoid.skeleton import BONE_COUNT, FINGER_BONES, Bone
from consumers.avatar.solver.arms import JOINTS as ARM_JOINTS
from consumers.avatar.solver.arms import solve_arms
from consumers.avatar.solver.hands import solve_hand
from consumers.avatar.solver.head import share_with_neck
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks
from consumers.avatar.solver.legs import JOINTS as LEG_JOINTS
from consumers.avatar.solver.legs import solve_legs
from consumers.avatar.solver.torso import solve_torso
from consumers.avatar.solver.twist_keeper import Lead, show_as_seen

_FLIP_RIGHT: Final = np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
_AS_SIDES_SEE: Final = np.stack((np.ones(4), mirror(np.ones(4))))
_SIDED: Final = np.array(
    [
        [Bone.LEFT_SHOULDER, Bone.RIGHT_SHOULDER],
        [Bone.LEFT_UPPER_ARM, Bone.RIGHT_UPPER_ARM],
        [Bone.LEFT_LOWER_ARM, Bone.RIGHT_LOWER_ARM],
        [Bone.LEFT_HAND, Bone.RIGHT_HAND],
        [Bone.LEFT_UPPER_LEG, Bone.RIGHT_UPPER_LEG],
        [Bone.LEFT_LOWER_LEG, Bone.RIGHT_LOWER_LEG],
        [Bone.LEFT_FOOT, Bone.RIGHT_FOOT],
        [Bone.LEFT_TOES, Bone.RIGHT_TOES],
    ]
)


@dataclass(frozen=True, slots=True)
class Posed:
    """Local rotations float64[N, 55, 4], NaN in all values of a bone not seen; and how far both legs are seen
    float64[N] (0…1)."""

    rotations: Quaternions
    legs_trust: Angles


def pose_bones(
    landmarks: UnityLandmarks,
    trust: Angles,
    head_turn: Quaternions,
    eyes: Quaternions,
    lead: Lead = show_as_seen,
) -> Posed:
    """Solve N frames from their landmarks, trusted as float64[N, 33] (0…1) says, the head's turn in Unity's space
    float64[N, 4], the eyes' rotations in the head float64[N, 2, 4], and what hands twist their arms by."""
    rotations = np.full((len(trust), BONE_COUNT, 4), np.nan)
    torso = solve_torso(landmarks.body, trust)
    neck, head = share_with_neck(torso.chest, head_turn)
    rotations[:, Bone.HIPS] = torso.hips
    rotations[:, Bone.SPINE : Bone.UPPER_CHEST + 1] = torso.spine_bend[:, None]
    rotations[:, Bone.NECK] = neck
    rotations[:, Bone.HEAD] = head
    palms, fingers = solve_hand(landmarks.hands * _FLIP_RIGHT[:, None])
    arms = solve_arms(
        landmarks.body.take(ARM_JOINTS, axis=1) * _FLIP_RIGHT[:, None],
        trust.take(ARM_JOINTS, axis=1),
        multiply(_both_sides(torso.chest), torso.shoulders),
        palms,
        lead,
    )
    legs = solve_legs(
        landmarks.body.take(LEG_JOINTS, axis=1) * _FLIP_RIGHT[:, None],
        trust.take(LEG_JOINTS, axis=1),
        _both_sides(torso.hips),
    )
    pairs = np.empty((len(trust), len(_SIDED), 2, 4))
    pairs[:, 0], pairs[:, 1], pairs[:, 2], pairs[:, 3] = torso.shoulders, arms.upper, arms.lower, arms.hand
    pairs[:, 4], pairs[:, 5], pairs[:, 6], pairs[:, 7] = legs.upper, legs.lower, legs.foot, legs.toes
    pairs[:, :, 1] = mirror(pairs[:, :, 1])
    rotations[:, _SIDED] = pairs
    rotations[:, FINGER_BONES[0]] = fingers[:, 0]
    rotations[:, FINGER_BONES[1]] = mirror(fingers[:, 1])
    rotations[:, Bone.LEFT_EYE : Bone.RIGHT_EYE + 1] = eyes
    rotations[~np.isfinite(rotations.sum(axis=-1))] = np.nan
    return Posed(limit_rotations(rotations), legs.trust.min(axis=-1))


def _both_sides(rotation: Quaternions) -> Quaternions:
    """float64[N, 2, 4]: a rotation of the trunk as the left side and as the mirrored right side see it."""
    return rotation[:, None] * _AS_SIDES_SEE
