"""How each act moves the body."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from performers.acts import HAND_ACTS, Act, ActKind, Cue, Motion, ease
from performers.exercises import EXERCISE_MOTIONS
from performers.hand_shapes import HandShape
from performers.joints import SIDES, Side
from performers.posture import Face, Limb, Trunk
from performers.rotations import FloatArray, cos_sin
from performers.signals import SIGNALS

_RAISED_PALM: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: 71.0, Limb.ARM_FORWARD: 0.0, Limb.ARM_SWING: 38.0, Limb.ARM_INTERNAL: -22.0,
    Limb.ELBOW: 127.0, Limb.PRONATION: 61.0, Limb.WRIST_FLEX: -10.0, Limb.WRIST_DEVIATION: 5.0,
}  # fmt: skip
_RING_SHOWN: Final[Mapping[Limb, float]] = {**_RAISED_PALM, Limb.PRONATION: 30.0}
"""The palm half turned away, so that a ring of thumb and index finger is seen through."""
_THUMB_UPWARD: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: 46.0, Limb.ARM_FORWARD: 0.0, Limb.ARM_SWING: 26.0, Limb.ARM_INTERNAL: 34.0,
    Limb.ELBOW: 106.0, Limb.PRONATION: -36.0, Limb.WRIST_FLEX: 15.0, Limb.WRIST_DEVIATION: -3.0,
}  # fmt: skip
_THUMB_DOWNWARD: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: -3.0, Limb.ARM_FORWARD: 39.0, Limb.ARM_SWING: 0.0, Limb.ARM_INTERNAL: 28.0,
    Limb.ELBOW: 97.0, Limb.PRONATION: 95.0, Limb.WRIST_FLEX: 11.0, Limb.WRIST_DEVIATION: -20.0,
}  # fmt: skip
_WAVING: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: 22.0, Limb.ARM_FORWARD: 12.0, Limb.ARM_SWING: 0.0, Limb.ARM_INTERNAL: -84.0,
    Limb.ELBOW: 88.0, Limb.PRONATION: 4.0, Limb.WRIST_FLEX: 0.0, Limb.WRIST_DEVIATION: 0.0,
}  # fmt: skip
_ARMS_UP: Final[Mapping[Limb, float]] = {
    Limb.SHOULDER_RAISE: 22.0, Limb.ARM_DOWN: -66.0, Limb.ARM_FORWARD: 0.0, Limb.ARM_SWING: 0.0,
    Limb.ARM_INTERNAL: -80.0, Limb.ELBOW: 4.0, Limb.PRONATION: 0.0, Limb.WRIST_FLEX: 0.0, Limb.WRIST_DEVIATION: 0.0,
}  # fmt: skip

_WAVE_HZ: Final = 1.7
_SQUAT_S: Final = 2.8
_FALL_S: Final = 0.9
_RISE_S: Final = 1.6
_STEP_HALF_TURN_M: Final = 0.65
_WALK_SPEED: Final = 1.15
_WALK_REACH_M: Final = 1.0
_LEAVE_REACH_M: Final = 2.4
_LEAVE_S: Final = 3.2
_BLINK_S: Final = 0.24
_BLINK_EVERY_S: Final = 0.7


def _show_hand(arm: Mapping[Limb, float]) -> Motion:
    def show(cue: Cue) -> None:
        cue.limb(cue.act.side, arm)
        cue.hand(cue.act.side, HAND_ACTS[cue.act.kind])

    return show


def _wave(cue: Cue) -> None:
    cue.limb(cue.act.side, _WAVING)
    cue.limb(cue.act.side, {Limb.ELBOW: _WAVING[Limb.ELBOW] + 24.0 * cue.swing(_WAVE_HZ)})
    cue.hand(cue.act.side, HandShape.OPEN)


def _walk(cue: Cue) -> None:
    """Across the stage and back, turning at the ends; ends where it began."""
    reach_m = min(_WALK_REACH_M, cue.act.seconds * _WALK_SPEED / (2.0 * np.pi))
    crossings = max(1, round(cue.act.seconds * _WALK_SPEED / (2.0 * np.pi * reach_m)))
    per_s = 2.0 * np.pi * crossings / cue.act.seconds
    cos, sin = cos_sin(per_s * cue.elapsed_s)
    half_turns = np.floor(per_s * cue.elapsed_s / np.pi + 0.5)
    way_m = reach_m * (2.0 * half_turns + (1.0 - 2.0 * (half_turns % 2)) * sin)
    _stride(cue, reach_m * sin, way_m, reach_m * per_s * cos)


def _leave(cue: Cue) -> None:
    """Out of the picture on one side, and back in at the end."""
    ease_s = min(_LEAVE_S, cue.act.seconds / 2)
    going, coming = cue.elapsed_s / ease_s, (cue.act.seconds - cue.elapsed_s) / ease_s
    way = _LEAVE_REACH_M * np.minimum(ease(going), ease(coming))
    slope = np.where(going < coming, _ease_slope(going), -_ease_slope(coming)) * (_LEAVE_REACH_M / ease_s)
    sign = 1.0 if cue.act.side is Side.LEFT else -1.0
    _stride(cue, sign * way, way, sign * slope)


def _ease_slope(share: FloatArray) -> FloatArray:
    clipped = np.clip(share, 0.0, 1.0)
    slope: FloatArray = 30.0 * clipped * clipped * (1.0 - clipped) * (1.0 - clipped)
    return slope


def _stride(cue: Cue, x_m: FloatArray, way_m: FloatArray, speed: FloatArray) -> None:
    """Walk: `x_m` across the stage, having gone `way_m`, at `speed` metres a second to the person's left at first."""
    pace = np.clip(np.abs(speed) / _WALK_SPEED, 0.0, 1.1)
    cue.trunk({
        Trunk.FEET_PINNED: 0.0, Trunk.ROOT_X: x_m, Trunk.ROOT_YAW: 80.0 * np.clip(1.6 * speed / _WALK_SPEED, -1.0, 1.0),
        Trunk.SPINE_PITCH: 2.0 * pace,
    })  # fmt: skip
    for side in SIDES:
        cos, sin = cos_sin(np.pi * (way_m / _STEP_HALF_TURN_M + side))
        lifted = np.maximum(cos, 0.0)
        cue.limb(side, {
            Limb.HIP_FLEX: pace * (4.0 + 24.0 * sin), Limb.KNEE: 4.0 + pace * 52.0 * lifted * lifted,
            Limb.ANKLE: 2.0 + pace * 7.0 * sin, Limb.HIP_ABDUCTION: 2.0,
            Limb.ARM_SWING: -20.0 * pace * sin, Limb.ELBOW: 18.0 - 10.0 * pace * sin,
        })  # fmt: skip


