"""One-Euro filters for rotations and for plain values: still things are smoothed hard, fast ones hardly.

Casiez, Roussel and Vogel (2012): a low-pass whose cutoff grows with the speed, the speed itself low-passed, on steps of
any length in time. Three things differ:

- The cutoff grows not in proportion but along a switch, x⁶ / (1 + x⁶), for a detector's unrest has a speed too, which
  must not open the filter, and what moves must open it wholly.
- x is made of the speed and of how far the value lags behind: what moves slowly, or has moved, is followed as soon as
  it is further away than unrest reaches.
- What counts as fast is found for each channel by its own unrest: fingers far from the camera are restless by ten
  degrees, arms near to it by a third of one.

A rotation is filtered as the four components of its quaternion, put back to unit length: between rotations less than
60° apart that is within 0.2° of going along the arc. The low-passed speed is the measurement's distance from its own
running mean, which is the same thing, and gives the lag as well.
"""

from typing import Final

import numpy as np

from consumers.avatar.smoothing.channels import Channels, Columns, by_part, dot

_MEAN_HZ: Final = 2.0
_LEAST_HZ: Final = by_part(
    spine=0.25, head=0.25, arms=0.25, legs=0.25, fingers=0.2, eyes=0.35, mouth=0.35, brows=0.35, lids=0.5, root=0.25
)
_MOST_HZ: Final = 20.0
_FAST_PER_S: Final = by_part(
    spine=0.1, head=0.08, arms=0.18, legs=0.15, fingers=0.35, eyes=0.15, mouth=0.5, brows=0.5, lids=0.6, root=0.05
)
"""The speed at x = 1 of what has no unrest: of bones half the angle, in rad/s; of shapes 1/s; of the root m/s."""
_LAG_S: Final = 0.12
"""A lag counts as much as the speed that builds it up in this time."""
_NOISE_PER_S: Final = 55.0
"""How much more speed there is to a unit of unrest: some four times what is left of it in the low-passed speed, when a
third of its variance is in jumps from frame to frame, which are measured, and the rest a slower drift."""
_NOISE_HZ: Final = 0.1
_LEAST_NOISE2: Final = 1e-18
_MOST_NOISE2: Final = 0.15**2
_SHORTEST_STEP_S: Final = 1e-3
_LONGEST_STEP_S: Final = 1.0
_MOST: Final = 1e6


def find_noise(step_before: Channels, step: Channels) -> Columns:
    """What two steps, one after the other, tell of the variance of the measurements' unrest.

    Of a value that is only unrest, one step takes back the one before: their product is minus the variance, on the
    average. Steps of a motion go the same way, and tell nothing.
    """
    return np.clip(-dot(step_before, step), _LEAST_NOISE2, _MOST_NOISE2)


def choose_noise_share(step_s: Columns) -> Columns:
    """How much of what two steps tell goes into the running estimate."""
    return _share(_NOISE_HZ, step_s)


def choose_share(mean: Channels, value: Channels, measured: Channels, noise2: Columns, step_s: Columns) -> Columns:
    """What share of the way to the measurements the value goes; `mean` is where they are on the average, them too."""
    away, lag = measured - mean, mean - value
    speed2 = dot(away, away) * (2.0 * np.pi * _MEAN_HZ) ** 2
    x2 = np.minimum((speed2 + dot(lag, lag) / _LAG_S**2) / (_FAST_PER_S**2 + _NOISE_PER_S**2 * noise2), _MOST)
    x6 = x2 * x2 * x2
    return _share(_LEAST_HZ + _MOST_HZ * (x6 / (1.0 + x6)), step_s)


def choose_mean_share(step_s: Columns) -> Columns:
    """What share of the way to the measurements their running mean goes."""
    return _share(_MEAN_HZ, step_s)


def _share(cutoff_hz: float | Columns, step_s: Columns) -> Columns:
    """How far a low-pass goes towards its input in one step."""
    turn: Columns = 2.0 * np.pi * cutoff_hz * np.clip(step_s, _SHORTEST_STEP_S, _LONGEST_STEP_S)
    return turn / (1.0 + turn)
