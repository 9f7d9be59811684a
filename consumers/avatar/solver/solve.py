"""From landmarks to bones: the local rotations of a humanoid, for many frames and performers at once.

Headless and pure: a frame's result depends on that frame alone. The method is geometry (directions between landmarks,
swing and twist, palm and face bases), no model: each module names its own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.expressions import read_expressions, to_arkit
from consumers.avatar.humanoid.rotations import (
    Quaternions,
    Vectors,
    invert,
    mirror,
    multiply,
    normalise,
    rotate,
    shortest_arc,
)
from consumers.avatar.humanoid.skeleton import BONE_COUNT, FINGER_BONES, Bone
from consumers.avatar.solver.hands import solve_hand
from consumers.avatar.solver.head import share_with_neck, solve_head
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks, place_in_unity
from consumers.avatar.solver.limbs import ARM_REST, ELBOW_AXIS, FOOT_REST, KNEE_AXIS, LEG_REST, solve_limb
from consumers.avatar.solver.torso import solve_torso
from consumers.avatar.solver.wrist import share_wrist_twist
from consumers.avatar.states import SolvedMotion
from keypoints.frame import FrameBatch
from keypoints.landmarks import PoseLandmark as Pose

_ARMS: Final = np.array(
    [[Pose.LEFT_SHOULDER, Pose.LEFT_ELBOW, Pose.LEFT_WRIST], [Pose.RIGHT_SHOULDER, Pose.RIGHT_ELBOW, Pose.RIGHT_WRIST]]
)
_LEGS: Final = np.array(
    [
        [Pose.LEFT_HIP, Pose.LEFT_KNEE, Pose.LEFT_ANKLE, Pose.LEFT_HEEL, Pose.LEFT_FOOT_INDEX],
        [Pose.RIGHT_HIP, Pose.RIGHT_KNEE, Pose.RIGHT_ANKLE, Pose.RIGHT_HEEL, Pose.RIGHT_FOOT_INDEX],
    ]
)
_ARM_SEEN: Final = 0.3
_LEG_SEEN: Final = 0.5
_FLIP_RIGHT: Final = np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])


def solve(batch: FrameBatch) -> SolvedMotion:
    """Solve every frame of a batch."""
    landmarks = place_in_unity(batch)
    rotations = np.full((len(batch), BONE_COUNT, 4), np.nan)
    chest = _write_torso_and_head(rotations, landmarks)
    _write_arms(rotations, landmarks, chest)
    _write_legs(rotations, landmarks)
    _erase_incomplete(rotations)
    root_m = np.full((len(batch), 3), np.nan)
    return SolvedMotion(rotations, to_arkit(read_expressions(landmarks.face)), root_m)


def _write_torso_and_head(rotations: Quaternions, landmarks: UnityLandmarks) -> Quaternions:
    torso = solve_torso(landmarks.body, landmarks.visibility)
    neck, head = share_with_neck(torso.chest, solve_head(landmarks.body, landmarks.face))
    rotations[:, Bone.HIPS] = torso.hips
    rotations[:, Bone.SPINE] = torso.spine_bend
    rotations[:, Bone.CHEST] = torso.spine_bend
    rotations[:, Bone.NECK] = neck
    rotations[:, Bone.HEAD] = head
    return torso.chest


def _write_arms(rotations: Quaternions, landmarks: UnityLandmarks, chest: Quaternions) -> None:
    joints = landmarks.body[:, _ARMS] * _FLIP_RIGHT[:, None]
    seen = landmarks.visibility[:, _ARMS]
    hands = landmarks.hands * _FLIP_RIGHT[:, None]
    trunk = _both_sides(chest)
    to_trunk = invert(trunk)
    upper_direction, lower_direction = _directions(joints, to_trunk)
    upper, lower = solve_limb(upper_direction, lower_direction, ARM_REST, ELBOW_AXIS)
    palm, fingers = solve_hand(hands)
    taken, hand = share_wrist_twist(multiply(multiply(trunk, upper), lower), palm)
    upper[seen[..., 1] < _ARM_SEEN] = np.nan
    lower[seen[..., 1:].min(axis=-1) < _ARM_SEEN] = np.nan
    twisted = multiply(lower, taken)
    lower = np.where(np.isfinite(twisted), twisted, lower)
    _write_pair(rotations, Bone.LEFT_UPPER_ARM, Bone.RIGHT_UPPER_ARM, upper)
    _write_pair(rotations, Bone.LEFT_LOWER_ARM, Bone.RIGHT_LOWER_ARM, lower)
    _write_pair(rotations, Bone.LEFT_HAND, Bone.RIGHT_HAND, hand)
    rotations[:, FINGER_BONES[0]] = fingers[:, 0]
    rotations[:, FINGER_BONES[1]] = mirror(fingers[:, 1])


def _write_legs(rotations: Quaternions, landmarks: UnityLandmarks) -> None:
    joints = landmarks.body[:, _LEGS] * _FLIP_RIGHT[:, None]
    seen = landmarks.visibility[:, _LEGS]
    to_hips = invert(_both_sides(rotations[:, Bone.HIPS]))
    upper_direction, lower_direction = _directions(joints[..., :3, :], to_hips)
    upper, lower = solve_limb(upper_direction, lower_direction, LEG_REST, KNEE_AXIS)
    forward = normalise(rotate(to_hips, joints[..., 4, :] - joints[..., 3, :]))
    foot = shortest_arc(FOOT_REST, rotate(invert(multiply(upper, lower)), forward))
    upper[seen[..., :3].min(axis=-1) < _LEG_SEEN] = np.nan
    lower[seen[..., :3].min(axis=-1) < _LEG_SEEN] = np.nan
    foot[seen.min(axis=-1) < _LEG_SEEN] = np.nan
    _write_pair(rotations, Bone.LEFT_UPPER_LEG, Bone.RIGHT_UPPER_LEG, upper)
    _write_pair(rotations, Bone.LEFT_LOWER_LEG, Bone.RIGHT_LOWER_LEG, lower)
    _write_pair(rotations, Bone.LEFT_FOOT, Bone.RIGHT_FOOT, foot)


def _both_sides(rotation: Quaternions) -> Quaternions:
    """float64[N, 2, 4]: a rotation of the trunk as the left side and as the mirrored right side see it."""
    return np.stack((rotation, mirror(rotation)), axis=1)


def _directions(joints: Vectors, to_trunk: Quaternions) -> tuple[Vectors, Vectors]:
    along = rotate(to_trunk[..., None, :], joints[..., 1:3, :] - joints[..., 0:2, :])
    return along[..., 0, :], along[..., 1, :]


def _write_pair(rotations: Quaternions, left: Bone, right: Bone, pair: Quaternions) -> None:
    rotations[:, left] = pair[:, 0]
    rotations[:, right] = mirror(pair[:, 1])


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
