"""Names of the skeleton's joints, and which hangs on which."""

from enum import IntEnum
from itertools import pairwise
from typing import Final


class Side(IntEnum):
    """A side of the body, the person's own."""

    LEFT = 0
    RIGHT = 1


SIDES: Final = (Side.LEFT, Side.RIGHT)
DIGITS: Final = ("THUMB", "INDEX", "MIDDLE", "RING", "LITTLE")
PHALANGES: Final = ("PROXIMAL", "INTERMEDIATE", "DISTAL")


class Joint(IntEnum):
    """The 54 joints, under the names of humanoid rigs (all the bones Unity knows but the jaw)."""

    HIPS = 0
    SPINE = 1
    CHEST = 2
    UPPER_CHEST = 3
    NECK = 4
    HEAD = 5
    LEFT_EYE = 6
    RIGHT_EYE = 7
    LEFT_SHOULDER = 8
    LEFT_UPPER_ARM = 9
    LEFT_LOWER_ARM = 10
    LEFT_HAND = 11
    LEFT_UPPER_LEG = 12
    LEFT_LOWER_LEG = 13
    LEFT_FOOT = 14
    LEFT_TOES = 15
    LEFT_THUMB_PROXIMAL = 16
    LEFT_THUMB_INTERMEDIATE = 17
    LEFT_THUMB_DISTAL = 18
    LEFT_INDEX_PROXIMAL = 19
    LEFT_INDEX_INTERMEDIATE = 20
    LEFT_INDEX_DISTAL = 21
    LEFT_MIDDLE_PROXIMAL = 22
    LEFT_MIDDLE_INTERMEDIATE = 23
    LEFT_MIDDLE_DISTAL = 24
    LEFT_RING_PROXIMAL = 25
    LEFT_RING_INTERMEDIATE = 26
    LEFT_RING_DISTAL = 27
    LEFT_LITTLE_PROXIMAL = 28
    LEFT_LITTLE_INTERMEDIATE = 29
    LEFT_LITTLE_DISTAL = 30
    RIGHT_SHOULDER = 31
    RIGHT_UPPER_ARM = 32
    RIGHT_LOWER_ARM = 33
    RIGHT_HAND = 34
    RIGHT_UPPER_LEG = 35
    RIGHT_LOWER_LEG = 36
    RIGHT_FOOT = 37
    RIGHT_TOES = 38
    RIGHT_THUMB_PROXIMAL = 39
    RIGHT_THUMB_INTERMEDIATE = 40
    RIGHT_THUMB_DISTAL = 41
    RIGHT_INDEX_PROXIMAL = 42
    RIGHT_INDEX_INTERMEDIATE = 43
    RIGHT_INDEX_DISTAL = 44
    RIGHT_MIDDLE_PROXIMAL = 45
    RIGHT_MIDDLE_INTERMEDIATE = 46
    RIGHT_MIDDLE_DISTAL = 47
    RIGHT_RING_PROXIMAL = 48
    RIGHT_RING_INTERMEDIATE = 49
    RIGHT_RING_DISTAL = 50
    RIGHT_LITTLE_PROXIMAL = 51
    RIGHT_LITTLE_INTERMEDIATE = 52
    RIGHT_LITTLE_DISTAL = 53


def sided(side: Side, name: str) -> Joint:
    """A side's joint: `sided(Side.LEFT, "HAND")` is `Joint.LEFT_HAND`."""
    return Joint[f"{side.name}_{name}"]


_LIMB_CHAINS: Final = (
    ("UPPER_CHEST", "SHOULDER", "UPPER_ARM", "LOWER_ARM", "HAND"),
    ("HIPS", "UPPER_LEG", "LOWER_LEG", "FOOT", "TOES"),
    *(("HAND", *(f"{digit}_{phalanx}" for phalanx in PHALANGES)) for digit in DIGITS),
)
_TRUNK_CHAIN: Final = (Joint.HIPS, Joint.SPINE, Joint.CHEST, Joint.UPPER_CHEST, Joint.NECK, Joint.HEAD)


def _list_parents() -> dict[Joint, Joint]:
    parents = dict(zip(_TRUNK_CHAIN[1:], _TRUNK_CHAIN, strict=False))
    parents |= {Joint.LEFT_EYE: Joint.HEAD, Joint.RIGHT_EYE: Joint.HEAD}
    for side in SIDES:
        for chain in _LIMB_CHAINS:
            names = [name if name in Joint.__members__ else f"{side.name}_{name}" for name in chain]
            parents |= {Joint[child]: Joint[parent] for parent, child in pairwise(names)}
    return parents


PARENTS: Final[dict[Joint, Joint]] = _list_parents()
"""The joint each joint hangs on; the hips hang on none."""


def _level(joint: Joint) -> int:
    return 0 if joint is Joint.HIPS else 1 + _level(PARENTS[joint])


LEVELS: Final[tuple[tuple[Joint, ...], ...]] = tuple(
    tuple(joint for joint in Joint if _level(joint) == depth) for depth in range(max(map(_level, Joint)) + 1)
)
"""The joints by their distance from the hips, so that a level needs only the one before."""
