"""Expressions of VRM 0 and VRM 1, from ARKit's shapes.

Presets: VRM 0.0's BlendShapePreset and VRM 1.0's VRMC_vrm expressions. Vowels follow how their visemes are formed:
`aa` opens the jaw, `ih` and `ee` spread the lips over a nearly closed and a half open one, `ou` rounds the closed lips
and `oh` the open ones. Emotions follow the prototypes of EMFACS (Friesen and Ekman, 1983): happiness lifts the mouth's
corners (AU 12), anger lowers the brows (AU 4), sadness lifts their inner ends and lowers the corners (AU 1 and 15),
surprise lifts brows and upper lids and drops the jaw (AU 1, 2, 5 and 26); a slight smile alone is `relaxed`, or `Fun`.
"""

from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.rotations import clamp, smoothstep

Shapes = NDArray[np.float64]
Expressions = NDArray[np.float64]


class Vrm0Expression(IntEnum):
    """VRM 0's presets; the value is the expression's column."""

    NEUTRAL = 0
    A = auto()
    I = auto()  # noqa: E741  the vowel's own name
    U = auto()
    E = auto()
    O = auto()  # noqa: E741
    BLINK = auto()
    JOY = auto()
    ANGRY = auto()
    SORROW = auto()
    FUN = auto()
    LOOK_UP = auto()
    LOOK_DOWN = auto()
    LOOK_LEFT = auto()
    LOOK_RIGHT = auto()
    BLINK_L = auto()
    BLINK_R = auto()

    @property
    def wire_name(self) -> str:
        """The name receivers of VMC know: `LookUp`, but `Blink_L`."""
        titled = self.name.title()
        return titled if titled.startswith("Blink") else titled.replace("_", "")


class Vrm1Expression(IntEnum):
    """VRM 1's presets; the value is the expression's column."""

    HAPPY = 0
    ANGRY = auto()
    SAD = auto()
    RELAXED = auto()
    SURPRISED = auto()
    AA = auto()
    IH = auto()
    OU = auto()
    EE = auto()
    OH = auto()
    BLINK = auto()
    BLINK_LEFT = auto()
    BLINK_RIGHT = auto()
    LOOK_UP = auto()
    LOOK_DOWN = auto()
    LOOK_LEFT = auto()
    LOOK_RIGHT = auto()
    NEUTRAL = auto()

    @property
    def wire_name(self) -> str:
        """The name in VRM's specification: `blinkLeft`."""
        first, *others = self.name.lower().split("_")
        return first + "".join(word.title() for word in others)


_ONE_TO_ZERO: Final[dict[Vrm1Expression, Vrm0Expression]] = {
    Vrm1Expression.HAPPY: Vrm0Expression.JOY,
    Vrm1Expression.ANGRY: Vrm0Expression.ANGRY,
    Vrm1Expression.SAD: Vrm0Expression.SORROW,
    Vrm1Expression.RELAXED: Vrm0Expression.FUN,
    Vrm1Expression.AA: Vrm0Expression.A,
    Vrm1Expression.IH: Vrm0Expression.I,
    Vrm1Expression.OU: Vrm0Expression.U,
    Vrm1Expression.EE: Vrm0Expression.E,
    Vrm1Expression.OH: Vrm0Expression.O,
    Vrm1Expression.BLINK: Vrm0Expression.BLINK,
    Vrm1Expression.BLINK_LEFT: Vrm0Expression.BLINK_L,
    Vrm1Expression.BLINK_RIGHT: Vrm0Expression.BLINK_R,
    Vrm1Expression.LOOK_UP: Vrm0Expression.LOOK_UP,
    Vrm1Expression.LOOK_DOWN: Vrm0Expression.LOOK_DOWN,
    Vrm1Expression.LOOK_LEFT: Vrm0Expression.LOOK_LEFT,
    Vrm1Expression.LOOK_RIGHT: Vrm0Expression.LOOK_RIGHT,
}
_ZERO_TO_ONE: Final = {Vrm0Expression.NEUTRAL: Vrm1Expression.NEUTRAL} | {
    zero: one for one, zero in _ONE_TO_ZERO.items()
}
_COLUMNS_OF_ONE: Final = np.array([_ZERO_TO_ONE[expression] for expression in Vrm0Expression])
_EMOTIONS_OF_ONE: Final = slice(Vrm1Expression.HAPPY, Vrm1Expression.SURPRISED + 1)
_VOWELS: Final = slice(Vrm1Expression.AA, Vrm1Expression.OH + 1)


