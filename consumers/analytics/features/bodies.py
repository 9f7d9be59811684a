"""What a body does, measured: pure functions on columns of poses."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import BodyFacts
from consumers.analytics.features.geometry import Floats, add_up, angle_between, dot, length
from consumers.analytics.features.mass import find_centre_of_mass
from consumers.analytics.features.poses import TRUNK_OF_SHOULDER_WIDTH, PoseColumns, Poses
from keypoints.landmarks import PoseLandmark as Landmark

_SIDES: Final = ("left", "right")
_LEGS: Final = [
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
]
# Joint angles: the landmark it is the angle at, between its two neighbours.
_JOINTS: Final = {
    "elbow": ("SHOULDER", "ELBOW", "WRIST"),
    "shoulder": ("HIP", "SHOULDER", "ELBOW"),
    "hip": ("SHOULDER", "HIP", "KNEE"),
    "knee": ("HIP", "KNEE", "ANKLE"),
    "ankle": ("KNEE", "ANKLE", "FOOT_INDEX"),
}
_JOINT_NAMES: Final = [f"{side}_{joint}" for joint in _JOINTS for side in _SIDES]
_JOINT_ENDS: Final = np.array(
    [[Landmark[f"{side.upper()}_{end}"] for end in ends] for ends in _JOINTS.values() for side in _SIDES]
).T
_BONES: Final = {
    "upper_arm": ("SHOULDER", "ELBOW"),
    "forearm": ("ELBOW", "WRIST"),
    "thigh": ("HIP", "KNEE"),
    "shin": ("KNEE", "ANKLE"),
}
_BONE_NAMES: Final = [f"{side}_{bone}_m" for bone in _BONES for side in _SIDES]
_BONE_ENDS: Final = np.array(
    [[Landmark[f"{side.upper()}_{end}"] for end in ends] for ends in _BONES.values() for side in _SIDES]
).T
_MIRRORED: Final = ("ELBOW", "WRIST", "KNEE", "ANKLE")
_LEFT_OF_MIRRORED: Final = [Landmark[f"LEFT_{name}"] for name in _MIRRORED]
_RIGHT_OF_MIRRORED: Final = [Landmark[f"RIGHT_{name}"] for name in _MIRRORED]


def measure_bodies(poses: Poses, mirrored: NDArray[np.bool_]) -> list[BodyFacts | None]:
    """Measure N poses, of which some are in a mirror's image (N,).

    Where the pose in metres is absent, joint angles and symmetry are told from the pose in the image with its depth,
    and what is in metres is NaN. A body of which nobody can say how large it is (a shoulder that is not finite, or no
    size) counts as not there: None.
    """
    with np.errstate(all="ignore"):
        seen = PoseColumns(poses)
        columns = (
            _measure_visibility(seen)
            | _measure_places(seen)
            | _measure_limbs(seen, np.where(mirrored, -1.0, 1.0))
            | _measure_head(seen)
            | _measure_joints(seen)
            | _measure_bones(seen)
        )
        rows = np.stack([columns[name] for name in BodyFacts._fields], axis=1)
    bodies: list[BodyFacts | None] = list(map(BodyFacts._make, rows.tolist()))
    for row in np.flatnonzero(np.isnan(seen.scale)).tolist():
        bodies[row] = None
    return bodies


def _measure_visibility(poses: PoseColumns) -> dict[str, Floats]:
    legs = poses.visibility[_LEGS]
    return {
        "scale": poses.scale,
        "visibility": add_up(poses.visibility) / len(Landmark),
        "legs_visibility": np.minimum.reduce(legs),
    }


def _measure_places(poses: PoseColumns) -> dict[str, Floats]:
    """Where things are in the image."""
    centre_x, centre_y = find_centre_of_mass(poses)
    shoulders, hips = poses.middle["SHOULDERS"], poses.middle["HIPS"]
    trunk = shoulders[:2] - hips[:2]
    up = np.zeros_like(trunk)
    up[1] = -1.0
    return {
        "nose_x": poses.in_image[0, Landmark.NOSE],
        "nose_y": poses.in_image[1, Landmark.NOSE],
        "shoulders_x": shoulders[0],
        "shoulders_y": shoulders[1],
        "hips_x": hips[0],
        "hips_y": hips[1],
        "centre_of_mass_x": centre_x,
        "centre_of_mass_y": centre_y,
        "trunk_lean": angle_between(trunk, up),
    }


def _measure_limbs(poses: PoseColumns, side_of_left: Floats) -> dict[str, Floats]:
    """Where limbs are from their trunk, and how wide shoulders and hips are seen; in body scales."""
    columns = {
        "shoulder_span": side_of_left * poses.span["SHOULDERS"][0] / poses.scale,
        "hip_span": side_of_left * poses.span["HIPS"][0] / poses.scale,
    }
    for names, middle in ((("elbow", "wrist"), "SHOULDERS"), (("knee", "ankle"), "HIPS")):
        for name in names:
            for side in _SIDES:
                from_trunk = poses.in_image[:, Landmark[f"{side}_{name}".upper()]] - poses.middle[middle]
                columns[f"{side}_{name}_right"] = from_trunk[0] / poses.scale
                columns[f"{side}_{name}_up"] = -from_trunk[1] / poses.scale
    return columns


def _measure_head(poses: PoseColumns) -> dict[str, Floats]:
    from_ears = poses.in_image[:, Landmark.NOSE] - poses.middle["EARS"]
    # In space, for in the image the ears come together when the head turns.
    in_space = length(poses.span_in_space["EARS"])
    ear_distance = np.where(poses.has_metres, in_space * poses.heights_per_m, in_space)
    return {"head_turn": from_ears[0] / ear_distance, "head_drop": from_ears[1] / poses.scale}


def _measure_joints(poses: PoseColumns) -> dict[str, Floats]:
    starts, at, ends = (
        poses.in_space[:, _JOINT_ENDS[0]],
        poses.in_space[:, _JOINT_ENDS[1]],
        poses.in_space[:, _JOINT_ENDS[2]],
    )
    angles = angle_between(starts - at, ends - at)
    return dict(zip(_JOINT_NAMES, angles, strict=True)) | {"symmetry": _measure_symmetry(poses)}


def _measure_bones(poses: PoseColumns) -> dict[str, Floats]:
    """Lengths in metres."""
    bones = length(poses.in_space[:, _BONE_ENDS[0]] - poses.in_space[:, _BONE_ENDS[1]])
    columns = dict(zip(_BONE_NAMES, bones, strict=True)) | {
        "shoulder_width_m": length(poses.span_in_space["SHOULDERS"]),
        "trunk_m": length(poses.middle_in_space["SHOULDERS"] - poses.middle_in_space["HIPS"]),
    }
    return {name: np.where(poses.has_metres, column, np.nan) for name, column in columns.items()}


def _measure_symmetry(poses: PoseColumns) -> Floats:
    """1 less the mean distance, in trunk lengths, of left elbows, wrists, knees and ankles from the reflections of the
    right ones in the plane that parts the body; of those pairs that are seen, NaN when there is none.

    The plane is between shoulders and hips; between the shoulders alone where hips are not seen, as at a desk.
    """
    shoulders, hips = poses.middle_in_space["SHOULDERS"], poses.middle_in_space["HIPS"]
    across_shoulders = poses.span_in_space["SHOULDERS"]
    has_hips = ~np.isnan(hips[0])
    trunk = np.where(has_hips, length(shoulders - hips), TRUNK_OF_SHOULDER_WIDTH * length(across_shoulders))
    across = np.where(has_hips, across_shoulders + poses.span_in_space["HIPS"], across_shoulders)
    across = across / length(across)
    middle = np.where(has_hips, 0.5 * (shoulders + hips), shoulders)[:, None]
    left, right = poses.in_space[:, _LEFT_OF_MIRRORED], poses.in_space[:, _RIGHT_OF_MIRRORED]
    beyond = dot(right - middle, across[:, None])
    apart = length(left - right + 2.0 * beyond * across[:, None]) / trunk
    seen = ~np.isnan(apart)
    mean = add_up(np.where(seen, apart, 0.0)) / add_up(seen.astype(np.float64))
    return np.asarray(np.maximum(1.0 - mean, 0.0))
