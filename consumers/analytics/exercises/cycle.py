"""A level that leaves its rest, turns and comes back: one repetition after another, of whatever it measures."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from consumers.analytics.finding import Moment

SHORTEST_US: Final = 400_000
LONGEST_US: Final = 12_000_000
"""A repetition takes so long: quicker is a glitch, slower is a person who sat down or left."""
_TURN_US: Final = 300_000
"""Where more of it was not seen, nobody knows that it turned halfway."""
BRIDGE_US: Final = 2_000_000
"""For so long the level may be unknown in the middle of a repetition."""
SETTLE_US: Final = 300_000
"""After coming back, so long is waited for what comes next: a person who jumps is in the air by then."""
_REST_FALLS_US: Final = 2_000_000.0
"""How slowly the level of rest follows a level that stays below it (time constant)."""


class Stage(StrEnum):
    """Where in a repetition: at rest or near it, or down in its depth."""

    UP = "up"
    DOWN = "down"


class Drops(NamedTuple):
    """By how much a level falls below its rest where what begins; `up` < `half` < `down`.

    Down is entered at `down` and left at `up`, so that a level that trembles at either does not count.
    """

    leaves: float
    """Down to here it is at rest."""
    up: float
    half: float
    """A fall that turns between here and `down` was meant as a repetition."""
    down: float
    lowest_rest: float
    highest_rest: float
    """Between these the level of rest is sought; it is the person's and the camera's own."""


@dataclass(slots=True)
class Swing:
    """A level's way down and back up."""

    started_us: int
    """The last frame at rest before it; so is `first_offset`."""
    last_us: int
    first_offset: int
    last_offset: int
    depth: float
    """By how much the level fell below its rest, > 0."""
    frames: int
    """Of the stream, from first to last, …"""
    observed: int
    """… and those of them in which the level was known."""
    is_whole: bool
    """False when it turned halfway."""


@dataclass(slots=True)
class Cycle:
    """Follows one level. What a level is, is its exercise's business: it is about 1 at rest and falls with the effort.

    A repetition that began before the stream did is not whole and not given out.
    """

    stage: Stage | None = None
    """None as long as nothing is known."""
    rest: float = 1.0
    seen_us: int = 0
    """The newest frame in which the level was known."""
    started_us: int | None = None
    """The newest frame at rest; so is `first_offset`."""
    first_offset: int = 0
    down_us: int = 0
    """When it went down."""
    lowest: float = 0.0
    """Since the newest frame at rest; so are the next two."""
    frames: int = 0
    observed: int = 0
    longest_gap_us: int = 0
    """Between two frames in which the level was known, since then."""
    is_turning: bool = False
    """Whether the newest frame is the deepest yet of what may be a repetition."""
    swing: Swing | None = None
    """Done, and held back until it is clear what comes next; it left the depth at `returned_us`."""
    returned_us: int = 0
    is_back: bool = False
    """Whether the level was at rest since then."""

    def miss(self, moment: Moment) -> Swing | None:
        """Take a frame in which the level is not known. Returns the repetition that nothing came after."""
        self.frames += 1
        self.is_turning = False
        swing = self.swing
        if swing is None or moment.at_us - self.returned_us < SETTLE_US:
            return None
        self.swing = None
        return swing

    def advance(self, moment: Moment, level: float, drops: Drops) -> Swing | None:
        """Take the level in the next frame (finite). Returns the repetition that is over with it, whole or half."""
        at_us = moment.at_us
        elapsed_us = at_us - self.seen_us
        self.seen_us = at_us
        if self.stage is None or elapsed_us > BRIDGE_US:
            return self._begin(moment, level, drops)
        self.frames += 1
        self.observed += 1
        if elapsed_us > self.longest_gap_us:
            self.longest_gap_us = elapsed_us
        self.is_turning = False
        drop = self.rest - level
        if self.stage is Stage.DOWN:
            if drop < drops.up:
                self._come_back(moment, drop, drops)
            elif level < self.lowest:
                self.lowest, self.is_turning = level, True
            elif at_us - self.down_us > LONGEST_US:
                # Nobody stays down for so long: what was taken for the rest may be another person's, or camera's.
                self.rest = drops.lowest_rest
            return None
        done = None if self.swing is None else self._settle(self.swing, moment, drop, drops)
        if drop <= drops.leaves:
            turned_halfway = self.rest - self.lowest >= drops.half and self.longest_gap_us <= _TURN_US
            if done is None and self.swing is None and turned_halfway:
                done = self._make_swing(moment, is_whole=False)
            self._set_out(moment, level)
        elif level < self.lowest:
            self.lowest, self.is_turning = level, drop >= drops.half
        if drop >= drops.down:
            self.stage, self.down_us = Stage.DOWN, at_us
        elif drop <= 0.0:
            self.rest = min(drops.highest_rest, level)
        elif drop <= drops.leaves or self.started_us is None or at_us - self.started_us > LONGEST_US:
            self.rest = max(drops.lowest_rest, self.rest - drop * min(1.0, elapsed_us / _REST_FALLS_US))
        return done

    def end(self) -> Swing | None:
        """Nothing more comes: give out what was held back, and forget the rest."""
        swing = self.swing
        self.stage = self.started_us = self.swing = None
        self.is_turning = False
        return swing

    def interrupt(self) -> None:
        """What is under way is no repetition, whatever comes of it."""
        self.started_us = self.swing = None

    def _begin(self, moment: Moment, level: float, drops: Drops) -> Swing | None:
        done = self.end()
        if self.rest - level < 0.5 * (drops.up + drops.down):
            self.stage = Stage.UP
            self.rest = min(max(level, drops.lowest_rest), drops.highest_rest)
            self._set_out(moment, level)
        else:
            self.stage, self.down_us = Stage.DOWN, moment.at_us
            self.lowest = level
        return done

    def _set_out(self, moment: Moment, level: float) -> None:
        self.started_us, self.first_offset = moment
        self.lowest = level
        self.frames = self.observed = 1
        self.longest_gap_us = 0

    def _come_back(self, moment: Moment, drop: float, drops: Drops) -> None:
        self.stage = Stage.UP
        self.swing = self._make_swing(moment, is_whole=True)
        self.returned_us, self.is_back = moment.at_us, drop <= drops.leaves
        self._set_out(moment, self.rest - drop)

    def _make_swing(self, moment: Moment, *, is_whole: bool) -> Swing | None:
        at_us, offset = moment
        started_us = self.started_us
        if started_us is None or not SHORTEST_US <= at_us - started_us <= LONGEST_US:
            return None
        depth = self.rest - self.lowest
        return Swing(started_us, at_us, self.first_offset, offset, depth, self.frames, self.observed, is_whole)

    def _settle(self, swing: Swing, moment: Moment, drop: float, drops: Drops) -> Swing | None:
        """A repetition lasts until the level is at rest again, if that comes while it is held back."""
        if not self.is_back and drop <= drops.leaves:
            self.is_back = True
            swing.last_us, swing.last_offset = moment
            swing.frames += self.frames - 1
            swing.observed += self.observed - 1
        if moment.at_us - self.returned_us < SETTLE_US and drop < drops.half:
            return None
        self.swing = None
        return swing
