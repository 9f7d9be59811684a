"""A posture over time as angles an anatomist would name, and the joint rotations they mean.

All angles are degrees, 0 at rest (the T-pose); face values run from 0 to 1. Limb and finger angles mean the same motion
on both sides.
"""

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final, Self

import numpy as np

from performers.joints import DIGITS, SIDES, Joint, Side, sided
from performers.rotations import FloatArray, compose, turn_about, turn_deg
from performers.skeleton import THUMB_REST_DIRECTION

_X, _Y, _Z = 0, 1, 2


class _Dof(IntEnum):
    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[int]) -> int:  # noqa: ARG004
        return count


class Trunk(_Dof):
    """Where the hips are (metres) and turned to; the spine's bend over its three joints, the neck's over its two."""

    ROOT_X = auto()
    """Metres to the person's left of the starting place, across the stage."""
    ROOT_LIFT = auto()
    """Metres the lowest point of the body is above the floor."""
    ROOT_Z = auto()
    """Metres towards the camera."""
    ROOT_PITCH = auto()
    """Forward is positive."""
    ROOT_YAW = auto()
    """To the person's left is positive."""
    ROOT_ROLL = auto()
    """The crown towards the person's left is positive."""
    SPINE_PITCH = auto()
    SPINE_YAW = auto()
    SPINE_ROLL = auto()
    NECK_PITCH = auto()
    NECK_YAW = auto()
    NECK_ROLL = auto()
    FEET_PINNED = auto()
    """1: the feet stay where they stand and the hips move; 0: the hips' place is the root's."""


class Limb(_Dof):
    """An arm and a leg of one side."""

    SHOULDER_RAISE = auto()
    ARM_DOWN = auto()
    """0 level with the shoulder, 90 hanging, -90 straight up."""
    ARM_FORWARD = auto()
    """Turns the lifted arm about the vertical, towards the front."""
    ARM_SWING = auto()
    """Turns the hanging arm about the shoulders' axis, towards the front."""
    ARM_INTERNAL = auto()
    """Turns the upper arm about its own length, inwards."""
    ELBOW = auto()
    """0 straight; flexion is positive."""
    PRONATION = auto()
    """Turns the forearm about its own length, the way that brings the thumb from up to inwards to down."""
    WRIST_FLEX = auto()
    """Towards the palm."""
    WRIST_DEVIATION = auto()
    """Towards the thumb."""
    HIP_FLEX = auto()
    HIP_ABDUCTION = auto()
    HIP_TWIST = auto()
    KNEE = auto()
    ANKLE = auto()
    """Toes up is positive."""
    TOES = auto()


class Finger(_Dof):
    """One hand."""

    THUMB_RADIAL = auto()
    """The whole thumb in the palm's plane, away from the fingers."""
    THUMB_PALMAR = auto()
    """The whole thumb out of the palm's plane, to the front of the palm."""
    THUMB_ROLL = auto()
    """The whole thumb about its own length: opposition."""
    THUMB_MCP = auto()
    THUMB_IP = auto()
    INDEX_SPREAD = auto()
    """Towards the thumb, as for the other fingers."""
    INDEX_MCP = auto()
    INDEX_PIP = auto()
    INDEX_DIP = auto()
    MIDDLE_SPREAD = auto()
    MIDDLE_MCP = auto()
    MIDDLE_PIP = auto()
    MIDDLE_DIP = auto()
    RING_SPREAD = auto()
    RING_MCP = auto()
    RING_PIP = auto()
    RING_DIP = auto()
    LITTLE_SPREAD = auto()
    LITTLE_MCP = auto()
    LITTLE_PIP = auto()
    LITTLE_DIP = auto()


class Face(_Dof):
    """What the face does, 0 to 1, and where the eyes look."""

    JAW_OPEN = auto()
    SMILE = auto()
    PUCKER = auto()
    BLINK_LEFT = auto()
    BLINK_RIGHT = auto()
    BROW_RAISE = auto()
    GAZE_YAW = auto()
    """Degrees to the person's left."""
    GAZE_PITCH = auto()
    """Degrees down."""


