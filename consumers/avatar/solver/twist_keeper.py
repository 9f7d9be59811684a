"""How a hand twists its arm while it is seen, when it goes, and when it is back.

A forearm takes over a part of the hand's twist (`wrist`), and a straight upper arm another (`arms`). Without the hand
nothing shows either, and an arm that dropped them at once, or took them up at once, would turn by up to half a right
angle in one frame, back and forth at the edge of the picture. So what a hand gave goes on for as long as smoothing
holds a hand that is lost, fades with it, and is taken up as slowly as a hand that is back is led in.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Angles, smoothstep

HELD_S: Final = 0.3
FADED_S: Final = 1.5
"""Seconds since the hand was seen: until then all of the twist is kept, and from then on none."""
LED_S: Final = 0.5
"""How long a hand that is back takes to twist its arm as it is seen to."""

UPPER: Final = 0
FOREARM: Final = 1

Lead = Callable[[int, Angles], Angles]
"""`lead(UPPER or FOREARM, twists)`: what hands are seen to twist this bone by, float64[N, 2] in radians, NaN without a
hand; returns what it is twisted by."""


def show_as_seen(_: int, twists_rad: Angles) -> Angles:
    """The `Lead` of a frame by itself: no hand, no twist."""
    return np.where(np.isfinite(twists_rad), twists_rad, 0.0)


class TwistKeeper:
    """By slot, for the left and the right hand."""

    def __init__(self, capacity: int) -> None:
        self._frame_at_s = np.empty(0)
        self._seen_at_s = np.empty((0, 2))
        self._returned_at_s = np.empty((0, 2))
        self._last_rad = np.empty((0, 2, 2))
        self._before_rad = np.empty((0, 2, 2))
        self.grow(capacity)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        more = max(0, capacity - len(self._frame_at_s))
        self._frame_at_s = np.concatenate((self._frame_at_s, np.full(more, -np.inf)))
        self._seen_at_s = np.concatenate((self._seen_at_s, np.full((more, 2), -np.inf)))
        self._returned_at_s = np.concatenate((self._returned_at_s, np.full((more, 2), -np.inf)))
        self._last_rad = np.concatenate((self._last_rad, np.zeros((more, 2, 2))))
        self._before_rad = np.concatenate((self._before_rad, np.zeros((more, 2, 2))))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget these slots' hands."""
        self._frame_at_s[slots] = -np.inf
        self._seen_at_s[slots] = self._returned_at_s[slots] = -np.inf
        self._last_rad[slots] = self._before_rad[slots] = 0.0

    def lead(self, slots: NDArray[np.intp], hands_seen: NDArray[np.bool_], at_s: NDArray[np.float64]) -> Lead:
        """How arms are twisted in one frame of each of N slots, with `hands_seen` bool[N, 2]; asked once a bone."""
        frame_at_s, seen_at_s = self._frame_at_s[slots][:, None], self._seen_at_s[slots]
        now_s = at_s[:, None]
        # A clock that was set back begins anew.
        fresh = ~(frame_at_s <= now_s)
        left = 1.0 - smoothstep(np.where(fresh, np.inf, now_s - seen_at_s), HELD_S, FADED_S)
        remembered_rad = self._last_rad[slots] * left[..., None]
        back = hands_seen & ~fresh & (seen_at_s < frame_at_s)
        returned_at_s = np.where(back, now_s, np.where(fresh, -np.inf, self._returned_at_s[slots]))
        before_rad = np.where(back[..., None], remembered_rad, self._before_rad[slots])
        share = smoothstep(now_s - returned_at_s, 0.0, LED_S)
        self._frame_at_s[slots] = at_s
        self._seen_at_s[slots] = np.where(hands_seen, now_s, np.where(fresh, -np.inf, seen_at_s))
        self._returned_at_s[slots], self._before_rad[slots] = returned_at_s, before_rad

        def lead(bone: int, twists_rad: Angles) -> Angles:
            before = before_rad[..., bone]
            led = before + share * (twists_rad - before)
            shown: Angles = np.where(np.isfinite(led), led, remembered_rad[..., bone])
            self._last_rad[slots, :, bone] = np.where(hands_seen, shown, self._last_rad[slots, :, bone])
            return shown

        return lead
