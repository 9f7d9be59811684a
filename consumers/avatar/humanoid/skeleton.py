"""The bones of a Unity humanoid, their order in every array of this room, and a built-in skeleton's rest offsets.

Space: Unity's (left-handed, y up, +z forward, metres), in T-pose, palms down, facing +z, so that the person's left is
at −x. Names and hierarchy: Unity's HumanBodyBones, as the VMC protocol (specification 3.1) sends them. In T-pose every
bone's rotation is the identity, as on the normalised rig of a VRM model.
"""

from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray


class Bone(IntEnum):
    """The 55 bones; the value is the bone's row in every array of bones."""

    HIPS = 0
    LEFT_UPPER_LEG = auto()
    RIGHT_UPPER_LEG = auto()
    LEFT_LOWER_LEG = auto()
    RIGHT_LOWER_LEG = auto()
    LEFT_FOOT = auto()
    RIGHT_FOOT = auto()
    SPINE = auto()
    CHEST = auto()
    UPPER_CHEST = auto()
    NECK = auto()
    HEAD = auto()
    LEFT_SHOULDER = auto()
    RIGHT_SHOULDER = auto()
    LEFT_UPPER_ARM = auto()
    RIGHT_UPPER_ARM = auto()
    LEFT_LOWER_ARM = auto()
    RIGHT_LOWER_ARM = auto()
    LEFT_HAND = auto()
    RIGHT_HAND = auto()
    LEFT_TOES = auto()
    RIGHT_TOES = auto()
    LEFT_EYE = auto()
    RIGHT_EYE = auto()
    JAW = auto()
    LEFT_THUMB_PROXIMAL = auto()
    LEFT_THUMB_INTERMEDIATE = auto()
    LEFT_THUMB_DISTAL = auto()
    LEFT_INDEX_PROXIMAL = auto()
    LEFT_INDEX_INTERMEDIATE = auto()
    LEFT_INDEX_DISTAL = auto()
    LEFT_MIDDLE_PROXIMAL = auto()
    LEFT_MIDDLE_INTERMEDIATE = auto()
    LEFT_MIDDLE_DISTAL = auto()
    LEFT_RING_PROXIMAL = auto()
    LEFT_RING_INTERMEDIATE = auto()
    LEFT_RING_DISTAL = auto()
    LEFT_LITTLE_PROXIMAL = auto()
    LEFT_LITTLE_INTERMEDIATE = auto()
    LEFT_LITTLE_DISTAL = auto()
    RIGHT_THUMB_PROXIMAL = auto()
    RIGHT_THUMB_INTERMEDIATE = auto()
    RIGHT_THUMB_DISTAL = auto()
    RIGHT_INDEX_PROXIMAL = auto()
    RIGHT_INDEX_INTERMEDIATE = auto()
    RIGHT_INDEX_DISTAL = auto()
    RIGHT_MIDDLE_PROXIMAL = auto()
    RIGHT_MIDDLE_INTERMEDIATE = auto()
    RIGHT_MIDDLE_DISTAL = auto()
    RIGHT_RING_PROXIMAL = auto()
    RIGHT_RING_INTERMEDIATE = auto()
    RIGHT_RING_DISTAL = auto()
    RIGHT_LITTLE_PROXIMAL = auto()
    RIGHT_LITTLE_INTERMEDIATE = auto()
    RIGHT_LITTLE_DISTAL = auto()

    @property
    def unity_name(self) -> str:
        """The name on the wire: `LeftUpperArm`."""
        return self.name.title().replace("_", "")


BONE_COUNT: Final = len(Bone)
FINGER_BONES: Final = tuple(slice(first, first + 15) for first in (Bone.LEFT_THUMB_PROXIMAL, Bone.RIGHT_THUMB_PROXIMAL))
"""Rows of the left and of the right hand's finger bones: thumb to little finger, three segments each."""

_HANGING_ARM_RAD: Final = np.radians(72.0)

