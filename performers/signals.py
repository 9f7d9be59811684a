"""Acts that mean something over time: nods, claps, swipes and their like; jumping and sitting down."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from performers.acts import Act, ActKind, Cue, Motion, ease
from performers.hand_shapes import HandShape
from performers.joints import Side
from performers.posture import Limb, Trunk
from performers.rotations import FloatArray, cos_sin

_FORWARD_ARM: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: 8.0, Limb.ARM_FORWARD: 85.0, Limb.ARM_SWING: 0.0, Limb.ARM_INTERNAL: 0.0,
    Limb.ELBOW: 14.0, Limb.PRONATION: 0.0, Limb.WRIST_FLEX: 0.0, Limb.WRIST_DEVIATION: 0.0,
}  # fmt: skip
_PALMS_APART: Final[Mapping[Limb, float]] = {
    Limb.ARM_DOWN: 66.9, Limb.ARM_FORWARD: 40.0, Limb.ARM_SWING: 0.0, Limb.ARM_INTERNAL: -39.7,
    Limb.ELBOW: 103.6, Limb.PRONATION: 20.0, Limb.WRIST_FLEX: 0.0, Limb.WRIST_DEVIATION: 0.0,
}  # fmt: skip
_PALMS_TOGETHER: Final[Mapping[Limb, float]] = {
    **_PALMS_APART, Limb.ARM_DOWN: 63.7, Limb.ARM_FORWARD: 77.6, Limb.ARM_INTERNAL: -37.2, Limb.ELBOW: 95.2,
}  # fmt: skip
_CROSSED: Final = {
    Side.LEFT: {Limb.ARM_DOWN: 59.5, Limb.ARM_FORWARD: 125.0, Limb.ARM_INTERNAL: -51.1, Limb.ELBOW: 76.6},
    Side.RIGHT: {Limb.ARM_DOWN: 63.2, Limb.ARM_FORWARD: 115.9, Limb.ARM_INTERNAL: -33.7, Limb.ELBOW: 81.1},
}
_RAISED: Final[Mapping[Limb, float]] = {
    Limb.SHOULDER_RAISE: 10.0, Limb.ARM_DOWN: -22.0, Limb.ARM_FORWARD: 10.0, Limb.ARM_SWING: 0.0,
    Limb.ARM_INTERNAL: -86.0, Limb.ELBOW: 62.0, Limb.PRONATION: 0.0, Limb.WRIST_FLEX: 0.0, Limb.WRIST_DEVIATION: 0.0,
}  # fmt: skip

_HANDS_AT_CHEEKS: Final[Mapping[Limb, float]] = {
    **_PALMS_APART, Limb.ARM_DOWN: 29.3, Limb.ARM_FORWARD: 91.4, Limb.ARM_INTERNAL: -65.9, Limb.ELBOW: 138.9,
}  # fmt: skip

_NOD_HZ: Final = 1.5
_NOD_DEG: Final = 17.0
_SHAKE_HZ: Final = 1.4
_SHAKE_DEG: Final = 20.0
_CLAP_HZ: Final = 1.6
_SWIPE_S: Final = 0.3
_SWIPE_HELD_S: Final = 0.35
_SWIPE_RETURN_S: Final = 0.5
_CIRCLE_S: Final = 0.9
_CIRCLE_DEG: Final = 15.0
_CROUCH_S: Final = 0.45
_JUMP_M: Final = 0.22
_GRAVITY: Final = 9.81
_SITTING_DOWN_S: Final = 1.1
_REACH_HZ: Final = 0.55
_REACH_S: Final = 0.4


def _repeat(act: Act, hertz: float) -> tuple[float, ...]:
    """When each of as many repetitions as fit between easing in and out begins."""
    first_s, last_s = act.held_s
    count = max(1, int((last_s - first_s) * hertz))
    return tuple(first_s + done / hertz for done in range(count))


def _cycle(cue: Cue, hertz: float) -> tuple[FloatArray, FloatArray]:
    """Cosine and sine of the repetitions of `_repeat`; 1 and 0 before and after them."""
    starts_s = _repeat(cue.act, hertz)
    since_s = np.clip(cue.act.start_s + cue.elapsed_s - starts_s[0], 0.0, len(starts_s) / hertz)
    return cos_sin(2.0 * np.pi * hertz * since_s)


def nod_starts_s(act: Act) -> tuple[float, ...]:
    """When each dip of the head begins in a nod act."""
    return _repeat(act, _NOD_HZ)


def _nod(cue: Cue) -> None:
    cos, _ = _cycle(cue, _NOD_HZ)
    cue.trunk({Trunk.NECK_PITCH: _NOD_DEG * 0.5 * (1.0 - cos), Trunk.NECK_YAW: 0.0, Trunk.NECK_ROLL: 0.0})


def shake_starts_s(act: Act) -> tuple[float, ...]:
    """When each turn of the head to the left and to the right begins in a shake act."""
    return _repeat(act, _SHAKE_HZ)


def _shake(cue: Cue) -> None:
    _, sin = _cycle(cue, _SHAKE_HZ)
    cue.trunk({Trunk.NECK_YAW: _SHAKE_DEG * sin, Trunk.NECK_PITCH: 0.0, Trunk.NECK_ROLL: 0.0})


def clap_times_s(act: Act) -> tuple[float, ...]:
    """When the palms meet in a clap act."""
    return tuple(start_s + 0.5 / _CLAP_HZ for start_s in _repeat(act, _CLAP_HZ))


def _clap(cue: Cue) -> None:
    cos, _ = _cycle(cue, _CLAP_HZ)
    # The hands rush together and linger apart.
    closed = (0.5 * (1.0 - cos)) ** 2
    cue.both({limb: apart + (_PALMS_TOGETHER[limb] - apart) * closed for limb, apart in _PALMS_APART.items()})
    for side in Side:
        cue.hand(side, HandShape.FLAT)


_SWIPES: Final = {
    ActKind.SWIPE_LEFT: (1.0, 0.0),
    ActKind.SWIPE_RIGHT: (-1.0, 0.0),
    ActKind.SWIPE_UP: (0.0, 1.0),
    ActKind.SWIPE_DOWN: (0.0, -1.0),
}
"""Which way the hand goes, as the person sees it: to their left, and up."""


def swipe_s(act: Act) -> tuple[float, float]:
    """From when to when the stroke of a swipe act lasts; the hand goes back, slower, a third of a second later."""
    start_s = act.start_s + 0.4 * act.seconds
    return start_s, start_s + _SWIPE_S


def _swipe(cue: Cue) -> None:
    start_s, end_s = (at_s - cue.act.start_s for at_s in swipe_s(cue.act))
    there = ease((cue.elapsed_s - start_s) / _SWIPE_S)
    back = ease((cue.elapsed_s - end_s - _SWIPE_HELD_S) / _SWIPE_RETURN_S)
    way = 2.0 * there * (1.0 - back) - 1.0
    leftwards, upwards = _SWIPES[cue.act.kind]
    inwards = leftwards if cue.act.side is Side.RIGHT else -leftwards
    # Up and down beside the body, to and fro before it.
    cue.limb(cue.act.side, {
        **_FORWARD_ARM, Limb.ARM_FORWARD: _FORWARD_ARM[Limb.ARM_FORWARD] + 32.0 * inwards * way - 20.0 * abs(upwards),
        Limb.ARM_DOWN: _FORWARD_ARM[Limb.ARM_DOWN] + abs(upwards) * (6.0 - 23.0 * upwards * way),
    })  # fmt: skip
    cue.hand(cue.act.side, HandShape.FLAT)


def circle_starts_s(act: Act) -> tuple[float, ...]:
    """When each round of a circle act begins, at its top."""
    return _repeat(act, 1.0 / _CIRCLE_S)


def _circle(cue: Cue) -> None:
    """Clockwise is what the camera sees."""
    cos, sin = _cycle(cue, 1.0 / _CIRCLE_S)
    leftwards = 1.0 if cue.act.kind is ActKind.CIRCLE_CLOCKWISE else -1.0
    inwards = leftwards if cue.act.side is Side.RIGHT else -leftwards
    cue.limb(cue.act.side, {
        **_FORWARD_ARM, Limb.ARM_FORWARD: _FORWARD_ARM[Limb.ARM_FORWARD] + _CIRCLE_DEG * inwards * sin,
        Limb.ARM_DOWN: _FORWARD_ARM[Limb.ARM_DOWN] - _CIRCLE_DEG * cos,
    })  # fmt: skip
    cue.hand(cue.act.side, HandShape.POINTING)


def _raise_hand(cue: Cue) -> None:
    cue.limb(cue.act.side, _RAISED)
    cue.hand(cue.act.side, HandShape.OPEN)


def _cross_arms(cue: Cue) -> None:
    for side, arm in _CROSSED.items():
        cue.limb(side, {**arm, Limb.ARM_SWING: 0.0, Limb.PRONATION: 30.0})


def jump_s(act: Act) -> tuple[float, float]:
    """From when to when the feet of a jump act are off the floor."""
    air_s = 2.0 * float(np.sqrt(2.0 * _JUMP_M / _GRAVITY))
    start_s = act.start_s + 0.5 * (act.seconds - air_s)
    return start_s, start_s + air_s


def _jump(cue: Cue) -> None:
    """A dip, a flight, and a dip to land."""
    start_s, end_s = (at_s - cue.act.start_s for at_s in jump_s(cue.act))
    air_s = end_s - start_s
    flown = np.clip((cue.elapsed_s - start_s) / air_s, 0.0, 1.0)
    dips = [ease(1.0 - np.abs(cue.elapsed_s - middle_s) / _CROUCH_S) for middle_s in (start_s - 0.3, end_s + 0.15)]
    depth = dips[0] + 0.7 * dips[1]
    cue.trunk({Trunk.ROOT_LIFT: 4.0 * _JUMP_M * flown * (1.0 - flown), Trunk.ROOT_PITCH: 12.0 * depth})
    cue.both({Limb.HIP_FLEX: 44.0 * depth, Limb.KNEE: 64.0 * depth, Limb.ANKLE: 26.0 * depth,
              Limb.ARM_SWING: -20.0 * dips[0] + 60.0 * flown * (1.0 - flown), Limb.ELBOW: 20.0})  # fmt: skip


def sit_s(act: Act) -> tuple[float, float]:
    """From when to when the body of a sit act is wholly seated."""
    return act.start_s + _SITTING_DOWN_S, act.end_s - _SITTING_DOWN_S


def _sit(cue: Cue) -> None:
    """Down on a chair, and up again at the end."""
    seated = ease(cue.elapsed_s / _SITTING_DOWN_S) * ease((cue.act.seconds - cue.elapsed_s) / _SITTING_DOWN_S)
    lean = 4.0 + 120.0 * seated * (1.0 - seated)
    cue.trunk({Trunk.ROOT_PITCH: lean * seated})
    cue.both({
        Limb.HIP_FLEX: (88.0 + lean) * seated, Limb.KNEE: 88.0 * seated, Limb.ANKLE: 0.0, Limb.HIP_ABDUCTION: 5.0,
        Limb.ARM_DOWN: 79.0, Limb.ARM_SWING: 14.0 * seated, Limb.ELBOW: 16.0 + 48.0 * seated,
    })  # fmt: skip


def _reach_face(cue: Cue) -> None:
    """Both hands from the chest to the cheeks and back, with a rest at each end."""
    starts_s = _repeat(cue.act, _REACH_HZ)
    since_s = cue.act.start_s + cue.elapsed_s - starts_s[0]
    within = (since_s >= 0.0) & (since_s < len(starts_s) / _REACH_HZ)
    in_turn_s = since_s % (1.0 / _REACH_HZ)
    there = np.where(within, ease(in_turn_s / _REACH_S) * ease((0.6 / _REACH_HZ - in_turn_s) / _REACH_S), 0.0)
    cue.both({limb: apart + (_HANDS_AT_CHEEKS[limb] - apart) * there for limb, apart in _PALMS_APART.items()})


def _gesticulate(cue: Cue) -> None:
    """The hands of someone who explains something: both before the chest, beating and opening as they please."""
    for side in Side:
        phase = 0.37 * side
        cue.limb(side, {
            **_PALMS_APART,
            Limb.ARM_DOWN: 68.0 + 5.0 * cue.swing(0.43, phase),
            Limb.ARM_FORWARD: 34.0 + 9.0 * cue.swing(0.31, 0.2 + phase),
            Limb.ARM_INTERNAL: -34.0 + 9.0 * cue.swing(0.83, phase) + 5.0 * cue.swing(1.31, 0.1 + phase),
            Limb.ELBOW: 92.0 + 11.0 * cue.swing(1.07, 0.4 + phase) + 8.0 * cue.swing(0.52, phase),
        })  # fmt: skip
        cue.hand(side, HandShape.FLAT)


SIGNALS: Final[Mapping[ActKind, Motion]] = {
    ActKind.NOD: _nod,
    ActKind.SHAKE: _shake,
    ActKind.CLAP: _clap,
    **dict.fromkeys(_SWIPES, _swipe),
    ActKind.CIRCLE_CLOCKWISE: _circle,
    ActKind.CIRCLE_COUNTER_CLOCKWISE: _circle,
    ActKind.RAISE_HAND: _raise_hand,
    ActKind.CROSS_ARMS: _cross_arms,
    ActKind.JUMP: _jump,
    ActKind.SIT: _sit,
    ActKind.REACH_FACE: _reach_face,
    ActKind.GESTICULATE: _gesticulate,
}