class _Cue(IntEnum):
    """What the expressions are read from: sums of shapes."""

    JAW = 0
    ROUND = auto()
    FUNNEL = auto()
    WIDE = auto()
    TEETH = auto()
    SMILE = auto()
    BROWS_DOWN = auto()
    SAD = auto()
    SURPRISE = auto()
    LOOK_UP = auto()
    LOOK_DOWN = auto()
    LOOK_LEFT = auto()
    LOOK_RIGHT = auto()


_B = Blendshape
_CUES: Final[dict[_Cue, dict[Blendshape, float]]] = {
    _Cue.JAW: {_B.JAW_OPEN: 1.3, _B.MOUTH_CLOSE: -1.3},
    _Cue.ROUND: {_B.MOUTH_PUCKER: 1.0, _B.MOUTH_FUNNEL: 1.0},
    _Cue.FUNNEL: {_B.MOUTH_FUNNEL: 0.7},
    _Cue.WIDE: {
        _B.MOUTH_STRETCH_LEFT: 0.6,
        _B.MOUTH_STRETCH_RIGHT: 0.6,
        _B.MOUTH_SMILE_LEFT: 0.3,
        _B.MOUTH_SMILE_RIGHT: 0.3,
    },
    _Cue.TEETH: {
        _B.JAW_OPEN: 6.0,
        _B.MOUTH_CLOSE: -6.0,
        _B.MOUTH_LOWER_DOWN_LEFT: 1.0,
        _B.MOUTH_LOWER_DOWN_RIGHT: 1.0,
    },
    _Cue.SMILE: {_B.MOUTH_SMILE_LEFT: 0.5, _B.MOUTH_SMILE_RIGHT: 0.5},
    _Cue.BROWS_DOWN: {
        _B.BROW_DOWN_LEFT: 0.5,
        _B.BROW_DOWN_RIGHT: 0.5,
        _B.NOSE_SNEER_LEFT: 0.2,
        _B.NOSE_SNEER_RIGHT: 0.2,
        _B.MOUTH_SMILE_LEFT: -0.6,
        _B.MOUTH_SMILE_RIGHT: -0.6,
    },
    _Cue.SAD: {
        _B.MOUTH_FROWN_LEFT: 0.5,
        _B.MOUTH_FROWN_RIGHT: 0.5,
        _B.BROW_INNER_UP: 0.5,
        _B.BROW_OUTER_UP_LEFT: -0.4,
        _B.BROW_OUTER_UP_RIGHT: -0.4,
        _B.MOUTH_SMILE_LEFT: -0.5,
        _B.MOUTH_SMILE_RIGHT: -0.5,
    },
    _Cue.SURPRISE: {
        _B.BROW_INNER_UP: 0.4,
        _B.BROW_OUTER_UP_LEFT: 0.3,
        _B.BROW_OUTER_UP_RIGHT: 0.3,
        _B.EYE_WIDE_LEFT: 0.2,
        _B.EYE_WIDE_RIGHT: 0.2,
        _B.JAW_OPEN: 0.3,
        _B.MOUTH_SMILE_LEFT: -0.3,
        _B.MOUTH_SMILE_RIGHT: -0.3,
    },
    _Cue.LOOK_UP: {_B.EYE_LOOK_UP_LEFT: 0.5, _B.EYE_LOOK_UP_RIGHT: 0.5},
    _Cue.LOOK_DOWN: {_B.EYE_LOOK_DOWN_LEFT: 0.5, _B.EYE_LOOK_DOWN_RIGHT: 0.5},
    _Cue.LOOK_LEFT: {_B.EYE_LOOK_OUT_LEFT: 0.5, _B.EYE_LOOK_IN_RIGHT: 0.5},
    _Cue.LOOK_RIGHT: {_B.EYE_LOOK_IN_LEFT: 0.5, _B.EYE_LOOK_OUT_RIGHT: 0.5},
}
_LOOKS_OF_ONE: Final = slice(Vrm1Expression.LOOK_UP, Vrm1Expression.LOOK_RIGHT + 1)
_LOOK_CUES: Final = slice(_Cue.LOOK_UP, _Cue.LOOK_RIGHT + 1)
_BROAD_SMILE: Final = (0.35, 0.8)
_SLIGHT_SMILE: Final = (0.1, 0.35)
_EMOTION: Final = (0.3, 0.9)
_EMOTION_CUES: Final = np.array([_Cue.SMILE, _Cue.BROWS_DOWN, _Cue.SAD, _Cue.SMILE, _Cue.SURPRISE])
_EMOTION_EDGES: Final = np.array([_BROAD_SMILE, _EMOTION, _EMOTION, _SLIGHT_SMILE, _EMOTION]).T[..., None]
_SPEECH_DAMPS: Final = 0.35
"""How much of an emotion a mouth that speaks takes away, for most models shape their mouths by both."""


