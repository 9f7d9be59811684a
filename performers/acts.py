"""What a performer can be told to do, and the cue through which an act moves the body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from performers.hand_shapes import HandShape, shape_angles
from performers.joints import SIDES, Side
from performers.posture import Face, Limb, Posture, Trunk
from performers.rotations import FloatArray, cos_sin

Value = float | FloatArray
Dof = TypeVar("Dof", bound=IntEnum)


class ActKind(StrEnum):
    """The repertoire."""

    IDLE = "idle"
    WAVE = "wave"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    OPEN = "open"
    CLOSED = "closed"
    POINTING = "pointing"
    VICTORY = "victory"
    OK = "ok"
    PINCH = "pinch"
    ROCK = "rock"
    I_LOVE_YOU = "i_love_you"
    THREE = "three"
    FOUR = "four"
    WALK = "walk"
    SQUAT = "squat"
    FALL = "fall"
    HANDS_OUT = "hands_out"
    LEAVE = "leave"
    SPEAK = "speak"
    BLINK = "blink"
    HEAD_TURN = "head_turn"
    T_POSE = "t_pose"
    PUSH_UP = "push_up"
    JUMPING_JACK = "jumping_jack"
    CURL = "curl"
    HALF_SQUAT = "half_squat"
    POOR_SQUAT = "poor_squat"
    SIDEWAYS = "sideways"
    NOD = "nod"
    SHAKE = "shake"
    CLAP = "clap"
    SWIPE_LEFT = "swipe_left"
    SWIPE_RIGHT = "swipe_right"
    SWIPE_UP = "swipe_up"
    SWIPE_DOWN = "swipe_down"
    CIRCLE_CLOCKWISE = "circle_clockwise"
    CIRCLE_COUNTER_CLOCKWISE = "circle_counter_clockwise"
    RAISE_HAND = "raise_hand"
    CROSS_ARMS = "cross_arms"
    JUMP = "jump"
    SIT = "sit"
    REACH_FACE = "reach_face"
    GESTICULATE = "gesticulate"


@dataclass(frozen=True)
class Act:
    """One act of a script, from `start_s` to `end_s`; the body eases into it and out of it within `ease_s` at each end.

    `side` is the hand that does it, where one hand does. `repetition_s` is about how long each repetition of an
    exercise takes: a whole number of them fills the act.
    """

    kind: ActKind
    start_s: float
    end_s: float
    side: Side = Side.RIGHT
    ease_s: float = 0.6
    repetition_s: float | None = None

    def __post_init__(self) -> None:
        if not self.end_s > self.start_s >= 0.0:
            raise ValueError(f"an act runs forward from 0 on, not from {self.start_s} to {self.end_s} s")

    @property
    def seconds(self) -> float:
        """How long it takes, easing included."""
        return self.end_s - self.start_s

    @property
    def held_s(self) -> tuple[float, float]:
        """From when to when the body is wholly in it."""
        ease_s = min(self.ease_s, self.seconds / 2)
        return self.start_s + ease_s, self.end_s - ease_s


@dataclass(frozen=True)
class Cue:
    """An act on its way into a posture: the instants it touches (`rows`), the seconds since it began there, and how far
    the body is in it, 0 to 1. What is set is mixed with what the posture held by that weight."""

    act: Act
    posture: Posture
    rows: NDArray[np.intp]
    elapsed_s: FloatArray
    weight: FloatArray

    def trunk(self, values: Mapping[Trunk, Value]) -> None:
        """Set angles of the trunk, or the place of the hips."""
        self._mix(self.posture.trunk, values)

    def limb(self, side: Side, values: Mapping[Limb, Value]) -> None:
        """Set angles of a side's arm and leg."""
        self._mix(self.posture.limbs[side], values)

    def both(self, values: Mapping[Limb, Value]) -> None:
        """Set the same angles on both sides."""
        for side in SIDES:
            self.limb(side, values)

    def hand(self, side: Side, shape: HandShape) -> None:
        """Set a hand's shape."""
        target = shape_angles(shape)[:, None]
        fingers = self.posture.fingers[side]
        fingers[:, self.rows] += self.weight * (target - fingers[:, self.rows])

    def face(self, values: Mapping[Face, Value]) -> None:
        """Set what the face does."""
        self._mix(self.posture.face, values)

    def swing(self, hertz: float, phase: float = 0.0) -> FloatArray:
        """A sine of the seconds since the act began, -1 to 1; `phase` in turns."""
        return cos_sin(2.0 * np.pi * (hertz * self.elapsed_s + phase))[1]

    def _mix(self, angles: FloatArray, values: Mapping[Dof, Value]) -> None:
        for dof, value in values.items():
            angles[dof, self.rows] += self.weight * (value - angles[dof, self.rows])


Motion = Callable[[Cue], None]
"""What an act does with its cue."""


def ease(share: FloatArray) -> FloatArray:
    """0 to 1 as `share` goes from 0 to 1, with no jerk at either end (Perlin's quintic)."""
    clipped = np.clip(share, 0.0, 1.0)
    eased: FloatArray = clipped * clipped * clipped * (clipped * (clipped * 6.0 - 15.0) + 10.0)
    return eased


def cue_act(act: Act, posture: Posture, at_s: FloatArray) -> Cue | None:
    """The cue of an act for the instants `at_s` (N,), or None where it touches none of them."""
    rows = np.flatnonzero((at_s > act.start_s) & (at_s < act.end_s))
    if not len(rows):
        return None
    elapsed_s = at_s[rows] - act.start_s
    ease_s = min(act.ease_s, act.seconds / 2)
    weight = ease(elapsed_s / ease_s) * ease((act.seconds - elapsed_s) / ease_s)
    return Cue(act, posture, rows, elapsed_s, weight)


HAND_ACTS: Final[dict[ActKind, HandShape]] = {
    ActKind.WAVE: HandShape.OPEN,
    ActKind.THUMBS_UP: HandShape.THUMB_OUT,
    ActKind.THUMBS_DOWN: HandShape.THUMB_OUT,
    ActKind.OPEN: HandShape.OPEN,
    ActKind.CLOSED: HandShape.CLOSED,
    ActKind.POINTING: HandShape.POINTING,
    ActKind.VICTORY: HandShape.VICTORY,
    ActKind.OK: HandShape.OK,
    ActKind.PINCH: HandShape.PINCH,
    ActKind.ROCK: HandShape.ROCK,
    ActKind.I_LOVE_YOU: HandShape.I_LOVE_YOU,
    ActKind.THREE: HandShape.THREE,
    ActKind.FOUR: HandShape.FOUR,
}
"""The acts of one hand, and the shape it takes."""
