"""One-Euro filters for rotations and for plain values: still things are smoothed hard, fast ones hardly.

Casiez, Roussel and Vogel (2012): a low-pass whose cutoff grows with the speed, the speed itself low-passed; here on
steps of any length in time. A rotation is filtered as the four components of its quaternion, put back to unit length:
between rotations less than 60° apart that is within 0.2° of doing it along the arc.
"""

from typing import Final

import numpy as np

from consumers.avatar.smoothing.channels import Channels, Columns, Flags, by_part, dot, normalise_bones

_LEAST_HZ: Final = by_part(
    spine=0.3, head=0.3, arms=0.3, legs=0.3, fingers=0.3, eyes=0.5, mouth=1.0, brows=1.0, lids=2.0, root=0.3
)
_GAIN: Final = by_part(
    spine=6.0, head=6.0, arms=6.0, legs=6.0, fingers=6.0, eyes=6.0, mouth=4.0, brows=4.0, lids=4.0, root=10.0
)
_SPEED_CUTOFF_HZ: Final = 2.0
_SHORTEST_STEP_S: Final = 1e-3
_LONGEST_STEP_S: Final = 1.0
_TINY: Final = 1e-12


def follow(velocity: Channels, move: Channels, step_s: Columns, followed: Flags) -> tuple[Channels, Columns, Columns]:
    """The velocity after a move of so much in so many seconds, the pace of the move itself, and the share of the way
    from value to measurement to go; channels not `followed` keep their velocity and go nowhere."""
    step_s = np.clip(step_s, _SHORTEST_STEP_S, _LONGEST_STEP_S)
    share = _share(_SPEED_CUTOFF_HZ, step_s) * followed
    moved = move / step_s[:, None]
    pace = np.sqrt(dot(moved, moved))
    velocity += share[:, None] * (moved - velocity)
    speed = np.sqrt(dot(velocity, velocity))
    return velocity, pace, _share(_LEAST_HZ + _GAIN * speed, step_s) * followed


def approach(value: Channels, measured: Channels, share: Columns) -> None:
    """Go that share of the way, in place."""
    value += share[:, None] * (measured - value)
    normalise_bones(value)


def _share(cutoff_hz: float | Columns, step_s: Columns) -> Columns:
    """How far a low-pass goes towards its input in one step."""
    turn: Columns = 2.0 * np.pi * cutoff_hz * step_s
    return turn / (1.0 + turn)
