"""A person who is not found for a while, though they did not leave."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.fault import FaultKind, tell_fault
from consumers.analytics.features.whereabouts import Whereabouts
from consumers.analytics.finding import Change, Evidence, Moment, Phase
from consumers.analytics.span import Span

_SEEN_US: Final = 300_000
"""So long somebody has to have been there before they can be lost."""
_LOST_US: Final = 250_000
_LOST_FRAMES: Final = 2
_GIVEN_UP_US: Final = 10_000_000
"""Who is not found for so long is no longer lost but gone."""


@dataclass(slots=True)
class Presence:
    """Whether somebody is there, by frames on the stream's steady clock."""

    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    seen_since_us: int | None = None
    """None while nobody is there."""
    lost_us: int = 0
    lost: Span | None = None
    is_told: bool = False

    def take(self, moment: Moment, facts: FrameFacts, steady_us: int) -> list[Change]:
        """Take a frame in order."""
        if facts.body is not None:
            changes = [] if self.lost is None else self._find(facts)
            if self.seen_since_us is None:
                self.seen_since_us = steady_us
            self.whereabouts.follow(steady_us, facts)
            return changes
        if facts.has_person:
            return []
        lost = self.lost
        if lost is not None:
            return self._go_on(moment, lost, steady_us)
        seen_since_us, self.seen_since_us = self.seen_since_us, None
        if (
            seen_since_us is not None
            and steady_us - seen_since_us >= _SEEN_US
            and self.whereabouts.edge(facts.image_width) is None
        ):
            self.lost, self.lost_us, self.is_told = Span.at(moment), steady_us, False
        return []

    def end(self) -> list[Change]:
        """End what goes on, and forget who was there."""
        self.seen_since_us = None
        return self._close({})

    def _go_on(self, moment: Moment, lost: Span, steady_us: int) -> list[Change]:
        if steady_us - self.lost_us > _GIVEN_UP_US:
            return self._close({})
        lost.extend(moment)
        if self.is_told or lost.frames < _LOST_FRAMES or steady_us - self.lost_us < _LOST_US:
            return []
        self.is_told = True
        return [tell_fault(Phase.START, FaultKind.DROPOUT, lost, _measure(lost))]

    def _find(self, facts: FrameFacts) -> list[Change]:
        moved = self.whereabouts.distance_scales(facts)
        return self._close({} if moved is None else {"moved_scales": moved})

    def _close(self, evidence: Evidence) -> list[Change]:
        lost, self.lost = self.lost, None
        if lost is None or not self.is_told:
            return []
        return [tell_fault(Phase.END, FaultKind.DROPOUT, lost, {**_measure(lost), **evidence})]


def _measure(lost: Span) -> Evidence:
    return {"frames": lost.frames, "seconds": lost.seconds}
