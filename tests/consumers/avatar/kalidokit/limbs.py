"""Bones against the truth: each against its parent, and where its limb points in space.

The second asks nothing about how a solver shares a turn between the bones on the way, so that it is fair between two of
which each does it in its own way. Matrices are float64[N, 55, 3, 3] in Unity's space and the order of Bone.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import BONE_COUNT, PARENTS, Bone
from performers.joints import Joint
from tests.consumers.avatar.oracle import FINGERS
from tests.consumers.avatar.puppet import Pose

Values = NDArray[np.float64]

SEGMENTS: Final = ("Proximal", "Intermediate", "Distal")


def find_bones(*names: str) -> tuple[Bone, ...]:
    """Bones by Unity's names, of the middle, or of both sides."""
    sided = {name for whole in names for name in (whole, f"Left{whole}", f"Right{whole}")}
    return tuple(bone for bone in Bone if bone.unity_name in sided)


def find_fingers(*segments: str) -> tuple[Bone, ...]:
    """Those segments of all fingers but the thumbs."""
    return find_bones(*(f"{finger}{segment}" for finger in FINGERS for segment in segments))


def matrices_of_poses(poses: Sequence[Pose]) -> Values:
    """A puppet's local rotations; what a pose does not name is at rest."""
    matrices = np.tile(np.eye(3), (len(poses), BONE_COUNT, 1, 1))
    for row, pose in enumerate(poses):
        for bone in Bone:
            if bone.unity_name in pose:
                matrices[row, bone] = pose[bone.unity_name]
    return matrices


def matrices_of_truth(rotations: Values) -> Values:
    """A performer's local rotations float64[N, 54, 4], whose space has x to their left, Unity's to their right."""
    joints = [Joint[bone.name] for bone in Bone if bone.name in Joint.__members__]
    unity = np.full((len(rotations), BONE_COUNT, 4), np.nan)
    unity[:, [Bone[joint.name] for joint in joints]] = rotations[:, joints] * [1.0, -1.0, -1.0, 1.0]
    return matrices_of(unity)


def matrices_of(rotations: Values) -> Values:
    """Quaternions (x, y, z, w) float64[N, 55, 4] as matrices; one that is NaN does not turn."""
    unseen = ~np.isfinite(rotations).all(axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(np.where(unseen, [0.0, 0.0, 0.0, 1.0], rotations), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def in_space(local: Values) -> Values:
    """What local rotations come to, each after all its parents'."""
    space = np.full_like(local, np.nan)

    def place(bone: Bone) -> Values:
        if np.isnan(space[:, bone]).any():
            parent = PARENTS[bone]
            space[:, bone] = local[:, bone] if parent is None else place(parent) @ local[:, bone]
        placed: Values = space[:, bone]
        return placed

    for bone in Bone:
        place(bone)
    return space


def turn_errors_deg(true: Values, found: Values, bones: Sequence[Bone]) -> Values:
    """float64[N, bones]: the angle from each bone's true rotation to the one found."""
    rows = list(bones)
    difference = np.swapaxes(true[:, rows], -1, -2) @ found[:, rows]
    skew = np.stack([difference[..., i, j] - difference[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=-1)
    trace = np.trace(difference, axis1=-2, axis2=-1)
    angle: Values = np.degrees(np.arctan2(np.linalg.norm(skew, axis=-1), trace - 1.0))
    return angle


def pointing(space: Values, bones: Sequence[Bone]) -> Values:
    """float64[N, bones, 3]: where each limb points, of rotations in space."""
    along = np.array([_axis(bone) for bone in bones])
    directions: Values = (space[:, list(bones)] @ along[..., None])[..., 0]
    return directions


def angles_between_deg(first: Values, second: Values) -> Values:
    """The angle between directions of any length."""
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    angle: Values = np.degrees(np.arctan2(across, (first * second).sum(axis=-1)))
    return angle


def _axis(bone: Bone) -> tuple[float, float, float]:
    """Where the bone's limb points at rest: legs down, arms outwards, the trunk up, and a face ahead."""
    if bone in (Bone.NECK, Bone.HEAD):
        return (0.0, 0.0, 1.0)
    if bone.name.startswith(("LEFT_", "RIGHT_")):
        outwards = -1.0 if bone.name.startswith("LEFT_") else 1.0
        return (0.0, -1.0, 0.0) if "LEG" in bone.name else (outwards, 0.0, 0.0)
    return (0.0, 1.0, 0.0)
