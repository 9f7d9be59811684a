"""A puppet posed by known rotations and seen as MediaPipe would see it: what the solver's answers are checked against.

It shares nothing with the solver: rotations are 3×3 matrices, forward kinematics and measures are its own. Space is
Unity's until the landmarks are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints import FrameBatch, HolisticFrame
from keypoints.landmarks import FaceLandmark, HandLandmark, PoseLandmark

Matrix = NDArray[np.float64]
Pose = Mapping[str, Matrix]

IMAGE_WIDTH: Final = 1280
IMAGE_HEIGHT: Final = 720
_FOCAL_PX: Final = 0.5 * IMAGE_HEIGHT / np.tan(np.radians(43.0) / 2)
_DISTANCE_M: Final = _FOCAL_PX / 250.0
"""The camera takes in 43° from bottom to top, and a metre at the puppet's hips is 250 pixels."""

_TREE: Final[dict[str, tuple[str | None, tuple[float, float, float]]]] = {
    "Hips": (None, (0.0, 0.0, 0.0)),
    "Spine": ("Hips", (0.0, 0.09, 0.0)),
    "Chest": ("Spine", (0.0, 0.13, 0.0)),
    "UpperChest": ("Chest", (0.0, 0.12, 0.0)),
    "Neck": ("UpperChest", (0.0, 0.15, 0.0)),
    "Head": ("Neck", (0.0, 0.1, 0.0)),
    "LeftShoulder": ("UpperChest", (-0.035, 0.1, 0.0)),
    "LeftUpperArm": ("LeftShoulder", (-0.135, 0.0, 0.0)),
    "LeftLowerArm": ("LeftUpperArm", (-0.29, 0.0, 0.0)),
    "LeftHand": ("LeftLowerArm", (-0.25, 0.0, 0.0)),
    "LeftUpperLeg": ("Hips", (-0.1, 0.0, 0.0)),
    "LeftLowerLeg": ("LeftUpperLeg", (0.0, -0.44, 0.0)),
    "LeftFoot": ("LeftLowerLeg", (0.0, -0.43, 0.0)),
    "LeftToes": ("LeftFoot", (0.0, -0.07, 0.115)),
    "LeftThumbProximal": ("LeftHand", (-0.025, -0.005, 0.03)),
    "LeftThumbIntermediate": ("LeftThumbProximal", (-0.033, 0.0, 0.033)),
    "LeftThumbDistal": ("LeftThumbIntermediate", (-0.02, 0.0, 0.02)),
    "LeftIndexProximal": ("LeftHand", (-0.088, 0.0, 0.024)),
    "LeftIndexIntermediate": ("LeftIndexProximal", (-0.041, 0.0, 0.0)),
    "LeftIndexDistal": ("LeftIndexIntermediate", (-0.024, 0.0, 0.0)),
    "LeftMiddleProximal": ("LeftHand", (-0.09, 0.0, 0.0)),
    "LeftMiddleIntermediate": ("LeftMiddleProximal", (-0.046, 0.0, 0.0)),
    "LeftMiddleDistal": ("LeftMiddleIntermediate", (-0.027, 0.0, 0.0)),
    "LeftRingProximal": ("LeftHand", (-0.084, 0.0, -0.019)),
    "LeftRingIntermediate": ("LeftRingProximal", (-0.043, 0.0, 0.0)),
    "LeftRingDistal": ("LeftRingIntermediate", (-0.026, 0.0, 0.0)),
    "LeftLittleProximal": ("LeftHand", (-0.076, 0.0, -0.037)),
    "LeftLittleIntermediate": ("LeftLittleProximal", (-0.034, 0.0, 0.0)),
    "LeftLittleDistal": ("LeftLittleIntermediate", (-0.019, 0.0, 0.0)),
}
HEEL: Final = (0.0, -0.07, -0.05)
TOE_TIP: Final = (0.0, 0.0, 0.055)
"""In the spaces of the foot and of the toes."""

