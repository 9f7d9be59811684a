"""A steady output apart from the input's rate: what is shown moves on to the newest value in the time until the next.

The way takes the input's interval less the output's, from the frame's arrival on: of 60 frames a second shown 60 times
nothing is held back; of 30 the arrival shows half of the way and the next output the rest. Nothing is predicted, so
nothing overshoots. No bone turns faster than 700° a second, which hardly a body does.
"""

from typing import Final

import numpy as np

from consumers.avatar.smoothing.channels import BONES, Channels, Columns, Times, align_bones, approach, dot

_SHORTEST_S: Final = 0.008
_LONGEST_S: Final = 0.1
_LEARNING: Final = 0.125

_FASTEST_RAD_PER_S: Final = np.radians(700.0)
_LONGEST_STEP_S: Final = 0.1
_WIDE: Final = float(np.cos(np.radians(15.0)))  # of half the angle


def estimate_interval(interval_s: Times, step_s: Times) -> Times:
    """The usual time between frames, given the newest one: an eighth of the way, a gap as twice the usual."""
    usual = np.minimum(np.clip(step_s, _SHORTEST_S, _LONGEST_S), 2.0 * interval_s)
    return np.where(np.isfinite(step_s), interval_s + _LEARNING * (usual - interval_s), interval_s)


def share_of_way(shown_at_s: Times, due_at_s: Times, at_s: Times) -> Times:
    """How much of the way from what was shown to the newest value is to be gone now."""
    remaining_s, passed_s = due_at_s - shown_at_s, at_s - shown_at_s
    reached = due_at_s <= at_s
    return np.where(reached, 1.0, passed_s / np.where(reached, 1.0, remaining_s))


def move(shown: Channels, target: Channels, share: Columns, passed_s: Times) -> None:
    """Go that share of the way, in place; bones along the arc (Shoemake, 1985), and no faster than one turns.

    A mix of two quaternions lies on the arc between them, but not at an even speed: of a half angle φ the mixing share
    tan m / (sin φ + tan m · (1 − cos φ)) goes by m. Below 30° share and mixing share are the same to 0.02°.
    """
    align_bones(target, shown)
    cosine = np.minimum(dot(target[:, :, BONES], shown[:, :, BONES]), 1.0)
    sine = np.sqrt(1.0 - cosine * cosine)
    part = share[:, BONES]
    wide = cosine < _WIDE
    if wide.any():
        gone = np.tan(part[wide] * np.arccos(cosine[wide]))
        part[wide] = gone / (sine[wide] + gone * (1.0 - cosine[wide]))
    furthest = np.tan(0.5 * _FASTEST_RAD_PER_S * np.minimum(passed_s, _LONGEST_STEP_S))[:, None]
    np.minimum(part, furthest / (sine + furthest * (1.0 - cosine) + 1e-12), out=part)
    approach(shown, target, share)
