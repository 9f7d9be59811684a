"""Names of every landmark MediaPipe Holistic finds, how they connect, and how a mirror swaps them.

Left and right are the person's own. Numbering: MediaPipe's pose (BlazePose GHUM, 33 points), hand (21 points) and face
mesh (468 points, and 10 more of the irises when the face is refined).
"""

from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.face_mirror import IRIS_RIGHT_LEFT_PAIRS, MESH_RIGHT_LEFT_PAIRS


class Part(StrEnum):
    """The parts of a person a frame may carry; the values are the field names on the wire."""

    POSE = "pose"
    POSE_WORLD = "pose_world"
    FACE = "face"
    LEFT_HAND = "left_hand"
    RIGHT_HAND = "right_hand"


FACE_POINTS: Final = 478
FACE_POINTS_WITHOUT_IRIS: Final = 468

PART_SHAPES: Final[dict[Part, tuple[int, int]]] = {
    Part.POSE: (33, 4),
    Part.POSE_WORLD: (33, 4),
    Part.FACE: (FACE_POINTS, 3),
    Part.LEFT_HAND: (21, 3),
    Part.RIGHT_HAND: (21, 3),
}
"""Points and values a point (x, y, z and, for the pose, visibility) of each part at its full size."""


class PoseLandmark(IntEnum):
    """The 33 points of the body."""

    NOSE = 0
    LEFT_EYE_INNER = 1
    LEFT_EYE = 2
    LEFT_EYE_OUTER = 3
    RIGHT_EYE_INNER = 4
    RIGHT_EYE = 5
    RIGHT_EYE_OUTER = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    MOUTH_LEFT = 9
    MOUTH_RIGHT = 10
    LEFT_SHOULDER = 11
    RIGHT_SHOULDER = 12
    LEFT_ELBOW = 13
    RIGHT_ELBOW = 14
    LEFT_WRIST = 15
    RIGHT_WRIST = 16
    LEFT_PINKY = 17
    RIGHT_PINKY = 18
    LEFT_INDEX = 19
    RIGHT_INDEX = 20
    LEFT_THUMB = 21
    RIGHT_THUMB = 22
    LEFT_HIP = 23
    RIGHT_HIP = 24
    LEFT_KNEE = 25
    RIGHT_KNEE = 26
    LEFT_ANKLE = 27
    RIGHT_ANKLE = 28
    LEFT_HEEL = 29
    RIGHT_HEEL = 30
    LEFT_FOOT_INDEX = 31
    RIGHT_FOOT_INDEX = 32


class HandLandmark(IntEnum):
    """The 21 points of a hand, the same for left and right."""

    WRIST = 0
    THUMB_CMC = 1
    THUMB_MCP = 2
    THUMB_IP = 3
    THUMB_TIP = 4
    INDEX_FINGER_MCP = 5
    INDEX_FINGER_PIP = 6
    INDEX_FINGER_DIP = 7
    INDEX_FINGER_TIP = 8
    MIDDLE_FINGER_MCP = 9
    MIDDLE_FINGER_PIP = 10
    MIDDLE_FINGER_DIP = 11
    MIDDLE_FINGER_TIP = 12
    RING_FINGER_MCP = 13
    RING_FINGER_PIP = 14
    RING_FINGER_DIP = 15
    RING_FINGER_TIP = 16
    PINKY_MCP = 17
    PINKY_PIP = 18
    PINKY_DIP = 19
    PINKY_TIP = 20


