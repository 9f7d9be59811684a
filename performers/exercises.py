"""Exercises a performer can do, repetition by repetition: push-ups, jumping jacks, curls, and squats done badly.

The repetitions of an act fill the time in which the body is wholly in it, evenly, and each begins and ends at rest.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from performers.acts import Act, ActKind, Cue, Motion
from performers.hand_shapes import HandShape
from performers.joints import SIDES, Side
from performers.posture import Limb, Trunk
from performers.rotations import FloatArray, cos_sin

_USUAL_S: Final[dict[ActKind, float]] = {
    ActKind.PUSH_UP: 2.2,
    ActKind.JUMPING_JACK: 1.2,
    ActKind.CURL: 2.6,
    ActKind.HALF_SQUAT: 2.4,
    ActKind.POOR_SQUAT: 2.8,
}
"""How long a repetition takes where the act does not say."""

_PUSH_UP_ELBOW: Final = 105.0
_UPPER_ARM: Final = 0.172
_FOREARM: Final = 0.146
_SHOULDERS_TO_ANKLES: Final = 0.775
_WRIST_OVER_ANKLE: Final = -0.075
"""Lengths are fractions of the body's height; a wrist is lower than an ankle above its toes."""
_ELBOW_BACK: Final = _FOREARM / (_UPPER_ARM + _FOREARM)
"""By which share of its bend an elbow under load lies behind the line from shoulder to hand."""
_DEG: Final = 180.0 / np.pi


def repetition_starts_s(act: Act) -> tuple[float, ...]:
    """When each repetition of an exercise begins, at rest; the last ends where the body begins to ease out."""
    first_s, last_s = act.held_s
    repetition_s = _USUAL_S[act.kind] if act.repetition_s is None else act.repetition_s
    repetitions = max(1, round((last_s - first_s) / repetition_s))
    return tuple(first_s + (last_s - first_s) * done / repetitions for done in range(repetitions))


def _effort(cue: Cue) -> FloatArray:
    """0 at rest to 1 in the middle of a repetition."""
    first_s, last_s = cue.act.held_s
    within_s = np.clip(cue.act.start_s + cue.elapsed_s - first_s, 0.0, last_s - first_s)
    cos, _ = cos_sin(2.0 * np.pi * len(repetition_starts_s(cue.act)) / (last_s - first_s) * within_s)
    effort: FloatArray = 0.5 * (1.0 - cos)
    return effort


def _push_up(cue: Cue) -> None:
    """On hands and toes, seen from the side; the act's side is where the head is, the person's own."""
    effort = _effort(cue)
    elbow = 4.0 + (_PUSH_UP_ELBOW - 4.0) * effort
    # The hands stay under the shoulders: as far away as the third side of the triangle that the elbow makes.
    reach = np.sqrt(
        _UPPER_ARM * _UPPER_ARM + _FOREARM * _FOREARM + 2.0 * _UPPER_ARM * _FOREARM * cos_sin(np.radians(elbow))[0]
    )
    shoulders_up = reach + _WRIST_OVER_ANKLE
    rise = shoulders_up / _SHOULDERS_TO_ANKLES
    pitch = 90.0 - _DEG * (rise + rise * rise * rise / 6.0)
    sign = 1.0 if cue.act.side is Side.LEFT else -1.0
    cue.trunk({
        Trunk.ROOT_PITCH: pitch, Trunk.ROOT_YAW: sign * 90.0, Trunk.ROOT_X: -sign * 0.75, Trunk.FEET_PINNED: 1.0,
        Trunk.SPINE_PITCH: 0.0, Trunk.NECK_PITCH: -30.0,
    })  # fmt: skip
    cue.both({
        Limb.HIP_FLEX: 0.0, Limb.KNEE: 3.0, Limb.ANKLE: 18.0, Limb.TOES: 40.0, Limb.HIP_ABDUCTION: 4.0,
        Limb.ARM_DOWN: 82.0, Limb.ARM_FORWARD: 0.0, Limb.ARM_SWING: pitch - _ELBOW_BACK * elbow, Limb.ARM_INTERNAL: 0.0,
        Limb.ELBOW: elbow, Limb.PRONATION: 90.0, Limb.WRIST_FLEX: -80.0, Limb.WRIST_DEVIATION: 0.0,
    })  # fmt: skip
    for side in SIDES:
        cue.hand(side, HandShape.OPEN)


