"""How far each landmark of the body is to be trusted: what MediaPipe sees, what it makes up, and what lies between."""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import Angles, smoothstep
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks

_HIDDEN: Final = 0.15
_SHOWN: Final = 0.4
"""Visibility of a point in the picture: from hidden behind the body to seen, be it on the far side."""

_ASKED_OUTSIDE: Final = 0.3
"""How much more visibility a point out of the picture has to have: it is a guess, whatever MediaPipe says."""

_EDGE: Final = 0.02
"""How far on either side of the picture's edge, as a share of its size, a point is partly outside."""


def rate_trust(landmarks: UnityLandmarks) -> Angles:
    """float64[N, 33] in 0…1, without any memory: a point at the edge is trusted by halves, not now and then."""
    in_picture = -landmarks.in_image[..., :2] / landmarks.pixels[:, None, :2]
    beyond = np.abs(in_picture - 0.5).max(axis=-1) - 0.5
    outside = np.where(np.isfinite(beyond), smoothstep(beyond, -_EDGE, _EDGE), 0.0)
    return smoothstep(landmarks.visibility - _ASKED_OUTSIDE * outside, _HIDDEN, _SHOWN)
