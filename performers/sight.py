"""From a body on the stage to what MediaPipe Holistic would say of its picture."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import FaceLandmark, HandLandmark, Part, PoseLandmark
from performers.camera import Camera
from performers.face import EYEBALL_BEHIND_EYE_LINE_M, Float32Array, load_face
from performers.joints import DIGITS, PHALANGES, SIDES, Joint, Side, sided
from performers.posture import Posture
from performers.rotations import FloatArray, rotate
from performers.skeleton import Body, Stance
from performers.visibility import BoolArray, is_face_shown, is_hand_shown, is_person_shown, rate_visibility

_FACE_HEIGHT_M: Final = 1.75
"""The stored face belongs to a body of this height."""

_POSE_JOINTS: Final = {
    "SHOULDER": "UPPER_ARM",
    "ELBOW": "LOWER_ARM",
    "WRIST": "HAND",
    "PINKY": "LITTLE_PROXIMAL",
    "INDEX": "INDEX_PROXIMAL",
    "THUMB": "THUMB_INTERMEDIATE",
    "HIP": "UPPER_LEG",
    "KNEE": "LOWER_LEG",
    "ANKLE": "FOOT",
}
_POSE_FACE: Final = {
    PoseLandmark.NOSE: FaceLandmark.NOSE_TIP,
    PoseLandmark.LEFT_EYE_INNER: FaceLandmark.LEFT_EYE_INNER,
    PoseLandmark.LEFT_EYE: FaceLandmark.LEFT_IRIS_CENTER,
    PoseLandmark.LEFT_EYE_OUTER: FaceLandmark.LEFT_EYE_OUTER,
    PoseLandmark.RIGHT_EYE_INNER: FaceLandmark.RIGHT_EYE_INNER,
    PoseLandmark.RIGHT_EYE: FaceLandmark.RIGHT_IRIS_CENTER,
    PoseLandmark.RIGHT_EYE_OUTER: FaceLandmark.RIGHT_EYE_OUTER,
    PoseLandmark.MOUTH_LEFT: FaceLandmark.MOUTH_LEFT,
    PoseLandmark.MOUTH_RIGHT: FaceLandmark.MOUTH_RIGHT,
}
_EAR_M: Final = np.array([0.0755, -0.018, -0.078])
"""The left ear from the middle of the eye line, in the head's axes."""
_HAND_PARTS: Final = {Side.LEFT: Part.LEFT_HAND, Side.RIGHT: Part.RIGHT_HAND}


@dataclass(frozen=True)
class Sighting:
    """N instants as MediaPipe Holistic would report them: float32 parts (N, points, values) as frames have them, and
    bool (N,) masks of which parts it would find. The numbers of a part not found are still there."""

    parts: dict[Part, Float32Array]
    shown: dict[Part, BoolArray]


def see(body: Body, camera: Camera, posture: Posture, stance: Stance) -> Sighting:
    """Look at a body through a camera; nothing is noisy."""
    face_m = _place_face(body, posture, stance)
    pose_m = _place_pose(body, stance, face_m)
    hands_m = {side: _place_hand(body, stance, side) for side in SIDES}
    hips_m = stance.positions[:, Joint.HIPS]

    pose_in_image = _to_image(camera, pose_m, hips_m[2])
    visibility = rate_visibility(pose_in_image, pose_m)
    person = is_person_shown(pose_in_image)
    facing = stance.rotations[:, 2, Joint.HEAD]
    face_in_image = _to_image(camera, face_m, _place_face_centre(body, stance)[2])
    parts = {
        Part.POSE: _with_visibility(pose_in_image, visibility),
        Part.POSE_WORLD: _with_visibility((pose_m - hips_m[:, None]) * _TO_WORLD_AXES, visibility),
        Part.FACE: _as_rows(face_in_image),
    }
    shown = {Part.POSE: person, Part.POSE_WORLD: person}
    to_camera = np.array([0.0, camera.height_m, camera.distance_m])[:, None] - stance.positions[:, Joint.HEAD]
    shown[Part.FACE] = person & is_face_shown(face_in_image, facing, to_camera)
    for side, part in _HAND_PARTS.items():
        hand_in_image = _to_image(camera, hands_m[side], hands_m[side][2, HandLandmark.WRIST])
        parts[part] = _as_rows(np.moveaxis(hand_in_image, 1, 2))
        wrist = PoseLandmark[f"{side.name}_WRIST"]
        shown[part] = person & is_hand_shown(hand_in_image, visibility[wrist])
    return Sighting(parts, shown)


