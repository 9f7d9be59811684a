"""Blinks: both eyes shut and open again within half a second."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import SECOND_US, Mark, seconds_between, surpass, tell

# Shares of how open the eyes are by and by.
_SHUTTING: Final = 0.62
_SHUT: Final = 0.52
_OPEN: Final = 0.75
_LONGEST_US: Final = 500_000
_NEW_USUAL_US: Final = 2_000_000
"""Eyes narrowed for so long look down, or are screwed up: that is how open they are now."""
_OPENS_UP_S: Final = 0.3
_NARROWS_S: Final = 3.0
_LEAST_USUAL: Final = 0.12
"""Eye widths: eyes less open cannot be seen to blink."""


@dataclass(slots=True)
class Blinks:
    """How open the eyes are by and by, and since when they are less so."""

    usual: float | None = None
    """Eye widths."""
    last: Mark | None = None
    first: Mark | None = None
    least: float = 0.0
    count: int = 0

    def advance(self, openness: float, mark: Mark, changes: list[Change]) -> None:
        """Take how open the eye that is more open is, eye widths, a finite number."""
        last, usual = self.last, self.usual
        self.last = mark
        if usual is None or last is None:
            self.usual = openness
            return
        first = self.first
        if first is None:
            if openness < _SHUTTING * usual:
                self.first, self.least = mark, openness
            else:
                step_s = (mark.at_us - last.at_us) / SECOND_US
                settles_s = _OPENS_UP_S if openness > usual else _NARROWS_S
                self.usual = usual + step_s / (step_s + settles_s) * (openness - usual)
            return
        self.least = min(self.least, openness)
        if openness > _OPEN * usual:
            self.first = None
            if self.least < _SHUT * usual and mark.at_us - first.at_us <= _LONGEST_US and usual > _LEAST_USUAL:
                self.count += 1
                changes.append(self._tell(first, last, mark, usual))
        elif mark.at_us - first.at_us > _NEW_USUAL_US:
            self.first, self.usual = None, openness

    def forget(self) -> None:
        """The eyes are out of sight for good."""
        self.usual = self.last = self.first = None

    def _tell(self, first: Mark, last: Mark, opened: Mark, usual: float) -> Change:
        evidence: Evidence = {
            "duration_s": seconds_between(first, opened),
            "least_openness_eye_widths": self.least,
            "usual_openness_eye_widths": usual,
            "repetition": self.count,
        }
        confidence = surpass(usual - self.least, (1.0 - _SHUT) * usual)
        return tell(Phase.OCCURRED, "blink", "face", first, last, confidence, evidence)