_PARENT_AND_OFFSET_M: Final[dict[Bone, tuple[Bone | None, tuple[float, float, float]]]] = {
    Bone.HIPS: (None, (0.0, 0.95, 0.0)),
    Bone.SPINE: (Bone.HIPS, (0.0, 0.08, 0.0)),
    Bone.CHEST: (Bone.SPINE, (0.0, 0.12, 0.0)),
    Bone.UPPER_CHEST: (Bone.CHEST, (0.0, 0.12, 0.0)),
    Bone.NECK: (Bone.UPPER_CHEST, (0.0, 0.15, 0.0)),
    Bone.HEAD: (Bone.NECK, (0.0, 0.09, 0.0)),
    Bone.JAW: (Bone.HEAD, (0.0, 0.01, 0.03)),
    Bone.LEFT_EYE: (Bone.HEAD, (-0.03, 0.07, 0.08)),
    Bone.LEFT_UPPER_LEG: (Bone.HIPS, (-0.09, -0.05, 0.0)),
    Bone.LEFT_LOWER_LEG: (Bone.LEFT_UPPER_LEG, (0.0, -0.42, 0.0)),
    Bone.LEFT_FOOT: (Bone.LEFT_LOWER_LEG, (0.0, -0.41, 0.0)),
    Bone.LEFT_TOES: (Bone.LEFT_FOOT, (0.0, -0.06, 0.13)),
    Bone.LEFT_SHOULDER: (Bone.UPPER_CHEST, (-0.03, 0.11, 0.0)),
    Bone.LEFT_UPPER_ARM: (Bone.LEFT_SHOULDER, (-0.12, 0.0, 0.0)),
    Bone.LEFT_LOWER_ARM: (Bone.LEFT_UPPER_ARM, (-0.26, 0.0, 0.0)),
    Bone.LEFT_HAND: (Bone.LEFT_LOWER_ARM, (-0.24, 0.0, 0.0)),
    Bone.LEFT_THUMB_PROXIMAL: (Bone.LEFT_HAND, (-0.02, 0.0, 0.025)),
    Bone.LEFT_THUMB_INTERMEDIATE: (Bone.LEFT_THUMB_PROXIMAL, (-0.03, 0.0, 0.03)),
    Bone.LEFT_THUMB_DISTAL: (Bone.LEFT_THUMB_INTERMEDIATE, (-0.022, 0.0, 0.022)),
    Bone.LEFT_INDEX_PROXIMAL: (Bone.LEFT_HAND, (-0.09, 0.0, 0.022)),
    Bone.LEFT_INDEX_INTERMEDIATE: (Bone.LEFT_INDEX_PROXIMAL, (-0.04, 0.0, 0.0)),
    Bone.LEFT_INDEX_DISTAL: (Bone.LEFT_INDEX_INTERMEDIATE, (-0.025, 0.0, 0.0)),
    Bone.LEFT_MIDDLE_PROXIMAL: (Bone.LEFT_HAND, (-0.092, 0.0, 0.0)),
    Bone.LEFT_MIDDLE_INTERMEDIATE: (Bone.LEFT_MIDDLE_PROXIMAL, (-0.045, 0.0, 0.0)),
    Bone.LEFT_MIDDLE_DISTAL: (Bone.LEFT_MIDDLE_INTERMEDIATE, (-0.028, 0.0, 0.0)),
    Bone.LEFT_RING_PROXIMAL: (Bone.LEFT_HAND, (-0.087, 0.0, -0.02)),
    Bone.LEFT_RING_INTERMEDIATE: (Bone.LEFT_RING_PROXIMAL, (-0.042, 0.0, 0.0)),
    Bone.LEFT_RING_DISTAL: (Bone.LEFT_RING_INTERMEDIATE, (-0.027, 0.0, 0.0)),
    Bone.LEFT_LITTLE_PROXIMAL: (Bone.LEFT_HAND, (-0.08, 0.0, -0.038)),
    Bone.LEFT_LITTLE_INTERMEDIATE: (Bone.LEFT_LITTLE_PROXIMAL, (-0.033, 0.0, 0.0)),
    Bone.LEFT_LITTLE_DISTAL: (Bone.LEFT_LITTLE_INTERMEDIATE, (-0.02, 0.0, 0.0)),
}
"""Parent and rest offset of the middle and left bones, in proportions of an adult; the right ones mirror them."""


def _left_of(bone: Bone) -> Bone:
    return Bone[bone.name.replace("RIGHT_", "LEFT_")]


def _right_of(bone: Bone) -> Bone:
    return Bone[bone.name.replace("LEFT_", "RIGHT_")]


def _read_parents() -> tuple[Bone | None, ...]:
    parents: list[Bone | None] = []
    for bone in Bone:
        parent = _PARENT_AND_OFFSET_M[_left_of(bone)][0]
        parents.append(_right_of(parent) if parent is not None and bone.name.startswith("RIGHT_") else parent)
    return tuple(parents)


def _read_rest_offsets() -> NDArray[np.float64]:
    offsets = np.array([_PARENT_AND_OFFSET_M[_left_of(bone)][1] for bone in Bone])
    offsets[[bone for bone in Bone if bone.name.startswith("RIGHT_")], 0] *= -1.0
    offsets.setflags(write=False)
    return offsets


def _hang_arms() -> NDArray[np.float64]:
    pose = np.zeros((BONE_COUNT, 4))
    pose[:, 3] = 1.0
    for bone, side in ((Bone.LEFT_UPPER_ARM, 1.0), (Bone.RIGHT_UPPER_ARM, -1.0)):
        pose[bone] = (0.0, 0.0, side * np.sin(_HANGING_ARM_RAD / 2), np.cos(_HANGING_ARM_RAD / 2))
    pose.setflags(write=False)
    return pose


PARENTS: Final = _read_parents()
"""The parent of each bone, in order of Bone; None for the hips."""

REST_OFFSETS_M: Final = _read_rest_offsets()
"""float64[55, 3]: each bone's position in its parent's space at rest."""

REST_POSE: Final = _hang_arms()
"""float64[55, 4]: what a performer who is not seen fades to: T-pose but for the arms, which hang at the sides."""
