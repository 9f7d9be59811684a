"""Hips, spine and chest from shoulders and hips.

The hips' x axis is the line of the hips, the chest's the line of the shoulders, and both stand up along the line
between their middles: a bend forward is seen by that one line alone, so it is the hips that carry it, and the spine and
the chest share the turn and the lean between the two lines.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Quaternions,
    Vectors,
    basis_from_x,
    invert,
    multiply,
    normalise,
    slerp,
    smoothstep,
)
from keypoints.landmarks import PoseLandmark

_HIPS_GUESSED: Final = 0.3
_HIPS_SEEN: Final = 0.7


@dataclass(frozen=True, slots=True)
class Torso:
    """float64[N, 4] each: `hips` and `chest` in Unity's space, `spine_bend` the half of what lies between them."""

    hips: Quaternions
    spine_bend: Quaternions
    chest: Quaternions


def solve_torso(body: Vectors, visibility: NDArray[np.float64]) -> Torso:
    """Rotations from body points float64[N, 33, 3] and visibility float64[N, 33]; NaN where they are missing.

    Hips out of the picture are MediaPipe's guess: the less they are seen, the more the hips follow the shoulders.
    """
    left_hip, right_hip = body[:, PoseLandmark.LEFT_HIP], body[:, PoseLandmark.RIGHT_HIP]
    left_shoulder, right_shoulder = body[:, PoseLandmark.LEFT_SHOULDER], body[:, PoseLandmark.RIGHT_SHOULDER]
    up = (left_shoulder + right_shoulder) - (left_hip + right_hip)
    shoulder_line = normalise(right_shoulder - left_shoulder)
    hip_line = normalise(right_hip - left_hip)
    seen = visibility[:, [PoseLandmark.LEFT_HIP, PoseLandmark.RIGHT_HIP]].min(axis=-1)
    trust = smoothstep(seen, _HIPS_GUESSED, _HIPS_SEEN)[:, None]
    hips = basis_from_x(trust * hip_line + (1.0 - trust) * shoulder_line, up)
    chest = basis_from_x(shoulder_line, up)
    between = multiply(invert(hips), chest)
    half = slerp(np.broadcast_to(IDENTITY, between.shape), between, np.full(len(between), 0.5))
    return Torso(hips, half, chest)
