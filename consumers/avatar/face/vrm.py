"""Expressions of VRM 0 and VRM 1, from ARKit's shapes."""

from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

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


def to_vrm0(shapes: Shapes) -> Expressions:
    """float64[M, 17] in 0…1, in order of Vrm0Expression, from shapes float64[M, 51]."""
    return np.zeros((len(shapes), len(Vrm0Expression)))


def to_vrm1(shapes: Shapes) -> Expressions:
    """float64[M, 18] in 0…1, in order of Vrm1Expression, from shapes float64[M, 51]."""
    return np.zeros((len(shapes), len(Vrm1Expression)))