class FaceLandmark(IntEnum):
    """The points of the face mesh that people call by name; the other points are known by number alone."""

    NOSE_TIP = 1
    NOSE_BOTTOM = 2
    NOSE_BRIDGE = 6
    NOSE_RIGHT = 48
    NOSE_LEFT = 278
    BETWEEN_BROWS = 9
    FOREHEAD_TOP = 10
    CHIN = 152
    RIGHT_TEMPLE = 127
    LEFT_TEMPLE = 356
    RIGHT_CHEEK = 234
    LEFT_CHEEK = 454
    RIGHT_JAW = 172
    LEFT_JAW = 397
    MOUTH_RIGHT = 61
    MOUTH_LEFT = 291
    MOUTH_RIGHT_INNER = 78
    MOUTH_LEFT_INNER = 308
    UPPER_LIP_OUTER = 0
    UPPER_LIP_INNER = 13
    LOWER_LIP_INNER = 14
    LOWER_LIP_OUTER = 17
    RIGHT_EYE_OUTER = 33
    RIGHT_EYE_INNER = 133
    RIGHT_EYE_UPPER = 159
    RIGHT_EYE_LOWER = 145
    RIGHT_EYE_UPPER_OUTER = 160
    RIGHT_EYE_LOWER_OUTER = 144
    RIGHT_EYE_UPPER_INNER = 158
    RIGHT_EYE_LOWER_INNER = 153
    LEFT_EYE_OUTER = 263
    LEFT_EYE_INNER = 362
    LEFT_EYE_UPPER = 386
    LEFT_EYE_LOWER = 374
    LEFT_EYE_UPPER_OUTER = 387
    LEFT_EYE_LOWER_OUTER = 373
    LEFT_EYE_UPPER_INNER = 385
    LEFT_EYE_LOWER_INNER = 380
    RIGHT_BROW_OUTER = 70
    RIGHT_BROW_MIDDLE = 105
    RIGHT_BROW_INNER = 107
    LEFT_BROW_OUTER = 300
    LEFT_BROW_MIDDLE = 334
    LEFT_BROW_INNER = 336
    RIGHT_IRIS_CENTER = 468
    RIGHT_IRIS_IMAGE_RIGHT = 469
    RIGHT_IRIS_TOP = 470
    RIGHT_IRIS_IMAGE_LEFT = 471
    RIGHT_IRIS_BOTTOM = 472
    LEFT_IRIS_CENTER = 473
    LEFT_IRIS_IMAGE_RIGHT = 474
    LEFT_IRIS_TOP = 475
    LEFT_IRIS_IMAGE_LEFT = 476
    LEFT_IRIS_BOTTOM = 477


def landmark_names(part: Part) -> tuple[str, ...]:
    """Lower-case names of a part's points in order: `left_wrist`, `index_finger_tip`; face points are `face_0` …."""
    if part in (Part.POSE, Part.POSE_WORLD):
        return tuple(landmark.name.lower() for landmark in PoseLandmark)
    if part in (Part.LEFT_HAND, Part.RIGHT_HAND):
        return tuple(landmark.name.lower() for landmark in HandLandmark)
    named = {landmark.value: landmark.name.lower() for landmark in FaceLandmark}
    return tuple(named.get(point, f"face_{point}") for point in range(FACE_POINTS))


def _mirror(size: int, pairs: tuple[tuple[int, int], ...]) -> NDArray[np.intp]:
    permutation = np.arange(size, dtype=np.intp)
    for right, left in pairs:
        permutation[right], permutation[left] = left, right
    permutation.setflags(write=False)
    return permutation


POSE_MIRROR: Final = _mirror(
    len(PoseLandmark),
    tuple(
        (landmark.value, PoseLandmark[landmark.name.replace("RIGHT", "LEFT")].value)
        for landmark in PoseLandmark
        if "RIGHT" in landmark.name
    ),
)
"""int[33]: `pose[POSE_MIRROR]` is the pose with its sides swapped."""

FACE_MIRROR: Final = _mirror(FACE_POINTS, MESH_RIGHT_LEFT_PAIRS + IRIS_RIGHT_LEFT_PAIRS)
"""int[478]: `face[FACE_MIRROR]` is the face with its sides swapped; the first 468 stay among themselves."""


