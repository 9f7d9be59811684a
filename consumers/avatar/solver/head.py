"""Head and neck: from the face mesh where there is one, else from the pose's ears, eyes and mouth."""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    Quaternions,
    about_axis,
    basis_from_x,
    cross,
    from_basis,
    from_rotation_vector,
    invert,
    multiply,
    smoothstep,
    to_rotation_vector,
)
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks
from consumers.avatar.solver.planes import fit_plane, weigh_plane
from keypoints.landmarks import FaceLandmark, PoseLandmark

NECK_SHARE: Final = 0.4
"""How much of the turn between chest and head the neck takes."""

_X: Final = np.array([1.0, 0.0, 0.0])
_FACE_AT_REST: Final[dict[FaceLandmark, tuple[float, float]]] = {
    FaceLandmark.FOREHEAD_TOP: (0.0, 0.75),
    FaceLandmark.NOSE_TIP: (0.0, -0.33),
    FaceLandmark.NOSE_BOTTOM: (0.0, -0.42),
    FaceLandmark.LEFT_EYE_INNER: (-0.20, 0.08),
    FaceLandmark.RIGHT_EYE_INNER: (0.20, 0.08),
    FaceLandmark.LEFT_EYE_OUTER: (-0.50, 0.09),
    FaceLandmark.RIGHT_EYE_OUTER: (0.50, 0.09),
    FaceLandmark.LEFT_TEMPLE: (-0.79, 0.0),
    FaceLandmark.RIGHT_TEMPLE: (0.79, 0.0),
    FaceLandmark.LEFT_CHEEK: (-0.78, -0.18),
    FaceLandmark.RIGHT_CHEEK: (0.78, -0.18),
}
"""x and y of what moves with the skull alone, in distances of the eyes' outer corners, as in recorded faces. Not the
chin, which sinks as the mouth opens, nor lids and brows: who speaks would nod."""
_FACE_POINTS: Final = np.array(list(_FACE_AT_REST))
_FACE_WEIGHTS: Final = weigh_plane(np.array(list(_FACE_AT_REST.values())))

_LEAN: Final = about_axis(_X, np.radians(np.array(-2.1)))
"""Faces are not flat: nose and forehead stand out, so that the plane leans back by 1 to 2°, recorded or made."""

LIFT: Final = about_axis(_X, np.radians(np.array(-20.0)))
"""MediaPipe's pose puts the mouth behind the eyes: people who look straight ahead it shows bowed by about 20°."""

_POSE_HEAD: Final = np.array([PoseLandmark.LEFT_EYE, PoseLandmark.RIGHT_EYE, PoseLandmark.LEFT_EAR,
                              PoseLandmark.RIGHT_EAR, PoseLandmark.MOUTH_LEFT, PoseLandmark.MOUTH_RIGHT])  # fmt: skip
_HEAD_SEEN: Final = 0.3

_MOST_TURN_RAD: Final = np.radians([58.0, 80.0, 50.0])
"""Between chest and head: bow, turn and tilt. Bowing and tilting reach 45°, looking up 45 to 75°, turning 60 to 80°
(American Academy of Orthopaedic Surgeons, Joint Motion, 1965); the chest's own lean is known less well."""
_SURELY_AHEAD: Final = 0.2
"""Squared cosine of half the angle between chest and head: a head turned about says nothing of which way round."""


def solve_head(landmarks: UnityLandmarks) -> Quaternions:
    """float64[N, 4]: the head's rotation in Unity's space; NaN where neither a face nor a head is seen."""
    return prefer(measure_face_turn(landmarks), multiply(measure_pose_turn(landmarks), LIFT))


def share_with_neck(chest: Quaternions, head: Quaternions) -> tuple[Quaternions, Quaternions]:
    """Local rotations of neck and head that together turn the chest's space into the head's, as far as a neck can."""
    between = multiply(invert(chest), head)
    known = smoothstep(between[..., 3] * between[..., 3], 0.0, _SURELY_AHEAD)
    turn = np.clip(to_rotation_vector(between) * known[..., None], -_MOST_TURN_RAD, _MOST_TURN_RAD)
    return from_rotation_vector(NECK_SHARE * turn), from_rotation_vector((1.0 - NECK_SHARE) * turn)


def measure_face_turn(landmarks: UnityLandmarks) -> Quaternions:
    """float64[N, 4]: the rotation that lays a face at rest nearest to the mesh's points that move with the skull."""
    points = landmarks.lens.straighten(landmarks.face.take(_FACE_POINTS, axis=1))
    x, y = fit_plane(points, _FACE_WEIGHTS)
    return multiply(from_basis(x, y, cross(x, y)), _LEAN)


def measure_pose_turn(landmarks: UnityLandmarks) -> Quaternions:
    """float64[N, 4]: across the ears and the eyes, and up from the mouth to the eyes, as MediaPipe places them."""
    left_eye, right_eye, left_ear, right_ear, mouth_left, mouth_right = np.moveaxis(landmarks.body[:, _POSE_HEAD], 1, 0)
    turn = basis_from_x(right_ear - left_ear + right_eye - left_eye, left_eye + right_eye - mouth_left - mouth_right)
    seen = landmarks.visibility[:, _POSE_HEAD].mean(axis=-1, keepdims=True) >= _HEAD_SEEN
    return np.where(seen, turn, np.nan)


def prefer(first: Quaternions, second: Quaternions) -> Quaternions:
    """float64[N, 4]: the first, or the second where the first was not seen."""
    return np.where(np.isfinite(first).all(axis=-1, keepdims=True), first, second)