# Points that move with a bone, in its space: pose landmarks, by name. The mouth is where MediaPipe's pose puts it,
# behind the eyes by 20° of the line between them.
_POSE_POINTS: Final[dict[str, tuple[str, tuple[float, float, float]]]] = {
    "LEFT_SHOULDER": ("LeftUpperArm", (0.0, 0.0, 0.0)),
    "LEFT_ELBOW": ("LeftLowerArm", (0.0, 0.0, 0.0)),
    "LEFT_WRIST": ("LeftHand", (0.0, 0.0, 0.0)),
    "LEFT_PINKY": ("LeftLittleProximal", (0.0, 0.0, 0.0)),
    "LEFT_INDEX": ("LeftIndexProximal", (0.0, 0.0, 0.0)),
    "LEFT_THUMB": ("LeftThumbDistal", (0.0, 0.0, 0.0)),
    "LEFT_HIP": ("LeftUpperLeg", (0.0, 0.0, 0.0)),
    "LEFT_KNEE": ("LeftLowerLeg", (0.0, 0.0, 0.0)),
    "LEFT_ANKLE": ("LeftFoot", (0.0, 0.0, 0.0)),
    "LEFT_HEEL": ("LeftFoot", HEEL),
    "LEFT_FOOT_INDEX": ("LeftToes", TOE_TIP),
    "NOSE": ("Head", (0.0, 0.06, 0.12)),
    "LEFT_EYE_INNER": ("Head", (-0.015, 0.1, 0.09)),
    "LEFT_EYE": ("Head", (-0.032, 0.1, 0.09)),
    "LEFT_EYE_OUTER": ("Head", (-0.05, 0.1, 0.08)),
    "LEFT_EAR": ("Head", (-0.075, 0.08, 0.0)),
    "MOUTH_LEFT": ("Head", (-0.025, 0.03, 0.0645)),
}
# Of the face mesh, the points the solver may read; eyelids and lips are added by `_draw_features`.
_FACE_POINTS: Final[dict[str, tuple[float, float, float]]] = {
    "FOREHEAD_TOP": (0.0, 0.17, 0.09),
    "CHIN": (0.0, -0.01, 0.09),
    "NOSE_TIP": (0.0, 0.06, 0.12),
    "NOSE_BOTTOM": (0.0, 0.05, 0.1101),
    "LEFT_TEMPLE": (-0.075, 0.09, 0.02),
    "LEFT_CHEEK": (-0.075, 0.07, 0.02),
    "LEFT_EYE_OUTER": (-0.045, 0.1, 0.08),
    "LEFT_EYE_INNER": (-0.017, 0.1, 0.085),
}


@dataclass(frozen=True)
class Face:
    """Lids' gap over the eye's width, lips' gap over the face's height, mouth's width over the eyes' distance."""

    left_eye: float = 0.3
    right_eye: float = 0.3
    lips: float = 0.0
    mouth: float = 0.55


def turn(axis: str, degrees: float) -> Matrix:
    """A rotation about x, y or z by the textbook's matrix: clockwise in a left-handed space, as Unity's angles are."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def matrix_of(quaternion: NDArray[np.floating]) -> Matrix:
    """A quaternion (x, y, z, w) as a matrix: column i is where axis i goes, by q · axis · q*."""
    x, y, z, w = (float(value) for value in quaternion)
    left = np.array([[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]])
    right = np.array([[w, -z, y, -x], [z, w, -x, -y], [-y, x, w, -z], [x, y, z, w]])
    product: Matrix = left @ right
    return product[:3, :3]


def degrees_between(first: Matrix, second: Matrix) -> float:
    """The angle of the rotation from one to the other, well-conditioned near 0 too."""
    difference = first.T @ second
    skew = np.array([difference[2, 1] - difference[1, 2], difference[0, 2] - difference[2, 0],
                     difference[1, 0] - difference[0, 1]])  # fmt: skip
    return float(np.degrees(np.arctan2(np.linalg.norm(skew), np.trace(difference) - 1.0)))


def parent_of(bone: str) -> str | None:
    """The bone this one hangs on."""
    parent = _TREE[bone.replace("Right", "Left")][0]
    return parent.replace("Left", "Right") if parent and bone.startswith("Right") else parent


def spaces(pose: Pose) -> dict[str, tuple[Matrix, NDArray[np.float64]]]:
    """Rotation and position of every bone in the puppet's space; bones that `pose` does not name are at rest."""
    found: dict[str, tuple[Matrix, NDArray[np.float64]]] = {}
    for left in _TREE:
        for bone in dict.fromkeys((left, left.replace("Left", "Right"))):
            parent = parent_of(bone)
            offset = np.array(_TREE[left][1]) * ([-1.0, 1.0, 1.0] if bone.startswith("Right") else 1.0)
            rotation, position = (np.eye(3), np.zeros(3)) if parent is None else found[parent]
            found[bone] = (rotation @ pose.get(bone, np.eye(3)), position + rotation @ offset)
    return found


def film(
    pose: Pose, *, sequence: int = 0, hands: bool = True, face: Face | None = None, stream_id: str = "puppet"
) -> HolisticFrame:
    """The frame MediaPipe would make of the puppet: seen from the front, from across a room, 30 times a second."""
    placed = spaces(pose)
    body = np.zeros((33, 4), np.float32)
    body[:, 3] = 1.0
    for landmark in PoseLandmark:
        bone, offset = _POSE_POINTS[landmark.name.replace("RIGHT", "LEFT")]
        body[landmark, :3] = -point_on(placed, bone, offset, right="RIGHT" in landmark.name)
    image = body.copy()
    image[:, :3] = _in_image(body[:, :3], 0.0)
    return HolisticFrame(
        stream_id=stream_id,
        sequence=sequence,
        epoch=1,
        captured_at_us=1_000_000 + sequence * 33_333,
        processed_at_us=1_000_000 + sequence * 33_333,
        width=IMAGE_WIDTH,
        height=IMAGE_HEIGHT,
        model="puppet",
        pose=image,
        pose_world=body,
        face=None if face is None else _film_face(placed["Head"], face),
        left_hand=_film_hand(placed, "Left") if hands else None,
        right_hand=_film_hand(placed, "Right") if hands else None,
    )