@dataclass(frozen=True)
class Posture:
    """float64 angles over N instants: trunk (13, N), limbs (2, 15, N), fingers (2, 21, N), face (8, N)."""

    trunk: FloatArray
    limbs: FloatArray
    fingers: FloatArray
    face: FloatArray

    @classmethod
    def rest(cls, instants: int) -> Self:
        """The T-pose, feet on the floor."""
        posture = cls(
            np.zeros((len(Trunk), instants)),
            np.zeros((len(SIDES), len(Limb), instants)),
            np.zeros((len(SIDES), len(Finger), instants)),
            np.zeros((len(Face), instants)),
        )
        posture.trunk[Trunk.FEET_PINNED] = 1.0
        return posture

    def rotations(self) -> FloatArray:
        """float64 (3, 3, 54, N): each joint's rotation from its parent."""
        instants = self.trunk.shape[-1]
        local = np.zeros((3, 3, len(Joint), instants))
        local[_X, _X] = local[_Y, _Y] = local[_Z, _Z] = 1.0
        self._turn_trunk(local)
        for side in SIDES:
            self._turn_arm(local, side)
            self._turn_leg(local, side)
            self._turn_thumb(local, side)
        self._turn_fingers(local)
        return local

    def _turn_trunk(self, local: FloatArray) -> None:
        trunk = self.trunk
        local[:, :, Joint.HIPS] = _bend(trunk[Trunk.ROOT_PITCH], trunk[Trunk.ROOT_YAW], trunk[Trunk.ROOT_ROLL])
        spine = trunk[[Trunk.SPINE_PITCH, Trunk.SPINE_YAW, Trunk.SPINE_ROLL]] / len(_SPINE)
        local[:, :, _SPINE] = _bend(*spine)[:, :, None]
        neck = trunk[[Trunk.NECK_PITCH, Trunk.NECK_YAW, Trunk.NECK_ROLL]]
        for joint, share in _NECK_SHARES:
            local[:, :, joint] = _bend(*(neck * share))
        gaze = compose(turn_deg(_Y, self.face[Face.GAZE_YAW]), turn_deg(_X, self.face[Face.GAZE_PITCH]))
        local[:, :, [Joint.LEFT_EYE, Joint.RIGHT_EYE]] = gaze[:, :, None]

    def _turn_arm(self, local: FloatArray, side: Side) -> None:
        limb, sign = self.limbs[side], _SIGNS[side]
        local[:, :, sided(side, "SHOULDER")] = turn_deg(_Z, sign * limb[Limb.SHOULDER_RAISE])
        lowered = compose(turn_deg(_Z, -sign * limb[Limb.ARM_DOWN]), turn_deg(_X, limb[Limb.ARM_INTERNAL]))
        forward = compose(turn_deg(_Y, -sign * limb[Limb.ARM_FORWARD]), lowered)
        local[:, :, sided(side, "UPPER_ARM")] = compose(turn_deg(_X, -limb[Limb.ARM_SWING]), forward)
        local[:, :, sided(side, "LOWER_ARM")] = compose(
            turn_deg(_Y, -sign * limb[Limb.ELBOW]), turn_deg(_X, limb[Limb.PRONATION])
        )
        local[:, :, sided(side, "HAND")] = compose(
            turn_deg(_Z, -sign * limb[Limb.WRIST_FLEX]), turn_deg(_Y, -sign * limb[Limb.WRIST_DEVIATION])
        )

    def _turn_leg(self, local: FloatArray, side: Side) -> None:
        limb, sign = self.limbs[side], _SIGNS[side]
        opened = compose(turn_deg(_Z, sign * limb[Limb.HIP_ABDUCTION]), turn_deg(_Y, sign * limb[Limb.HIP_TWIST]))
        local[:, :, sided(side, "UPPER_LEG")] = compose(turn_deg(_X, -limb[Limb.HIP_FLEX]), opened)
        local[:, :, sided(side, "LOWER_LEG")] = turn_deg(_X, limb[Limb.KNEE])
        local[:, :, sided(side, "FOOT")] = turn_deg(_X, -limb[Limb.ANKLE])
        local[:, :, sided(side, "TOES")] = turn_deg(_X, -limb[Limb.TOES])

    def _turn_thumb(self, local: FloatArray, side: Side) -> None:
        hand, sign = self.fingers[side], _SIGNS[side]
        along, across, hinge = (_mirror_axis(axis, sign)[:, None] for axis in _THUMB_AXES)
        opened = compose(turn_deg(_Y, -sign * hand[Finger.THUMB_RADIAL]), turn_about(across, hand[Finger.THUMB_PALMAR]))
        local[:, :, sided(side, "THUMB_PROXIMAL")] = compose(opened, turn_about(along, hand[Finger.THUMB_ROLL]))
        local[:, :, sided(side, "THUMB_INTERMEDIATE")] = turn_about(hinge, hand[Finger.THUMB_MCP])
        local[:, :, sided(side, "THUMB_DISTAL")] = turn_about(hinge, hand[Finger.THUMB_IP])

    def _turn_fingers(self, local: FloatArray) -> None:
        instants = self.trunk.shape[-1]
        sign = np.array(_SIGNS)[:, None, None, None]
        angles = self.fingers[:, Finger.INDEX_SPREAD :].reshape(len(SIDES), len(DIGITS) - 1, 4, instants) * -sign
        flexed = turn_deg(_Z, angles[:, :, 1:])
        flexed[:, :, :, :, 0] = compose(turn_deg(_Y, angles[:, :, 0]), flexed[:, :, :, :, 0])
        for side in SIDES:
            first = sided(side, "INDEX_PROXIMAL")
            local[:, :, first : first + 12] = flexed[:, :, side].reshape(3, 3, 12, instants)


def _bend(pitch: FloatArray, yaw: FloatArray, roll: FloatArray) -> FloatArray:
    return compose(turn_deg(_Y, yaw), compose(turn_deg(_X, pitch), turn_deg(_Z, -roll)))


def _mirror_axis(axis: FloatArray, sign: float) -> FloatArray:
    mirrored: FloatArray = axis * np.array([1.0, sign, sign])
    return mirrored


_SIGNS: Final = (1.0, -1.0)
_SPINE: Final = [int(Joint.SPINE), int(Joint.CHEST), int(Joint.UPPER_CHEST)]
_NECK_SHARES: Final = ((Joint.NECK, 0.4), (Joint.HEAD, 0.6))

# The left thumb's axes in its rest frame: about its length; that which lifts it out of the palm's plane; and the hinge
# of its two outer joints, halfway between the two planes, so that a bending thumb crosses the palm.
_ALONG: Final = np.array(THUMB_REST_DIRECTION)
_ACROSS: Final = np.cross([0.0, 1.0, 0.0], _ALONG)
_HINGE_TILT_RAD: Final = np.radians(40.0)
_THUMB_AXES: Final = (
    _ALONG,
    _ACROSS,
    np.cos(_HINGE_TILT_RAD) * np.array([0.0, 1.0, 0.0]) + np.sin(_HINGE_TILT_RAD) * _ACROSS,
)
