"""Head and neck: from the face mesh where there is one, else from the pose's ears, eyes and mouth."""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Quaternions,
    Vectors,
    about_axis,
    basis_from_x,
    invert,
    multiply,
    slerp,
)
from keypoints.landmarks import FaceLandmark, PoseLandmark

NECK_SHARE: Final = 0.4
"""How much of the turn between chest and head the neck takes."""


_X: Final = np.array([1.0, 0.0, 0.0])
_BOW: Final = about_axis(_X, np.radians(np.array(9.5)))
"""The nose's foot stands before the forehead: by 9 to 11° of the line between them, in recorded faces."""

_LIFT: Final = about_axis(_X, np.radians(np.array(-20.0)))
"""MediaPipe's pose puts the mouth behind the eyes: people who look straight ahead it shows bowed by about 20°."""


def solve_head(body: Vectors, face: Vectors) -> Quaternions:
    """float64[N, 4]: the head's rotation in Unity's space, from body points [N, 33, 3] and face points [N, 478, 3]."""
    by_face, by_pose = _measure_face(face), _measure_pose(body)
    return np.where(np.isfinite(by_face).all(axis=-1, keepdims=True), by_face, by_pose)


def share_with_neck(chest: Quaternions, head: Quaternions) -> tuple[Quaternions, Quaternions]:
    """Local rotations of neck and head that together turn the chest's space into the head's."""
    between = multiply(invert(chest), head)
    neck = slerp(np.broadcast_to(IDENTITY, between.shape), between, np.full(between.shape[:-1], NECK_SHARE))
    return neck, multiply(invert(neck), between)


def _measure_face(face: Vectors) -> Quaternions:
    """Across the eyes' outer corners and the temples; up from the nose's foot to the top of the forehead.

    Not from the chin, which sinks as the mouth opens: who speaks would nod.
    """
    across = (
        face[:, FaceLandmark.RIGHT_EYE_OUTER]
        - face[:, FaceLandmark.LEFT_EYE_OUTER]
        + face[:, FaceLandmark.RIGHT_TEMPLE]
        - face[:, FaceLandmark.LEFT_TEMPLE]
    )
    up = face[:, FaceLandmark.FOREHEAD_TOP] - face[:, FaceLandmark.NOSE_BOTTOM]
    return multiply(basis_from_x(across, up), _BOW)


def _measure_pose(body: Vectors) -> Quaternions:
    """Across the ears and the eyes; up from the mouth to the eyes."""
    left_eye, right_eye = body[:, PoseLandmark.LEFT_EYE], body[:, PoseLandmark.RIGHT_EYE]
    across = body[:, PoseLandmark.RIGHT_EAR] - body[:, PoseLandmark.LEFT_EAR] + right_eye - left_eye
    mouth = body[:, PoseLandmark.MOUTH_LEFT] + body[:, PoseLandmark.MOUTH_RIGHT]
    return multiply(basis_from_x(across, left_eye + right_eye - mouth), _LIFT)
