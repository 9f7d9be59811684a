"""How steady a moving figure is: its jitter and its largest step, by bone, from nothing but what is shown.

It knows no solver and no filter, so that it can judge any of them. Rotations are float64[T, bones, 4], quaternions of
which the sign and the order of the components do not matter; `at_s` float64[T] is ascending. A bone that is NaN at a
moment is passed over there, and one that is never there is NaN in the answer.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STEP_S: Final = 1 / 30
_ROUNDING_S: Final = 1e-4


def angles_deg(first: Values, second: Values) -> Values:
    """The angle between two stacks of rotations, well-conditioned near 0 too (by the half chord)."""
    nearer = np.copysign(1.0, (first * second).sum(axis=-1, keepdims=True)) * second
    half_chord = 0.5 * np.linalg.norm(first - nearer, axis=-1)
    angle: Values = np.degrees(4.0 * np.arcsin(np.minimum(half_chord, 1.0)))
    return angle


def jitter_rms_deg(rotations: Values, at_s: Values, *, window_s: float = 1.0) -> Values:
    """float64[bones]: the root mean square of the angle between a bone and its mean over a window around the moment.

    Of one who stands still a window as long as the recording gives all the unrest there is; of one who moves a short
    one leaves the motion out, as far as that is slower than the window.
    """
    signed = _align(rotations)
    here = np.isfinite(signed[..., :1])
    first = np.searchsorted(at_s, at_s - window_s / 2 - _ROUNDING_S)
    end = np.searchsorted(at_s, at_s + window_s / 2 + _ROUNDING_S)
    sums = np.concatenate((np.zeros((1, *signed.shape[1:])), np.cumsum(np.where(here, signed, 0.0), axis=0)))
    means = sums[end] - sums[first]
    lengths = np.linalg.norm(means, axis=-1, keepdims=True)
    means /= np.where(lengths > 0.0, lengths, 1.0)
    squares = angles_deg(means, signed) ** 2
    seen = here[..., 0]
    total, count = np.where(seen, squares, 0.0).sum(axis=0), seen.sum(axis=0)
    jitter: Values = np.sqrt(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return jitter


def largest_step_deg(rotations: Values, at_s: Values) -> Values:
    """float64[bones]: the largest turn within 1/30 s; where moments are further apart, the turn for each 1/30 s."""
    largest: Values = np.full(rotations.shape[1], np.nan)
    for apart in range(1, len(at_s)):
        passed_s = at_s[apart:] - at_s[:-apart]
        counted = (passed_s <= STEP_S + _ROUNDING_S) | (apart == 1)
        if not counted.any():
            break
        steps = angles_deg(rotations[apart:], rotations[:-apart])
        steps *= np.minimum(1.0, (STEP_S + _ROUNDING_S) / passed_s)[:, None]
        largest = np.fmax(largest, np.fmax.reduce(steps[counted], axis=0))
    return largest


def _align(rotations: Values) -> Values:
    """The same rotations, each with the sign that is nearer to the one seen before."""
    signed = rotations.copy()
    before = signed[0]
    for moment in range(1, len(signed)):
        opposite = (signed[moment] * before).sum(axis=-1) < 0.0
        signed[moment, opposite] *= -1.0
        before = np.where(np.isfinite(signed[moment]), signed[moment], before)
    return signed
