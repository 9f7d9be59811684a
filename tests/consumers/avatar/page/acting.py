"""Poses that are known by heart, as states: what the page is told, and what it must then show."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone
from consumers.avatar.states import AvatarStates

Turns = Mapping[Bone, tuple[str, float]]
"""About which axis of Unity's space a bone is turned, and by how many degrees."""

T_POSE: Final[Turns] = {}
RIGHT_ARM_RAISED: Final[Turns] = {
    Bone.LEFT_UPPER_ARM: ("z", 90.0),
    Bone.RIGHT_UPPER_ARM: ("z", 90.0),
}
"""The left arm hangs, the right one points up: in Unity's space the same turn for both."""


def hold(pose: Turns) -> Callable[[float], AvatarStates]:
    """Somebody who holds a pose."""
    rotations = np.zeros((1, BONE_COUNT, 4))
    rotations[..., 3] = 1.0
    for bone, (axis, angle_deg) in pose.items():
        rotations[0, bone] = _turn(axis, angle_deg)
    states = _state(rotations, {})
    return lambda at_s: states


def dance(seed: int = 0) -> Callable[[float], AvatarStates]:
    """Somebody who waves and sways, in the same way at the same time."""
    return lambda at_s: make_dance(at_s, seed)


def make_dance(at_s: float, seed: int = 0) -> AvatarStates:
    """One state of somebody who waves and sways, the same at the same time."""
    beat = 2.0 * np.pi * (at_s * 0.6 + 0.17 * seed)
    rotations = REST_POSE[np.newaxis].copy()
    rotations[0, Bone.RIGHT_UPPER_ARM] = _turn("z", 35.0 + 10.0 * np.sin(beat))
    rotations[0, Bone.RIGHT_LOWER_ARM] = _turn("z", 45.0 + 30.0 * np.sin(2 * beat))
    rotations[0, Bone.LEFT_UPPER_ARM] = _turn("z", 60.0 + 8.0 * np.cos(beat))
    rotations[0, Bone.LEFT_LOWER_ARM] = _turn("y", 35.0 + 20.0 * np.cos(beat))
    rotations[0, Bone.SPINE] = _turn("z", 5.0 * np.sin(beat))
    rotations[0, Bone.HEAD] = _turn("y", 14.0 * np.sin(0.5 * beat))
    shapes = {
        Blendshape.JAW_OPEN: 0.2 + 0.2 * np.sin(3 * beat),
        Blendshape.MOUTH_SMILE_LEFT: 0.6,
        Blendshape.MOUTH_SMILE_RIGHT: 0.6,
    }
    states = _state(rotations, shapes)
    states.root_m[0] = (0.03 * np.sin(beat), -0.01, 0.0)
    return states


def _state(rotations: NDArray[np.float64], shapes: Mapping[Blendshape, float]) -> AvatarStates:
    count = len(rotations)
    values = np.zeros((count, SHAPE_COUNT))
    for shape, value in shapes.items():
        values[:, shape] = value
    known = np.ones((count, BONE_COUNT), np.bool_)
    known[:, Bone.JAW] = False
    return AvatarStates(
        rotations,
        values,
        np.zeros((count, 3)),
        known,
        np.ones((count, SHAPE_COUNT), np.bool_),
        np.ones(count, np.bool_),
    )


def _turn(axis: str, angle_deg: float) -> tuple[float, float, float, float]:
    half = np.radians(angle_deg) / 2
    x, y, z = (float(np.sin(half)) * (name == axis) for name in "xyz")
    return x, y, z, float(np.cos(half))