def _tabulate() -> NDArray[np.float64]:
    table = np.zeros((SHAPE_COUNT, len(_Cue)))
    for cue, terms in _CUES.items():
        table[list(terms), cue] = list(terms.values())
    return table


_CUE_TABLE: Final = _tabulate()


def to_vrm1(shapes: Shapes) -> Expressions:
    """float64[M, 18] in 0…1, in order of Vrm1Expression, from shapes float64[M, 51].

    The five vowels sum to at most 1; the five emotions too, and `neutral` is what they leave of 1. `blink` is what both
    eyes share and the sides what one has more, so that an eye closes once where a model adds them up.
    """
    cues = clamp(_CUE_TABLE.T.dot(shapes.T), 0.0, 1.0)
    expressions = np.empty((len(Vrm1Expression), len(shapes)))
    vowels, emotions = expressions[_VOWELS], expressions[_EMOTIONS_OF_ONE]
    _write_vowels(cues, vowels)
    _write_emotions(cues, emotions)
    emotions *= 1.0 - _SPEECH_DAMPS * _sum(vowels)
    expressions[Vrm1Expression.NEUTRAL] = 1.0 - _sum(emotions)
    left, right = shapes[:, _B.EYE_BLINK_LEFT], shapes[:, _B.EYE_BLINK_RIGHT]
    expressions[Vrm1Expression.BLINK] = both = np.minimum(left, right)
    expressions[Vrm1Expression.BLINK_LEFT] = left - both
    expressions[Vrm1Expression.BLINK_RIGHT] = right - both
    expressions[_LOOKS_OF_ONE] = cues[_LOOK_CUES]
    return expressions.T


def to_vrm0(shapes: Shapes) -> Expressions:
    """float64[M, 17] in 0…1, in order of Vrm0Expression, from shapes float64[M, 51]: as `to_vrm1`, without surprise."""
    of_one = to_vrm1(shapes)
    expressions = of_one.take(_COLUMNS_OF_ONE, axis=1)
    expressions[:, Vrm0Expression.NEUTRAL] += of_one[:, Vrm1Expression.SURPRISED]
    return expressions


def _sum(rows: Expressions) -> Shapes:
    total: Shapes = np.add.reduce(rows)
    return total


def _write_vowels(cues: Shapes, vowels: Expressions) -> None:
    """float64[5, M]: aa, ih, ou, ee, oh."""
    jaw, rounded, funnel, wide, teeth = cues[: _Cue.TEETH + 1]
    flat, closed = 1.0 - rounded, 1.0 - jaw
    spread = wide * flat
    opened = np.maximum(jaw, funnel)
    vowels[0] = jaw * flat * (1.0 - 0.6 * spread)
    vowels[1] = spread * closed * closed * teeth
    vowels[2] = rounded * (1.0 - opened)
    vowels[3] = spread * jaw * (1.0 - 0.5 * jaw)
    vowels[4] = rounded * opened
    vowels /= np.maximum(_sum(vowels), 1.0)


def _write_emotions(cues: Shapes, emotions: Expressions) -> None:
    """float64[5, M]: happy, angry, sad, relaxed, surprised; the stronger one takes the weaker one's place."""
    emotions[:] = smoothstep(cues.take(_EMOTION_CUES, axis=0), *_EMOTION_EDGES)
    happy, slight = emotions[0], emotions[3]
    slight *= 0.6 * (1.0 - happy)
    total = np.maximum(_sum(emotions), 1e-9)
    emotions *= emotions
    emotions /= total