_TO_WORLD_AXES: Final = np.array([1.0, -1.0, -1.0])[:, None, None]
"""MediaPipe's world counts y down and z away from the camera."""


def _to_image(camera: Camera, points_m: NDArray[Any], origin_z_m: FloatArray) -> NDArray[Any]:
    """x, y, z in the image (3, …) of points (3, P, N), or of a float32 face (3, N, 478)."""
    x, y = camera.project(points_m)
    origin = origin_z_m.astype(np.float32)[:, None] if points_m.dtype == np.float32 else origin_z_m
    return np.stack([x, y, camera.relative_depth(points_m[2], origin)])


def _as_rows(points: NDArray[Any]) -> Float32Array:
    """float32 (N, P, 3) from (3, N, P)."""
    return np.ascontiguousarray(np.moveaxis(points, 0, 2), dtype=np.float32)


def _with_visibility(points: FloatArray, visibility: FloatArray) -> Float32Array:
    """float32 (N, 33, 4) from x, y, z (3, 33, N) and visibility (33, N)."""
    return np.ascontiguousarray(np.concatenate([points, visibility[None]]).transpose(2, 1, 0), dtype=np.float32)


def _eye_line_m(body: Body) -> FloatArray:
    """(3,): the middle of the eye line from the head's joint."""
    eye = body.offsets[:, Joint.LEFT_EYE]
    return np.array([0.0, eye[1], eye[2] + EYEBALL_BEHIND_EYE_LINE_M * body.height_m / _FACE_HEIGHT_M])


def _place_face(body: Body, posture: Posture, stance: Stance) -> Float32Array:
    """float32 (3, N, 478) metres in body space."""
    points = load_face().shape(posture.face) * np.float32(body.height_m / _FACE_HEIGHT_M)
    points += _eye_line_m(body).astype(np.float32)[:, None, None]
    turn = stance.rotations[:, :, Joint.HEAD].astype(np.float32)[..., None]
    placed: Float32Array = rotate(turn, points)
    placed += stance.positions[:, Joint.HEAD].astype(np.float32)[..., None]
    return placed


def _place_face_centre(body: Body, stance: Stance) -> FloatArray:
    """(3, N) metres in body space: the mesh's own middle."""
    return stance.site(Joint.HEAD, _eye_line_m(body) + load_face().centre * (body.height_m / _FACE_HEIGHT_M))


def _place_pose(body: Body, stance: Stance, face_m: Float32Array) -> FloatArray:
    """(3, 33, N) metres in body space."""
    pose = np.empty((3, len(PoseLandmark), stance.positions.shape[-1]))
    sites = body.sites
    for side in SIDES:
        for landmark, joint in _POSE_JOINTS.items():
            pose[:, PoseLandmark[f"{side.name}_{landmark}"]] = stance.positions[:, sided(side, joint)]
        pose[:, PoseLandmark[f"{side.name}_HEEL"]] = stance.site(*sites[f"{side.name}_HEEL"])
        pose[:, PoseLandmark[f"{side.name}_FOOT_INDEX"]] = stance.site(*sites[f"{side.name}_TOE_TIP"])
        mirror = np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])
        ear = _eye_line_m(body) + _EAR_M * mirror * (body.height_m / _FACE_HEIGHT_M)
        pose[:, PoseLandmark[f"{side.name}_EAR"]] = stance.site(Joint.HEAD, ear)
    for pose_landmark, face_landmark in _POSE_FACE.items():
        pose[:, pose_landmark] = face_m[:, :, face_landmark]
    return pose


def _place_hand(body: Body, stance: Stance, side: Side) -> FloatArray:
    """(3, 21, N) metres in body space."""
    sites = body.sites
    points = [stance.positions[:, sided(side, "HAND")]]
    for digit in DIGITS:
        points += [stance.positions[:, sided(side, f"{digit}_{phalanx}")] for phalanx in PHALANGES]
        points.append(stance.site(*sites[f"{side.name}_{digit}_TIP"]))
    return np.stack(points, axis=1)
