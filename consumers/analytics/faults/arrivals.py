"""Which frames of a stream never came, came late, and came again: told by their sequence numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.fault import FaultKind, tell_fault
from consumers.analytics.finding import Change, Moment, Phase
from consumers.analytics.span import Span

_PATIENCE_US: Final = 2_000_000
"""So long a frame may still come late; then it is missing."""
_HOLES_KEPT: Final = 8
"""Holes that were told and are remembered, so that what comes even then is late and not a duplicate."""
_MOST_HOLES: Final = 16


@dataclass(slots=True)
class Hole:
    """Sequence numbers `first` to `end` (not included) that were skipped; `missing` of them have not come since."""

    first: int
    end: int
    missing: int
    noticed_us: int
    """On the stream's steady clock."""
    span: Span
    """The frames around it."""


@dataclass(slots=True)
class Arrivals:
    """The sequence numbers of one stream."""

    first_sequence: int | None = None
    newest: int = 0
    newest_us: int = 0
    """The event time of the newest."""
    newest_offset: int = 0
    open_holes: list[Hole] = field(default_factory=list)
    told_holes: list[Hole] = field(default_factory=list)

    def goes_on(self, sequence: int) -> bool:
        """Whether a frame is the first of its stream or comes after the newest."""
        return self.first_sequence is None or sequence > self.newest

    def is_next(self, moment: Moment, sequence: int) -> bool:
        """Whether no frame is known to be missing before this one.

        A source without sequence numbers has its offsets instead, in which the records of other streams leave holes.
        """
        return (
            sequence == self.newest + 1
            or self.first_sequence is None
            or (sequence == moment.offset and self.newest == self.newest_offset)
        )

    def take(self, moment: Moment, sequence: int, steady_us: int) -> Sequence[Change]:
        """Take a frame that goes on, or one with which numbering starts anew."""
        changes: Sequence[Change] = ()
        if self.first_sequence is None or sequence <= self.newest:
            changes = self.end()
            self.first_sequence = sequence
        else:
            if not self.is_next(moment, sequence):
                around = Span(self.newest_us, moment.at_us, self.newest_offset, moment.offset, frames=2)
                missing = sequence - self.newest - 1
                self.open_holes.append(Hole(self.newest + 1, sequence, missing, steady_us, around))
            if self.open_holes and (
                steady_us - self.open_holes[0].noticed_us >= _PATIENCE_US or len(self.open_holes) > _MOST_HOLES
            ):
                changes = [self._tell(self.open_holes.pop(0))]
        self.newest, self.newest_us, self.newest_offset = sequence, moment.at_us, moment.offset
        return changes

    def take_old(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        """Take a frame whose number is not above the newest: it is late, or came before."""
        sequence = facts.sequence
        span = Span.at(moment)
        late_s = (self.newest_us - moment.at_us) / 1e6
        hole = self._find_hole(sequence)
        if hole is None and self.first_sequence is not None and sequence >= self.first_sequence:
            return [tell_fault(Phase.OCCURRED, FaultKind.DUPLICATE, span, {"sequence": sequence, "repeated_s": late_s})]
        if hole is not None:
            hole.missing -= 1
            self.open_holes = [each for each in self.open_holes if each.missing]
            self.told_holes = [each for each in self.told_holes if each.missing]
        return [tell_fault(Phase.OCCURRED, FaultKind.LATE, span, {"sequence": sequence, "late_s": late_s})]

    def end(self) -> list[Change]:
        """What has not come by now never will."""
        changes = [self._tell(hole) for hole in self.open_holes]
        self.open_holes, self.told_holes = [], []
        return changes

    def _find_hole(self, sequence: int) -> Hole | None:
        for hole in (*self.open_holes, *self.told_holes):
            if hole.first <= sequence < hole.end:
                return hole
        return None

    def _tell(self, hole: Hole) -> Change:
        self.told_holes = [*self.told_holes[1 - _HOLES_KEPT :], hole]
        return tell_fault(
            Phase.OCCURRED,
            FaultKind.MISSING,
            hole.span,
            {
                "frames_missing": hole.missing,
                "first_missing_sequence": hole.first,
                "gap_s": hole.span.seconds,
            },
        )
