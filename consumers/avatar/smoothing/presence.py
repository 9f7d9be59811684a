"""What is lost is held for 0.3 s, then fades to rest over 1.2 s; what comes back is led there over 0.5 s.

Both are ways from what is shown to a place that may move, gone in parts: at each call the part of the remaining way
that takes a smooth step (3s² − 2s³) from where it was at the last call to where it is now. So nothing jumps, however
often a part at the edge of the picture comes and goes, and whatever is seen for the first time is led in too.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import smoothstep
from consumers.avatar.smoothing.channels import Columns, Flags, Times

HOLD_S: Final = 0.3
FADE_S: Final = 1.2
RETURN_S: Final = 0.5

_NEARLY_THERE: Final = 1e-6
_MOMENT_S: Final = 1e-3


def has_returned(seen: Flags, seen_at_s: Columns, at_s: Times) -> Flags:
    """Which channels are seen, and were lost for longer than they are held."""
    return seen & (at_s[:, None] - seen_at_s > HOLD_S)


def is_lost(seen_at_s: Columns, at_s: Times) -> Flags:
    """Which channels are to be seen at rest, now or soon."""
    lost: Flags = at_s[:, None] - seen_at_s > HOLD_S
    return lost


def share_of_way(seen_at_s: Columns, returned_at_s: Columns, lost: Flags, before_s: Times, at_s: Times) -> Columns:
    """How much of the way from what was shown at `before_s` to rest, or to what came back, is to be gone at `at_s`."""
    start_s = np.where(lost, seen_at_s + HOLD_S, returned_at_s)
    length_s = np.where(lost, FADE_S, RETURN_S)
    passed_before = (before_s[:, None] - start_s) / length_s
    if passed_before.min(initial=1.0) >= 1.0:
        return np.ones_like(start_s)
    done_before = smoothstep(passed_before, 0.0, 1.0)
    done = smoothstep((at_s[:, None] - start_s) / length_s, 0.0, 1.0)
    left = 1.0 - done_before
    share: Columns = np.where(left > _NEARLY_THERE, (done - done_before) / np.maximum(left, _NEARLY_THERE), 1.0)
    return share


def begin_to_fade(seen_at_s: Columns, at_s: Times) -> Columns:
    """When channels were last seen, as if it were just so long ago that they begin to fade; never stays never."""
    since: Columns = np.where(seen_at_s > -np.inf, at_s[:, None] - HOLD_S - _MOMENT_S, -np.inf)
    return since
