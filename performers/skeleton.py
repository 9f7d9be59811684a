"""A body's measures, and forward kinematics: from joint rotations to positions, over time.

Body space, metres: x to the person's left, y up, z the way the person faces. At rest the person stands in a T-pose,
palms down, thumbs 45° forward, and every joint's rotation is the identity.

Segment lengths are fractions of the body height after Drillis and Contini (in Winter, Biomechanics and Motor Control of
Human Movement, ch. 4); finger bones after Buryanov and Kotiuk, Proportions of Hand Segments (2010).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from performers.joints import DIGITS, LEVELS, PARENTS, PHALANGES, SIDES, Joint, sided
from performers.rotations import FloatArray, compose, rotate

# Offsets from the parent joint as fractions of the height, for the trunk and for the left limbs; the right mirrors x.
_TRUNK_OFFSETS: Final = {
    "HIPS": (0.0, 0.530, 0.0),
    "SPINE": (0.0, 0.060, 0.0),
    "CHEST": (0.0, 0.080, 0.0),
    "UPPER_CHEST": (0.0, 0.080, 0.0),
    "NECK": (0.0, 0.090, -0.005),
    "HEAD": (0.0, 0.065, 0.008),
}
_LIMB_OFFSETS: Final = {
    "EYE": (0.0180, 0.031, 0.040),
    "SHOULDER": (0.020, 0.062, 0.0),
    "UPPER_ARM": (0.082, 0.006, 0.0),
    "LOWER_ARM": (0.172, 0.0, 0.0),
    "HAND": (0.146, 0.0, 0.0),
    "UPPER_LEG": (0.055, 0.0, 0.0),
    "LOWER_LEG": (0.0, -0.245, 0.0),
    "FOOT": (0.0, -0.246, 0.0),
    "TOES": (0.0, -0.027, 0.075),
}
_HEEL_OFFSET: Final = (0.0, -0.036, -0.028)
_TOE_TIP_OFFSET: Final = (0.004, -0.006, 0.034)

# The left hand's knuckles (the thumb's saddle joint) in metres from the wrist of a hand 0.19 m long: x to the
# fingertips, y to the back of the hand, z to the thumb. The middle knuckles stand highest: the palm's arch.
_KNUCKLES_M: Final = {
    "THUMB": (0.024, -0.012, 0.022),
    "INDEX": (0.0900, 0.001, 0.0265),
    "MIDDLE": (0.0905, 0.005, 0.0040),
    "RING": (0.0835, 0.003, -0.0165),
    "LITTLE": (0.0740, -0.003, -0.0355),
}
_PHALANGES_M: Final = {
    "THUMB": (0.0462, 0.0316, 0.0257),
    "INDEX": (0.0398, 0.0224, 0.0198),
    "MIDDLE": (0.0446, 0.0263, 0.0214),
    "RING": (0.0414, 0.0257, 0.0213),
    "LITTLE": (0.0327, 0.0181, 0.0200),
}
_HAND_LENGTH_M: Final = 0.0905 + 0.0446 + 0.0263 + 0.0214
_HAND_OF_HEIGHT: Final = 0.106
_STRAIGHT: Final = (1.0, 0.0, 0.0)
THUMB_REST_DIRECTION: Final = (float(np.sqrt(0.5)), 0.0, float(np.sqrt(0.5)))
"""Where the left thumb points at rest, in its hand's space."""