def squat_starts_s(act: Act) -> tuple[float, ...]:
    """When each repetition of a squat act begins, standing; the last ends with the act."""
    repetitions = max(1, round(act.seconds / (act.repetition_s or _SQUAT_S)))
    return tuple(act.start_s + act.seconds * done / repetitions for done in range(repetitions))


def _squat(cue: Cue) -> None:
    cos, _ = cos_sin(2.0 * np.pi * len(squat_starts_s(cue.act)) / cue.act.seconds * cue.elapsed_s)
    depth = 0.5 * (1.0 - cos)
    lean, thigh, shank = 34.0 * depth, 76.0 * depth, 28.0 * depth
    cue.trunk({Trunk.ROOT_PITCH: lean, Trunk.NECK_PITCH: -0.6 * lean})
    cue.both({
        Limb.HIP_FLEX: lean + thigh, Limb.KNEE: thigh + shank, Limb.ANKLE: shank, Limb.HIP_ABDUCTION: 5.0 + 9.0 * depth,
        Limb.ARM_SWING: 12.0 + 84.0 * depth + lean, Limb.ELBOW: 12.0, Limb.ARM_INTERNAL: 0.0,
    })  # fmt: skip


def _fall(cue: Cue) -> None:
    """Sideways to the floor, still there, then up again."""
    down = np.clip(cue.elapsed_s / min(_FALL_S, cue.act.seconds / 3), 0.0, 1.0)
    up = ease((cue.act.seconds - cue.elapsed_s) / min(_RISE_S, cue.act.seconds / 3))
    fallen = down * down * (3.0 - 2.0 * down) * up
    sign = 1.0 if cue.act.side is Side.LEFT else -1.0
    cue.trunk({
        Trunk.ROOT_ROLL: sign * 84.0 * fallen, Trunk.ROOT_PITCH: 6.0 * fallen, Trunk.SPINE_ROLL: -sign * 12.0 * fallen,
        Trunk.ROOT_X: -sign * 0.8 * fallen,
    })  # fmt: skip
    cue.both({Limb.KNEE: 34.0 * fallen, Limb.HIP_FLEX: 26.0 * fallen})
    cue.limb(cue.act.side, {Limb.ARM_SWING: 70.0 * fallen, Limb.ELBOW: 15.0 + 45.0 * fallen})


