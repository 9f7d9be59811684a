"""Strokes that follow each other in a rhythm: waving, nodding, shaking the head, speaking."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import Mark, seconds_between, surpass, tell
from consumers.analytics.movements.strokes import Strokes

_NOW_US: Final = 800_000
_SHORTEST_US: Final = 50_000
"""What is elsewhere from one frame to the next, thirty times a second, was taken for something else."""


class RhythmRule(NamedTuple):
    """What makes strokes a movement of a kind."""

    kind: str
    unit: str
    """Of the size of a stroke, at the end of names in the evidence: deg, body_scales, mouth_widths."""
    least: float
    most: float
    """A stroke's size."""
    least_mean: float
    """The mean size of the strokes that begin the movement: noise makes single strokes."""
    longest_us: int
    """A stroke takes no longer."""
    pause_us: int
    """Between the strokes that begin the movement there is no longer rest."""
    needed: int
    """So many strokes in a row make it."""
    over_us: int
    """It is over when no stroke is complete for so long."""


@dataclass(slots=True)
class Rhythm:
    """A value's strokes, and those of them in a row that may be, or are, a movement."""

    strokes: Strokes
    count: int = 0
    size_sum: float = 0.0
    first: Mark | None = None
    last: Mark | None = None
    """From where the first of the row began to where the last one ended."""
    is_on: bool = False

    @classmethod
    def rest(cls) -> "Rhythm":
        """Nothing has moved."""
        return cls(Strokes())

    def advance(self, value: float, mark: Mark, rule: RhythmRule) -> bool:
        """Take the next value, a finite number. True when a stroke is complete that `count_stroke` has to judge."""
        return self.strokes.advance(value, mark, rule.least)

    def count_stroke(self, rule: RhythmRule, subject: str, changes: list[Change], *, fits: bool = True) -> None:
        """The stroke just completed goes on with the row, or ends it; `fits` is whether it may be of the kind."""
        strokes = self.strokes
        first, last = strokes.first, strokes.last
        assert first is not None and last is not None  # noqa: S101, PT018
        in_rhythm = rule.least <= strokes.size <= rule.most and _SHORTEST_US <= strokes.lasted_us <= rule.longest_us
        # Once the movement is on, a stroke out of rhythm or a longer rest does not end it: `over_us` does.
        if not fits or not (in_rhythm or self.is_on):
            self._stop(rule, subject, changes)
            return
        if not in_rhythm:
            return
        if self.last is not None and not self.is_on and first.at_us - self.last.at_us > rule.pause_us:
            self._stop(rule, subject, changes)
        if self.first is None:
            self.first = first
        self.last = last
        self.count += 1
        self.size_sum += strokes.size
        if self.count >= rule.needed and not self.is_on and self.size_sum >= rule.least_mean * self.count:
            self.is_on = True
            changes.append(self._tell(Phase.START, rule, subject))

    def outdoes(self, other: "Rhythm", at_us: int) -> bool:
        """Whether this value goes to and fro now, and farther than the other did with its last stroke."""
        last = self.last
        return last is not None and at_us - last.at_us < _NOW_US and self.size_sum > other.strokes.size * self.count

    def expire(self, at_us: int, rule: RhythmRule, subject: str, changes: list[Change]) -> None:
        """Time has passed, whether anything was seen or not."""
        last = self.last
        if last is not None and at_us - last.at_us > rule.over_us:
            self._take_last_stroke(rule)
            self._stop(rule, subject, changes)

    def forget(self, rule: RhythmRule, subject: str, changes: list[Change]) -> None:
        """What is watched is out of sight for good."""
        if self.last is not None:
            self._take_last_stroke(rule)
            self._stop(rule, subject, changes)
        self.strokes = Strokes()

    def _take_last_stroke(self, rule: RhythmRule) -> None:
        """The last stroke of all ends at rest, not by turning."""
        strokes = self.strokes
        first, last, farthest = strokes.from_mark, strokes.arrived, strokes.farthest
        if first is None or last is None or farthest is None or self.last is None:
            return
        size = abs(farthest - strokes.from_value)
        if (
            rule.least <= size <= rule.most
            and last.at_us - first.at_us <= rule.longest_us
            and 0 <= first.at_us - self.last.at_us <= rule.pause_us
        ):
            self.last = last
            self.count += 1
            self.size_sum += size

    def _stop(self, rule: RhythmRule, subject: str, changes: list[Change]) -> None:
        if self.is_on:
            changes.append(self._tell(Phase.END, rule, subject))
        self.count, self.size_sum, self.first, self.last, self.is_on = 0, 0.0, None, None, False

    def _tell(self, phase: Phase, rule: RhythmRule, subject: str) -> Change:
        assert self.first is not None and self.last is not None  # noqa: S101, PT018
        size = self.size_sum / self.count
        seconds = seconds_between(self.first, self.last)
        evidence: Evidence = {"strokes": self.count, f"stroke_{rule.unit}": size}
        if seconds > 0.0:
            evidence["rate_hz"] = self.count / (2.0 * seconds)
        return tell(phase, rule.kind, subject, self.first, self.last, surpass(size, rule.least), evidence)
