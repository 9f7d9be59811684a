"""Signed distances of the face by name, in its own frame and size."""

from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors

Measures = NDArray[np.float64]


class Measure(IntEnum):
    """What is measured; the value is the measure's column."""

    EYE_OPENING_LEFT = 0
    EYE_OPENING_RIGHT = auto()


MEASURE_COUNT: Final = len(Measure)


def measure_face(face: Vectors) -> Measures:
    """float64[N, K] in order of Measure, from face points float64[N, 478, 3] in pixels of Unity's space.

    NaN where a face, or the irises, were not seen.
    """
    return np.full((len(face), MEASURE_COUNT), np.nan)