@dataclass(frozen=True)
class Body:
    """A body's measures: its height in metres, and how its parts compare with an average body of that height."""

    height_m: float = 1.75
    breadth: float = 1.0
    limbs: float = 1.0
    hands: float = 1.0

    @cached_property
    def offsets(self) -> FloatArray:
        """float64 (3, 54) metres: each joint at rest from its parent; the hips from the floor."""
        offsets = np.zeros((3, len(Joint)))
        for name, offset in _TRUNK_OFFSETS.items():
            offsets[:, Joint[name]] = np.array(offset) * self.height_m
        for side in SIDES:
            for name, offset in _LIMB_OFFSETS.items():
                offsets[:, sided(side, name)] = _mirrored(offset, side) * self._limb_scale(name)
            for digit in DIGITS:
                straight = self._digit_offsets(digit)
                for phalanx, offset in zip(PHALANGES, straight, strict=False):
                    offsets[:, sided(side, f"{digit}_{phalanx}")] = _mirrored(offset, side)
        legs = sum(offsets[1, sided(SIDES[0], name)] for name in ("LOWER_LEG", "FOOT"))
        offsets[1, Joint.HIPS] = -legs - min(_HEEL_OFFSET[1], _LIMB_OFFSETS["TOES"][1]) * self.height_m
        return offsets

    @cached_property
    def sites(self) -> dict[str, tuple[Joint, FloatArray]]:
        """Points that are no joints: the joint each moves with, and its place (3,) in metres from it at rest."""
        sites: dict[str, tuple[Joint, FloatArray]] = {}
        for side in SIDES:
            sites[f"{side.name}_HEEL"] = (sided(side, "FOOT"), _mirrored(_HEEL_OFFSET, side) * self.height_m)
            sites[f"{side.name}_TOE_TIP"] = (sided(side, "TOES"), _mirrored(_TOE_TIP_OFFSET, side) * self.height_m)
            for digit in DIGITS:
                tip = _mirrored(self._digit_offsets(digit)[-1], side)
                sites[f"{side.name}_{digit}_TIP"] = (sided(side, f"{digit}_DISTAL"), tip)
        return sites

    def _limb_scale(self, name: str) -> FloatArray:
        across = self.breadth if name in ("SHOULDER", "UPPER_LEG") else 1.0
        if name == "UPPER_ARM":
            return np.array([self.breadth, 1.0, 1.0]) * self.height_m
        along = self.limbs if name in ("LOWER_ARM", "HAND", "LOWER_LEG", "FOOT") else 1.0
        return np.array([across * along, along, along]) * self.height_m

    def _digit_offsets(self, digit: str) -> list[tuple[float, float, float]]:
        scale = self.height_m * _HAND_OF_HEIGHT / _HAND_LENGTH_M * self.hands
        x, y, z = THUMB_REST_DIRECTION if digit == "THUMB" else _STRAIGHT
        knuckle = _KNUCKLES_M[digit]
        bones = [(x * length * scale, y * length * scale, z * length * scale) for length in _PHALANGES_M[digit]]
        return [(knuckle[0] * scale, knuckle[1] * scale, knuckle[2] * scale), *bones]


def _mirrored(offset: tuple[float, float, float], side: int) -> FloatArray:
    return np.array(offset) * (1.0 if side == SIDES[0] else -1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Stance:
    """The joints over N instants: `rotations` (3, 3, 54, N) into body space, `positions` (3, 54, N) in metres."""

    rotations: FloatArray
    positions: FloatArray

    def moved(self, offset_m: FloatArray) -> "Stance":
        """The same stance elsewhere; `offset_m` is (3, N)."""
        return Stance(self.rotations, self.positions + offset_m[:, None])

    def site(self, joint: Joint, place_m: FloatArray) -> FloatArray:
        """(3, N) metres: where a point (3,) fixed to a joint is."""
        return np.asarray(self.positions[:, joint] + rotate(self.rotations[:, :, joint], place_m[:, None]))


def stand(offsets_m: FloatArray, local: FloatArray) -> Stance:
    """Forward kinematics.

    `offsets_m` (3, 54) are the body's, `local` (3, 3, 54, N) each joint's rotation from its parent. The hips are where
    their offset puts them.
    """
    instants = local.shape[-1]
    rotations = np.empty_like(local)
    positions = np.empty((3, len(Joint), instants))
    rotations[:, :, Joint.HIPS] = local[:, :, Joint.HIPS]
    positions[:, Joint.HIPS] = offsets_m[:, Joint.HIPS, None]
    for level in LEVELS[1:]:
        joints = [int(joint) for joint in level]
        parents = [int(PARENTS[joint]) for joint in level]
        above = rotations[:, :, parents]
        rotations[:, :, joints] = compose(above, local[:, :, joints])
        positions[:, joints] = positions[:, parents] + rotate(above, offsets_m[:, joints, None])
    return Stance(rotations, positions)
