"""How long each bone or shape has been seen or lost, and what that means for what is shown of it.

What is lost is held for 0.3 s, then fades to rest over 1.2 s; what returns is led from where it was shown to where it
is over 0.8 s, so that no avatar jumps (half a turn takes 11° per 33 ms then).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Angles, smoothstep

HOLD_S: Final = 0.3
FADE_S: Final = 1.2
RETURN_S: Final = 0.8

Flags = NDArray[np.bool_]


class Presence:
    """Times of `count` channels, in seconds of the frames' own clock; every answer has shape (count,)."""

    def __init__(self, count: int) -> None:
        self._seen_at_s = np.full(count, -np.inf)
        self._returned_at_s = np.full(count, -np.inf)

    @property
    def known(self) -> Flags:
        """Which channels were ever seen."""
        known: Flags = np.isfinite(self._seen_at_s)
        return known

    def observe(self, seen: Flags, at_s: float) -> Flags:
        """Note what is seen now. Returns what was lost for longer than it is held, and has come back."""
        gone: Flags = at_s - self._seen_at_s > HOLD_S
        returned = seen & gone
        self._seen_at_s[seen] = at_s
        self._returned_at_s[returned] = at_s
        return returned

    def lost_share(self, at_s: float) -> Angles:
        """0 while a channel is seen or held, 1 once it has faded to rest."""
        return smoothstep(at_s - self._seen_at_s, HOLD_S, HOLD_S + FADE_S)

    def returned_share(self, at_s: float) -> Angles:
        """0 at the moment of a return, 1 once it is over."""
        return smoothstep(at_s - self._returned_at_s, 0.0, RETURN_S)

    def is_held(self, channel: int, at_s: float) -> bool:
        """Whether a channel is seen, or was a moment ago."""
        return bool(at_s - self._seen_at_s[channel] <= HOLD_S)

    def rebase(self, at_s: float) -> None:
        """Start another clock at `at_s`: what was known begins to fade there."""
        self._seen_at_s[self.known] = at_s - HOLD_S - 1e-3
        self._returned_at_s[:] = -np.inf
