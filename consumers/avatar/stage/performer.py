"""A performer on stage: whose frames move an avatar, up to which one, and in which slot the motion is kept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from consumers.avatar.stage.timeline import Choice, Moment, Newest, choose_newest

CLOCK_PATIENCE_S: Final = 2.0
"""How long frames may all come too late before their clock, not they, must be wrong: it was ahead, and was set back."""


_USUAL_INTERVAL_US: Final = 1e6 / 30
_INTERVALS_KEPT: Final = 0.2
"""How much of the interval between frames the newest one is."""

_SETTLING: Final = 0.001
"""How much slower than the wall's the frames' clock may run here, until the frames are as late as they were at best."""


@dataclass(slots=True)
class Performer:
    """Wall times are microseconds since 1970: when a frame was last taken, and when a state was last sent.

    The frames' own clock goes on as the wall's does, and shows a frame's capture time when it arrives as soon as any
    did; what comes later came late. It never goes back, but where another clock begins.
    """

    stream_id: str
    partition: int
    slot: int
    heard_at_us: int
    sent_at_us: int = 0
    last: Moment | None = None
    interval_us: float = _USUAL_INTERVAL_US
    _own_ahead_us: float = 0.0
    _own_us: float = -math.inf

    def choose(self, moments: Sequence[Moment], rows: Sequence[int], now_us: int) -> Choice:
        """Which of this performer's rows, if any, is newer than the frame shown."""
        choice = choose_newest(moments, rows, self.last)
        if choice.newest is None and choice.late and now_us - self.heard_at_us > CLOCK_PATIENCE_S * 1e6:
            choice = choose_newest(moments, rows, None)
            if choice.newest is not None:
                choice = replace(choice, newest=replace(choice.newest, restarted=True))
        return choice

    def take(self, newest: Newest, now_us: int) -> None:
        """Go on to this frame."""
        ahead_us = float(newest.moment.captured_at_us - now_us)
        settled_us = self._own_ahead_us - _SETTLING * (now_us - self.heard_at_us)
        begins = self.last is None or newest.restarted
        self._own_ahead_us = ahead_us if begins else max(ahead_us, settled_us)
        if begins:
            self._own_us = -math.inf
        elif self.last is not None:
            apart_us = min(float(now_us - self.heard_at_us), 2.0 * self.interval_us)
            self.interval_us += _INTERVALS_KEPT * (apart_us - self.interval_us)
        self.last, self.heard_at_us, self.partition = newest.moment, now_us, newest.moment.partition

    def due_at_us(self, period_us: float) -> float:
        """When a state is to be sent at the latest: a period after the last, or with the frame that is to come then."""
        due_us, next_us = self.sent_at_us + period_us, self.heard_at_us + self.interval_us
        return next_us + 0.5 * period_us if abs(due_us - next_us) < 0.5 * period_us else due_us

    def own_time_s(self, now_us: int) -> float:
        """The time of its frames' clock, seconds."""
        self._own_us = max(self._own_us, now_us + self._own_ahead_us)
        return self._own_us / 1e6
