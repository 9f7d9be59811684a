"""Parts of an avatar that a target may be sent, and others leave to another program."""

from enum import StrEnum
from typing import Final

from consumers.avatar.humanoid.skeleton import FINGER_BONES, Bone


class Part(StrEnum):
    """What can be chosen; `root` is how far the hips have moved."""

    ROOT = "root"
    BODY = "body"
    HEAD = "head"
    EYES = "eyes"
    ARMS = "arms"
    HANDS = "hands"
    LEGS = "legs"
    FACE = "face"


ALL_PARTS: Final = frozenset(Part)


def _of_both_sides(*names: str) -> frozenset[Bone]:
    return frozenset(Bone[f"{side}_{name}"] for side in ("LEFT", "RIGHT") for name in names)


BONES_OF_PART: Final[dict[Part, frozenset[Bone]]] = {
    Part.ROOT: frozenset(),
    Part.BODY: frozenset({Bone.HIPS, Bone.SPINE, Bone.CHEST, Bone.UPPER_CHEST}),
    Part.HEAD: frozenset({Bone.NECK, Bone.HEAD, Bone.JAW}),
    Part.EYES: _of_both_sides("EYE"),
    Part.ARMS: _of_both_sides("SHOULDER", "UPPER_ARM", "LOWER_ARM"),
    Part.HANDS: _of_both_sides("HAND") | {Bone(row) for fingers in FINGER_BONES for row in range(55)[fingers]},
    Part.LEGS: _of_both_sides("UPPER_LEG", "LOWER_LEG", "FOOT", "TOES"),
    Part.FACE: frozenset(),
}
"""The bones of each part; every bone is in exactly one. The face is expressions, the root the hips' place."""


def select_bones(parts: frozenset[Part]) -> list[Bone]:
    """The bones of these parts, in order."""
    chosen = frozenset[Bone]().union(*(BONES_OF_PART[part] for part in parts))
    return sorted(chosen)