def _jumping_jack(cue: Cue) -> None:
    effort = _effort(cue)
    hop = 4.0 * effort * (1.0 - effort)
    cue.trunk({Trunk.ROOT_LIFT: 0.05 * hop})
    cue.both({
        Limb.ARM_DOWN: 80.0 - 152.0 * effort, Limb.ARM_SWING: 0.0, Limb.ARM_FORWARD: 0.0, Limb.ELBOW: 12.0,
        Limb.SHOULDER_RAISE: 18.0 * effort, Limb.HIP_ABDUCTION: 3.0 + 21.0 * effort,
        Limb.KNEE: 4.0 + 8.0 * hop, Limb.HIP_FLEX: 2.0 + 5.0 * hop,
    })  # fmt: skip


def _curl(cue: Cue) -> None:
    effort = _effort(cue)
    cue.limb(cue.act.side, {
        Limb.ARM_DOWN: 84.0, Limb.ARM_SWING: 8.0 * effort, Limb.ARM_FORWARD: 0.0, Limb.ARM_INTERNAL: 0.0,
        Limb.ELBOW: 12.0 + 124.0 * effort, Limb.PRONATION: -80.0, Limb.WRIST_FLEX: 10.0 * effort,
    })  # fmt: skip
    cue.hand(cue.act.side, HandShape.CLOSED)


def _half_squat(cue: Cue) -> None:
    """Down only half of the way: the thighs stay far from level."""
    effort = _effort(cue)
    _bend_legs(cue, effort, dict.fromkeys(SIDES, (56.0, 26.0)), lean=25.0)


def _poor_squat(cue: Cue) -> None:
    """Deep, but bent far forward, the knees drawn together, and one leg further bent than the other."""
    effort = _effort(cue)
    _bend_legs(cue, effort, {Side.LEFT: (84.0, 22.0), Side.RIGHT: (70.0, 30.0)}, lean=62.0, twist=-16.0)


def _bend_legs(
    cue: Cue, effort: FloatArray, bends: Mapping[Side, tuple[float, float]], *, lean: float, twist: float = 0.0
) -> None:
    """A squat; of each leg how far thigh and shank tilt at its bottom, and the trunk, in degrees."""
    cue.trunk({Trunk.ROOT_PITCH: lean * effort, Trunk.NECK_PITCH: -0.6 * lean * effort})
    for side, (thigh, shank) in bends.items():
        cue.limb(side, {
            Limb.HIP_FLEX: (lean + thigh) * effort, Limb.KNEE: (thigh + shank) * effort, Limb.ANKLE: shank * effort,
            Limb.HIP_ABDUCTION: 8.0, Limb.HIP_TWIST: twist * effort, Limb.ARM_SWING: 12.0 + (70.0 + lean) * effort,
            Limb.ELBOW: 12.0, Limb.ARM_INTERNAL: 0.0,
        })  # fmt: skip


def _turn_sideways(cue: Cue) -> None:
    """Seen from the side meanwhile, the act's side away from the camera."""
    cue.trunk({Trunk.ROOT_YAW: -80.0 if cue.act.side is Side.LEFT else 80.0})


EXERCISE_MOTIONS: Final[Mapping[ActKind, Motion]] = {
    ActKind.PUSH_UP: _push_up,
    ActKind.JUMPING_JACK: _jumping_jack,
    ActKind.CURL: _curl,
    ActKind.HALF_SQUAT: _half_squat,
    ActKind.POOR_SQUAT: _poor_squat,
    ActKind.SIDEWAYS: _turn_sideways,
}
"""How each exercise moves the body. Sideways goes with another act: it comes before it in the script."""