def film_all(poses: Sequence[Pose], *, hands: bool = True, face: Face | None = None) -> FrameBatch:
    """One frame for each pose, as a batch."""
    return FrameBatch.from_frames(
        [film(pose, sequence=index, hands=hands, face=face) for index, pose in enumerate(poses)]
    )


def point_on(
    placed: Mapping[str, tuple[Matrix, NDArray[np.float64]]],
    bone: str,
    offset: tuple[float, float, float],
    *,
    right: bool,
) -> NDArray[np.float64]:
    """Where a point is that moves with a bone of the middle or the left, or its mirror image on the right."""
    flip = np.array([-1.0 if right else 1.0, 1.0, 1.0])
    rotation, position = placed[bone.replace("Left", "Right") if right else bone]
    point: NDArray[np.float64] = position + rotation @ (np.array(offset) * flip)
    return point


def _in_image(camera_m: NDArray[np.floating], origin_z_m: float) -> NDArray[np.float32]:
    """x right, y down, z away, in metres, to fractions of the image's width, height and width.

    Depth is counted from an origin, in the scale x has there.
    """
    points = np.asarray(camera_m, dtype=np.float64)
    depth_m = _DISTANCE_M + points[:, 2]
    x, y = _FOCAL_PX * points[:, 0] / depth_m, _FOCAL_PX * points[:, 1] / depth_m
    z = (points[:, 2] - origin_z_m) * _FOCAL_PX / (_DISTANCE_M + origin_z_m)
    return np.stack((0.5 + x / IMAGE_WIDTH, 0.5 + y / IMAGE_HEIGHT, z / IMAGE_WIDTH), axis=-1).astype(np.float32)


def _film_hand(placed: Mapping[str, tuple[Matrix, NDArray[np.float64]]], side: str) -> NDArray[np.float32]:
    points = np.zeros((21, 3))
    points[HandLandmark.WRIST] = placed[f"{side}Hand"][1]
    names = {
        "Thumb": "THUMB",
        "Index": "INDEX_FINGER",
        "Middle": "MIDDLE_FINGER",
        "Ring": "RING_FINGER",
        "Little": "PINKY",
    }
    for finger, name in names.items():
        levels = ("CMC", "MCP", "IP") if finger == "Thumb" else ("MCP", "PIP", "DIP")
        for segment, level in zip(("Proximal", "Intermediate", "Distal"), levels, strict=True):
            points[HandLandmark[f"{name}_{level}"]] = placed[f"{side}{finger}{segment}"][1]
        rotation, position = placed[f"{side}{finger}Distal"]
        tip = np.array(_TREE[f"Left{finger}Distal"][1]) * ([-1.0, 1.0, 1.0] if side == "Right" else 1.0)
        points[HandLandmark[f"{name}_TIP"]] = position + rotation @ tip
    return _in_image(-points, -points[HandLandmark.WRIST, 2])


def _film_face(head: tuple[Matrix, NDArray[np.float64]], face: Face) -> NDArray[np.float32]:
    points = np.tile([0.0, 0.07, 0.08], (478, 1))
    for landmark in FaceLandmark:
        offset = _FACE_POINTS.get(landmark.name.replace("RIGHT", "LEFT"))
        if offset is not None:
            points[landmark] = np.array(offset) * [-1.0 if "RIGHT" in landmark.name else 1.0, 1.0, 1.0]
    _draw_features(points, face)
    rotation, position = head
    return _in_image(-(position + points @ rotation.T), -position[2])


def _draw_features(points: NDArray[np.float64], face: Face) -> None:
    for side, gap in (("LEFT", face.left_eye), ("RIGHT", face.right_eye)):
        outer, inner = points[FaceLandmark[f"{side}_EYE_OUTER"]], points[FaceLandmark[f"{side}_EYE_INNER"]]
        half = np.array([0.0, 0.5 * gap * np.linalg.norm(outer - inner), 0.0])
        for place, share in (("_OUTER", 0.25), ("", 0.5), ("_INNER", 0.75)):
            middle = outer + share * (inner - outer)
            points[FaceLandmark[f"{side}_EYE_UPPER{place}"]] = middle + half
            points[FaceLandmark[f"{side}_EYE_LOWER{place}"]] = middle - half
    height = np.linalg.norm(points[FaceLandmark.FOREHEAD_TOP] - points[FaceLandmark.CHIN])
    eyes = np.linalg.norm(points[FaceLandmark.LEFT_EYE_OUTER] - points[FaceLandmark.RIGHT_EYE_OUTER])
    points[FaceLandmark.UPPER_LIP_INNER] = (0.0, 0.03 + 0.5 * face.lips * height, 0.1)
    points[FaceLandmark.LOWER_LIP_INNER] = (0.0, 0.03 - 0.5 * face.lips * height, 0.1)
    points[FaceLandmark.MOUTH_LEFT] = (-0.5 * face.mouth * eyes, 0.03, 0.1)
    points[FaceLandmark.MOUTH_RIGHT] = (0.5 * face.mouth * eyes, 0.03, 0.1)