def _raise_hands_out(cue: Cue) -> None:
    cue.both(_ARMS_UP)


def _speak(cue: Cue) -> None:
    syllables = 0.5 * (1.0 + cue.swing(4.3)) * (0.65 + 0.35 * cue.swing(0.9, 0.2)) * (0.8 + 0.2 * cue.swing(2.7))
    cue.face({
        Face.JAW_OPEN: 0.42 * syllables, Face.PUCKER: 0.3 * (0.5 + 0.5 * cue.swing(1.9, 0.4)),
        Face.SMILE: 0.15, Face.BROW_RAISE: 0.25 * np.maximum(cue.swing(0.45), 0.0),
    })  # fmt: skip
    cue.trunk({Trunk.NECK_PITCH: 2.5 * cue.swing(0.8), Trunk.NECK_ROLL: 2.0 * cue.swing(0.37)})


def blink_starts_s(act: Act) -> tuple[float, ...]:
    """When each blink of a blink act begins; it is over 0.24 s later."""
    first_s, last_s = act.held_s
    count = max(1, int((last_s - first_s) / _BLINK_EVERY_S))
    return tuple(first_s + _BLINK_EVERY_S * blink for blink in range(count))


def blink_strength(since_s: FloatArray) -> FloatArray:
    """How closed the eyes are `since_s` seconds after a blink began: shut in a third of the time, open in the rest."""
    closing = ease(since_s / (_BLINK_S / 3.0))
    opening = ease((_BLINK_S - since_s) / (_BLINK_S * 0.55))
    return np.minimum(closing, opening)


def _blink(cue: Cue) -> None:
    starts_s = blink_starts_s(cue.act)
    since_s = cue.act.start_s + cue.elapsed_s - starts_s[0]
    within = (since_s >= 0.0) & (since_s < len(starts_s) * _BLINK_EVERY_S)
    shut = np.where(within, blink_strength(since_s % _BLINK_EVERY_S), 0.0)
    cue.face({Face.BLINK_LEFT: shut, Face.BLINK_RIGHT: shut})


def _turn_head(cue: Cue) -> None:
    """To the left and then to the right."""
    angle = 52.0 * cue.swing(1.0 / cue.act.seconds)
    cue.trunk({Trunk.NECK_YAW: angle, Trunk.NECK_PITCH: 0.0, Trunk.NECK_ROLL: 0.0})


def _hold_t_pose(cue: Cue) -> None:
    for angles in (cue.posture.trunk, *cue.posture.limbs, *cue.posture.fingers):
        angles[:, cue.rows] *= 1.0 - cue.weight
    cue.trunk({Trunk.FEET_PINNED: 1.0})


def _idle(_cue: Cue) -> None:
    """The body is never still by itself: nothing to add."""


MOTIONS: Final[Mapping[ActKind, Motion]] = {kind: _show_hand(_RAISED_PALM) for kind in HAND_ACTS} | {
    ActKind.IDLE: _idle,
    ActKind.WAVE: _wave,
    ActKind.OK: _show_hand(_RING_SHOWN),
    ActKind.PINCH: _show_hand(_RING_SHOWN),
    ActKind.THUMBS_UP: _show_hand(_THUMB_UPWARD),
    ActKind.THUMBS_DOWN: _show_hand(_THUMB_DOWNWARD),
    ActKind.WALK: _walk,
    ActKind.SQUAT: _squat,
    ActKind.FALL: _fall,
    ActKind.HANDS_OUT: _raise_hands_out,
    ActKind.LEAVE: _leave,
    ActKind.SPEAK: _speak,
    ActKind.BLINK: _blink,
    ActKind.HEAD_TURN: _turn_head,
    ActKind.T_POSE: _hold_t_pose,
    **EXERCISE_MOTIONS,
    **SIGNALS,
}