def _chain(*points: IntEnum) -> tuple[tuple[int, int], ...]:
    return tuple((int(start), int(end)) for start, end in pairwise(points))


_P = PoseLandmark
_H = HandLandmark

POSE_CONNECTIONS: Final[tuple[tuple[int, int], ...]] = (
    *_chain(_P.NOSE, _P.RIGHT_EYE_INNER, _P.RIGHT_EYE, _P.RIGHT_EYE_OUTER, _P.RIGHT_EAR),
    *_chain(_P.NOSE, _P.LEFT_EYE_INNER, _P.LEFT_EYE, _P.LEFT_EYE_OUTER, _P.LEFT_EAR),
    *_chain(_P.MOUTH_RIGHT, _P.MOUTH_LEFT),
    *_chain(_P.LEFT_SHOULDER, _P.RIGHT_SHOULDER, _P.RIGHT_HIP, _P.LEFT_HIP, _P.LEFT_SHOULDER),
    *_chain(_P.RIGHT_SHOULDER, _P.RIGHT_ELBOW, _P.RIGHT_WRIST, _P.RIGHT_PINKY, _P.RIGHT_INDEX, _P.RIGHT_WRIST),
    *_chain(_P.LEFT_SHOULDER, _P.LEFT_ELBOW, _P.LEFT_WRIST, _P.LEFT_PINKY, _P.LEFT_INDEX, _P.LEFT_WRIST),
    *_chain(_P.RIGHT_WRIST, _P.RIGHT_THUMB),
    *_chain(_P.LEFT_WRIST, _P.LEFT_THUMB),
    *_chain(_P.RIGHT_HIP, _P.RIGHT_KNEE, _P.RIGHT_ANKLE, _P.RIGHT_HEEL, _P.RIGHT_FOOT_INDEX, _P.RIGHT_ANKLE),
    *_chain(_P.LEFT_HIP, _P.LEFT_KNEE, _P.LEFT_ANKLE, _P.LEFT_HEEL, _P.LEFT_FOOT_INDEX, _P.LEFT_ANKLE),
)
"""Pairs of PoseLandmark joined by a line when a body is drawn."""

HAND_CONNECTIONS: Final[tuple[tuple[int, int], ...]] = (
    *_chain(_H.WRIST, _H.THUMB_CMC, _H.THUMB_MCP, _H.THUMB_IP, _H.THUMB_TIP),
    *_chain(_H.WRIST, _H.INDEX_FINGER_MCP, _H.INDEX_FINGER_PIP, _H.INDEX_FINGER_DIP, _H.INDEX_FINGER_TIP),
    *_chain(_H.MIDDLE_FINGER_MCP, _H.MIDDLE_FINGER_PIP, _H.MIDDLE_FINGER_DIP, _H.MIDDLE_FINGER_TIP),
    *_chain(_H.RING_FINGER_MCP, _H.RING_FINGER_PIP, _H.RING_FINGER_DIP, _H.RING_FINGER_TIP),
    *_chain(_H.WRIST, _H.PINKY_MCP, _H.PINKY_PIP, _H.PINKY_DIP, _H.PINKY_TIP),
    *_chain(_H.INDEX_FINGER_MCP, _H.MIDDLE_FINGER_MCP, _H.RING_FINGER_MCP, _H.PINKY_MCP),
)
"""Pairs of HandLandmark joined by a line when a hand is drawn."""


def _ring(*points: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(points, (*points[1:], points[0]), strict=True))


# fmt: off
FACE_CONTOURS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "oval": _ring(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
                  148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    "lips_outer": _ring(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    "lips_inner": _ring(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
    "right_eye": _ring(33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "left_eye": _ring(263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "right_brow": _ring(46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    "left_brow": _ring(276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    "right_iris": _ring(469, 470, 471, 472),
    "left_iris": _ring(474, 475, 476, 477),
}
# fmt: on
"""Closed rings of face mesh points that outline each feature, as pairs joined by a line."""
