"""From landmarks to bones: the local rotations of a humanoid, for many frames and performers at once.

Headless and pure: a frame's result depends on that frame alone. The method is geometry (directions between landmarks,
swing and twist, palm and face bases), no model: each module names its own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.expressions import read_expressions, to_arkit
from consumers.avatar.humanoid.rotations import Quaternions, mirror, multiply
from consumers.avatar.humanoid.skeleton import BONE_COUNT, FINGER_BONES, Bone
from consumers.avatar.solver.arms import JOINTS as ARM_JOINTS
from consumers.avatar.solver.arms import solve_arms
from consumers.avatar.solver.hands import solve_hand
from consumers.avatar.solver.head import share_with_neck, solve_head
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks, place_in_unity
from consumers.avatar.solver.legs import JOINTS as LEG_JOINTS
from consumers.avatar.solver.legs import solve_legs
from consumers.avatar.solver.torso import solve_torso
from consumers.avatar.solver.trust import rate_trust
from consumers.avatar.states import SolvedMotion
from keypoints.frame import FrameBatch

_FLIP_RIGHT: Final = np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
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
_SPINE: Final = [Bone.SPINE, Bone.CHEST, Bone.UPPER_CHEST]


def solve(batch: FrameBatch) -> SolvedMotion:
    """Solve every frame of a batch."""
    landmarks = place_in_unity(batch)
    rotations = np.full((len(batch), BONE_COUNT, 4), np.nan)
    _write_bones(rotations, landmarks)
    _erase_incomplete(rotations)
    root_m = np.full((len(batch), 3), np.nan)
    return SolvedMotion(rotations, to_arkit(read_expressions(landmarks.face)), root_m)


def _write_bones(rotations: Quaternions, landmarks: UnityLandmarks) -> None:
    trust = rate_trust(landmarks)
    torso = solve_torso(landmarks.body, trust)
    neck, head = share_with_neck(torso.chest, solve_head(landmarks))
    rotations[:, Bone.HIPS] = torso.hips
    rotations[:, _SPINE] = torso.spine_bend[:, None]
    rotations[:, Bone.NECK] = neck
    rotations[:, Bone.HEAD] = head
    palms, fingers = solve_hand(landmarks.hands * _FLIP_RIGHT[:, None])
    arms = solve_arms(
        landmarks.body[:, ARM_JOINTS] * _FLIP_RIGHT[:, None],
        trust[:, ARM_JOINTS],
        multiply(_both_sides(torso.chest), torso.shoulders),
        palms,
    )
    legs = solve_legs(
        landmarks.body[:, LEG_JOINTS] * _FLIP_RIGHT[:, None],
        trust[:, LEG_JOINTS],
        _both_sides(torso.hips),
    )
    pairs = np.stack(
        (torso.shoulders, arms.upper, arms.lower, arms.hand, legs.upper, legs.lower, legs.foot, legs.toes), axis=1
    )
    rotations[:, _SIDED[:, 0]] = pairs[:, :, 0]
    rotations[:, _SIDED[:, 1]] = mirror(pairs[:, :, 1])
    rotations[:, FINGER_BONES[0]] = fingers[:, 0]
    rotations[:, FINGER_BONES[1]] = mirror(fingers[:, 1])


def _both_sides(rotation: Quaternions) -> Quaternions:
    """float64[N, 2, 4]: a rotation of the trunk as the left side and as the mirrored right side see it."""
    return np.stack((rotation, mirror(rotation)), axis=1)


def _erase_incomplete(rotations: NDArray[np.float64]) -> None:
    rotations[~np.isfinite(rotations).all(axis=-1)] = np.nan


class Solver:
    """Solves the frames of performers in `capacity` slots, remembering of each what a single frame does not tell."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        self._capacity = max(self._capacity, capacity)

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget what these slots' performers did."""

    def solve(self, batch: FrameBatch, slots: NDArray[np.intp]) -> SolvedMotion:  # noqa: ARG002
        """Solve one frame of each of N performers, in `slots` intp[N], each at most once."""
        return solve(batch)
