"""What a file of motion is: it is given states at an even rate, from the first to the last, and is whole at its end."""

from enum import StrEnum
from typing import Protocol

import numpy as np

from consumers.avatar.humanoid.rotations import Quaternions, Vectors, mirror
from consumers.avatar.states import AvatarStates


class Form(StrEnum):
    """The kinds of file; the value is the ending of a file's name."""

    BVH = "bvh"
    GLB = "glb"
    VRMA = "vrma"
    VMC = "vmc"


class MotionFile(Protocol):
    """A file of one performer's motion that is being written."""

    def add(self, states: AvatarStates) -> None:
        """Append states: M rows, one for each moment in turn."""

    def finish(self) -> None:
        """Write what is still to be written; the file is whole then, and remains open."""


def turn_to_gltf(rotations: Quaternions) -> Quaternions:
    """Local rotations in a right-handed space (y up, the person faces +z, their left is at +x), from Unity's.

    glTF with VRM 1.0 and BVH have it so: x is mirrored. Signs are such that q and −q do not follow each other in time
    (the first axis), for programs that go between two values the long way.
    """
    turned = mirror(rotations)
    along = (turned[1:] * turned[:-1]).sum(axis=-1, keepdims=True)
    signs = np.cumprod(np.where(along < 0.0, -1.0, 1.0), axis=0)
    return np.concatenate((turned[:1], turned[1:] * signs))


def move_to_gltf(places_m: Vectors) -> Vectors:
    """Places in the same space, from Unity's."""
    moved: Vectors = places_m * np.array([-1.0, 1.0, 1.0]) + 0.0
    return moved
