"""Frames as a faulty capture would give them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import POSE_MIRROR, PoseLandmark
from performers.schedule import Look

_LONGER: Final = 2.5
_BEYOND_ELBOW: Final = [
    PoseLandmark.RIGHT_WRIST,
    PoseLandmark.RIGHT_PINKY,
    PoseLandmark.RIGHT_INDEX,
    PoseLandmark.RIGHT_THUMB,
]
_AXES: Final = 3


def alter_look(frame: HolisticFrame, look: Look) -> HolisticFrame:
    """The frame with another look; the one that was given is not changed."""
    return _ALTERATIONS[look](frame)


def _find_nobody(frame: HolisticFrame) -> HolisticFrame:
    return replace(frame, pose=None, pose_world=None, face=None, left_hand=None, right_hand=None)


def _swap_sides(frame: HolisticFrame) -> HolisticFrame:
    return replace(
        frame,
        pose=_exchange(frame.pose),
        pose_world=_exchange(frame.pose_world),
        left_hand=frame.right_hand,
        right_hand=frame.left_hand,
    )


def _exchange(pose: Float32Array | None) -> Float32Array | None:
    return None if pose is None else pose[POSE_MIRROR]


def _lengthen_forearm(frame: HolisticFrame) -> HolisticFrame:
    """The hand goes along with the wrist."""
    pose, moved = _stretch(frame.pose)
    world, _ = _stretch(frame.pose_world)
    hand = None if frame.right_hand is None else frame.right_hand + moved
    return replace(frame, pose=pose, pose_world=world, right_hand=hand)


def _stretch(pose: Float32Array | None) -> tuple[Float32Array | None, Float32Array]:
    if pose is None:
        return None, np.zeros(_AXES, dtype=np.float32)
    forearm = pose[PoseLandmark.RIGHT_WRIST, :_AXES] - pose[PoseLandmark.RIGHT_ELBOW, :_AXES]
    moved = np.asarray((_LONGER - 1.0) * forearm, dtype=np.float32)
    stretched = pose.copy()
    stretched[_BEYOND_ELBOW, :_AXES] += moved
    return stretched, moved


_ALTERATIONS: Final[dict[Look, Callable[[HolisticFrame], HolisticFrame]]] = {
    Look.AS_SEEN: lambda frame: frame,
    Look.NOBODY: _find_nobody,
    Look.SIDES_SWAPPED: _swap_sides,
    Look.LONG_LIMB: _lengthen_forearm,
}
