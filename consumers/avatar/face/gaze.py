"""Where the eyes look: from the irises to the eyes' bones and ARKit's `eyeLook` shapes.

An iris moves across the eye by the sine of the eyeball's turn times the distance from the eyeball's middle to the iris,
some 10.5 mm of an adult's 24 mm eye. Both eyes turn together (Hering's law of equal innervation): each weighs as much
as it is seen, less on the far side of a turned head and not behind a lid that comes down, since the detector then lets
the iris sink with the lid.
"""

from typing import Final

import numpy as np

from consumers.avatar.face.measures import Measure, Measures
from consumers.avatar.humanoid.rotations import Angles, Quaternions, clamp, dot, smoothstep

MOST_YAW_RAD: Final = np.radians(30.0)
MOST_PITCH_RAD: Final = np.radians(25.0)
"""How far people turn their eyes before they turn the head; ARKit's shapes are 1 there."""

_IRIS_RADIUS_MM: Final = 10.5
_LIDS: Final = slice(Measure.EYE_OPENING_LEFT, Measure.EYE_OPENING_RIGHT + 1)
_IRISES: Final = slice(Measure.IRIS_X_LEFT, Measure.IRIS_RIGHT + 1)
"""Across, of the left and of the right eye, then up."""
_BOTH: Final = np.ones(2)
_RIGHT_AND_DOWN: Final = np.array([1.0, -1.0])
_AWAY: Final = np.array([-1.0, 1.0])
_MOST_RAD: Final = np.array([MOST_YAW_RAD, MOST_PITCH_RAD])
_LID_CLOSING: Final = (0.45, 0.7)
"""Share of its rest opening below which an eye's iris is not looked at, and from which on it counts in full."""
_BOTH_SEEN_DEG: Final = 15.0
_ONE_SEEN_DEG: Final = 45.0
_LEAST_WEIGHT: Final = 0.1


def read_gaze(measures: Measures, neutral: Measures) -> Angles:
    """float64[N, 2]: how far both eyes turn to the person's right, and down, in radians, within the limits above.

    From measures float64[N, K] and neutral faces [N, K] or [K]. NaN where no iris is seen, and behind closing lids.
    """
    opening = measures[:, _LIDS] / neutral[..., _LIDS]
    weight = smoothstep(opening, *_LID_CLOSING) * see_eyes(measures[:, Measure.HEAD_YAW_DEG])
    total = dot(weight, _BOTH)
    total[total <= _LEAST_WEIGHT] = np.nan
    moved = measures - neutral
    by_eye = moved[:, _IRISES].reshape(-1, 2, 2)
    sine = np.vecdot(by_eye, weight[:, None]) / (_IRIS_RADIUS_MM * total)[:, None] * _RIGHT_AND_DOWN
    return clamp(np.arcsin(clamp(sine, -1.0, 1.0)), -_MOST_RAD, _MOST_RAD)


def turn_eyes(measures: Measures, neutral: Measures) -> Quaternions:
    """float64[N, 2, 4]: local rotations of LEFT_EYE and RIGHT_EYE, from the same as `read_gaze`.

    First down, then about the head's upright, as the axes of an eye lie (Fick). NaN where `read_gaze` is.
    """
    half = 0.5 * read_gaze(measures, neutral)
    (sin_yaw, sin_pitch), (cos_yaw, cos_pitch) = np.sin(half).T, np.cos(half).T
    rotations = np.empty((len(half), 2, 4))
    rotations[..., 0] = (cos_yaw * sin_pitch)[:, None]
    rotations[..., 1] = (sin_yaw * cos_pitch)[:, None]
    rotations[..., 2] = (-sin_yaw * sin_pitch)[:, None]
    rotations[..., 3] = (cos_yaw * cos_pitch)[:, None]
    return rotations


def see_eyes(head_yaw_deg: Angles) -> Angles:
    """float64[N, 2]: how well the left and the right eye are seen; the head turned right hides the right one."""
    return 1.0 - smoothstep(head_yaw_deg[:, None] * _AWAY, _BOTH_SEEN_DEG, _ONE_SEEN_DEG)
