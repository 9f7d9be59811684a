"""What a camera sees of a body: how visible each pose landmark is, and which parts MediaPipe would find.

The curves imitate MediaPipe's: near 1 in plain view, falling at the picture's edge and behind the body, seldom 0.
Ramps are polynomials, so that a value is the same to the last bit whatever is computed beside it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import PoseLandmark
from performers.rotations import FloatArray

BoolArray = NDArray[np.bool_]

_P = PoseLandmark
_HEAD: Final = [int(landmark) for landmark in PoseLandmark if landmark <= _P.MOUTH_RIGHT]
_ARMS_AND_HANDS: Final = [
    int(landmark)
    for landmark in PoseLandmark
    if landmark.name.endswith(("ELBOW", "WRIST", "PINKY", "INDEX", "THUMB")) and "FOOT" not in landmark.name
]
_LEFT_LIMBS: Final = [int(mark) for mark in PoseLandmark if mark >= _P.LEFT_SHOULDER and "LEFT" in mark.name]
_RIGHT_LIMBS: Final = [int(mark) for mark in PoseLandmark if mark >= _P.LEFT_SHOULDER and "RIGHT" in mark.name]
_TORSO: Final = [int(_P.LEFT_SHOULDER), int(_P.RIGHT_SHOULDER), int(_P.LEFT_HIP), int(_P.RIGHT_HIP)]

_IN_PLAIN_VIEW: Final = 0.998
_LEGS_IN_PLAIN_VIEW: Final = 0.985
_OUT_OF_PICTURE: Final = 0.04
_BEHIND_TORSO: Final = 0.25
_FAR_SIDE: Final = 0.45
_TORSO_HALF_DEPTH_M: Final = 0.11
_FACE_FOUND_TO_COSINE: Final = 0.30
_HAND_SHARE_NEEDED: Final = 0.6
_HAND_VISIBILITY_NEEDED: Final = 0.4


def rate_visibility(pose_in_image: FloatArray, pose_m: FloatArray) -> FloatArray:
    """(33, N) from 0 to 1, for a pose in the image (3, 33, N) and in body space (3, 33, N)."""
    visibility = np.full(pose_m.shape[1:], _IN_PLAIN_VIEW)
    visibility[_P.LEFT_HIP :] = _LEGS_IN_PLAIN_VIEW
    visibility *= _OUT_OF_PICTURE + (1.0 - _OUT_OF_PICTURE) * _ramp(_inside_by(pose_in_image), -0.04, 0.03)
    visibility[_ARMS_AND_HANDS] *= 1.0 - (1.0 - _BEHIND_TORSO) * _hidden_by_torso(pose_in_image, pose_m)
    to_left = pose_m[2, _P.LEFT_SHOULDER] - pose_m[2, _P.RIGHT_SHOULDER]
    width = np.sqrt(np.sum((pose_m[:, _P.LEFT_SHOULDER] - pose_m[:, _P.RIGHT_SHOULDER]) ** 2, axis=0))
    turned = to_left / width
    visibility[_LEFT_LIMBS] *= 1.0 - (1.0 - _FAR_SIDE) * _ramp(-turned, 0.5, 1.0)
    visibility[_RIGHT_LIMBS] *= 1.0 - (1.0 - _FAR_SIDE) * _ramp(turned, 0.5, 1.0)
    return visibility


def is_person_shown(pose_in_image: FloatArray) -> BoolArray:
    """bool (N,): enough of head and torso is in the picture for a body to be found."""
    inside = _inside_by(pose_in_image) > 0.0
    head = inside[_HEAD].sum(axis=0) >= len(_HEAD) // 2
    torso = inside[_TORSO].sum(axis=0) >= 2
    return np.asarray(head & torso)


def is_face_shown(face_in_image: NDArray[Any], facing: FloatArray, to_camera_m: FloatArray) -> BoolArray:
    """bool (N,): most of the face (3, N, 478) is in the picture and turned to the camera.

    `facing` (3, N) is where the head points, `to_camera_m` (3, N) leads from the head to the camera.
    """
    towards = np.sum(facing * to_camera_m, axis=0) / np.sqrt(np.sum(to_camera_m * to_camera_m, axis=0))
    inside = (_inside_by(face_in_image) > 0.0).mean(axis=1)
    return np.asarray((towards > _FACE_FOUND_TO_COSINE) & (inside > 0.7))


def is_hand_shown(hand_in_image: NDArray[Any], wrist_visibility: FloatArray) -> BoolArray:
    """bool (N,): the wrist and most of the hand (3, 21, N) are in plain view."""
    inside = _inside_by(hand_in_image) > 0.0
    enough = inside.mean(axis=0) > _HAND_SHARE_NEEDED
    return np.asarray(inside[0] & enough & (wrist_visibility > _HAND_VISIBILITY_NEEDED))


def _inside_by(points_in_image: NDArray[Any]) -> NDArray[Any]:
    """How far inside the picture's nearest edge points (3, …) are, in fractions; outside is negative."""
    x, y = points_in_image[0], points_in_image[1]
    return np.asarray(np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)))


def _hidden_by_torso(pose_in_image: FloatArray, pose_m: FloatArray) -> FloatArray:
    """(12, N) from 0 to 1: how much the torso stands before each point of the arms."""
    torso, arms = pose_in_image[:, _TORSO], pose_in_image[:, _ARMS_AND_HANDS]
    within = np.ones(arms.shape[1:])
    for axis in (0, 1):
        low, high = torso[axis].min(axis=0), torso[axis].max(axis=0)
        margin = np.minimum(arms[axis] - low, high - arms[axis])
        within *= _ramp(margin, -0.005, 0.01)
    behind_m = pose_m[2, _TORSO].min(axis=0) - pose_m[2, _ARMS_AND_HANDS]
    return within * _ramp(behind_m, _TORSO_HALF_DEPTH_M * 0.5, _TORSO_HALF_DEPTH_M * 1.5)


def _ramp(value: NDArray[Any], low: float, high: float) -> FloatArray:
    """0 up to `low`, 1 from `high` on, smooth between (Hermite's cubic)."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))
