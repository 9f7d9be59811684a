"""From measures of the face to ARKit's shapes."""

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.face.measures import Measures

Shapes = NDArray[np.float64]


def read_shapes(measures: Measures, neutral: Measures) -> Shapes:
    """float64[N, 51] in 0…1, in order of Blendshape, from measures float64[N, K] and neutral faces [N, K] or [K].

    NaN where a shape was not seen: without a face, or gaze behind a closed lid.
    """
    return np.full((len(measures), SHAPE_COUNT), np.nan)
