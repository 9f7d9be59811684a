"""Everything an avatar shows as channels of four components, so that one pass of arithmetic smooths all of it.

A state is float64[4, 107]: a column for each bone (x, y, z, w), for each shape (its value, then zeros), and one for the
root (x, y, z, then zero). Components come first, for numpy works fastest along long rows.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, FINGER_BONES, REST_POSE, Bone
from consumers.avatar.states import SolvedMotion

Channels = NDArray[np.float64]
"""float64[N, 4, 107]."""
Columns = NDArray[np.float64]
"""One number for each channel: float64[N, 107], or [107]."""
Times = NDArray[np.float64]
"""Seconds, one for each row: float64[N]."""
Flags = NDArray[np.bool_]
Slots = NDArray[np.intp]

BONES: Final = slice(0, BONE_COUNT)
SHAPES: Final = slice(BONE_COUNT, BONE_COUNT + SHAPE_COUNT)
ROOT: Final = BONE_COUNT + SHAPE_COUNT
CHANNEL_COUNT: Final = ROOT + 1

_TINY: Final = 1e-12
_LARGEST: Final = 1e6


def _rest() -> Channels:
    rest = np.zeros((4, CHANNEL_COUNT))
    rest[:, BONES] = REST_POSE.T
    rest.setflags(write=False)
    return rest


REST: Final = _rest()
"""float64[4, 107]: what is shown of a performer who is not seen."""


def pack(solved: SolvedMotion) -> Channels:
    """Solved motion as channels; what was not seen stays NaN in the channel's first component."""
    channels = np.zeros((len(solved.rotations), 4, CHANNEL_COUNT))
    channels[:, :, BONES] = solved.rotations.transpose(0, 2, 1)
    channels[:, 0, SHAPES] = solved.shapes
    channels[:, :3, ROOT] = solved.root_m
    return channels


def find_seen(channels: Channels) -> Flags:
    """bool[N, 107]: whether a channel holds numbers, all of them sensible."""
    seen: Flags = np.abs(channels).max(axis=1) < _LARGEST
    return seen


def dot(first: Channels, second: Channels) -> Columns:
    """The product of two stacks of channels, summed over their components."""
    product: Columns = np.einsum("...kc,...kc->...c", first, second)
    return product


def align_bones(channels: Channels, towards: Channels) -> None:
    """Of the two quaternions that mean one rotation take the nearer, in place."""
    bones = channels[:, :, BONES]
    bones *= np.copysign(1.0, dot(bones, towards[:, :, BONES]))[:, None]


def mix(channels: Channels, target: Channels, share: Columns) -> None:
    """Go that share of the straight way to the target, in place."""
    channels += share[:, None] * (target - channels)
    # What comes ever nearer to 0 stops before it is so small that arithmetic grows slow.
    channels += _TINY
    channels -= _TINY


def approach(channels: Channels, target: Channels, share: Columns) -> None:
    """Go that share of the way, in place; bones stay of unit length."""
    mix(channels, target, share)
    bones = channels[:, :, BONES]
    bones /= np.sqrt(dot(bones, bones))[:, None]


def by_part(
    *,
    spine: float,
    head: float,
    arms: float,
    legs: float,
    fingers: float,
    eyes: float,
    mouth: float,
    brows: float,
    lids: float,
    root: float,
) -> Columns:
    """float64[107]: one number for each channel, given by part; shapes that look are the eyes'."""
    numbers = np.full(CHANNEL_COUNT, spine, dtype=np.float64)
    words = {"LEG": legs, "FOOT": legs, "TOES": legs, "SHOULDER": arms, "ARM": arms, "HAND": arms}
    words |= {"NECK": head, "HEAD": head, "JAW": head, "EYE": eyes}
    for word, number in words.items():
        numbers[[bone for bone in Bone if word in bone.name]] = number
    for rows in FINGER_BONES:
        numbers[rows] = fingers
    numbers[SHAPES] = mouth
    for shape in Blendshape:
        if shape.name.startswith("BROW"):
            numbers[BONE_COUNT + shape] = brows
        elif shape.name.startswith("EYE_LOOK"):
            numbers[BONE_COUNT + shape] = eyes
        elif shape.name.startswith("EYE"):
            numbers[BONE_COUNT + shape] = lids
    numbers[ROOT] = root
    numbers.setflags(write=False)
    return numbers
