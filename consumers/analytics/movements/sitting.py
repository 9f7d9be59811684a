"""Sitting down, sitting, and standing up."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import LOST_US, Mark, seconds_between, tell

# Degrees.
_BENT: Final = 130.0
_FOLDED: Final = 50.0
"""Knees bent further are those of somebody who squats down on their heels."""
_STRAIGHT: Final = 150.0
_MOST_LEAN_DEG: Final = 35.0
_KNEES_ABOVE_ANKLES: Final = 0.35
"""Body scales: who kneels, or lies, has them lower."""
_STILL: Final = 0.06
"""Body scales by which the hips of one who sits may wander while it is not yet sure."""
_SEATED_US: Final = 1_300_000
_STANDS_US: Final = 300_000
_WAY_US: Final = 4_000_000
_OUT_OF_SIGHT_US: Final = 3_000_000


@dataclass(slots=True)
class Sitting:
    """Whether the body sits or stands, as far as it is known, and since when it may have changed."""

    seated: bool | None = None
    """None before it is known."""
    first: Mark | None = None
    last: Mark | None = None
    """Of the state that is known: the first and the last frame that showed it."""
    next_first: Mark | None = None
    """Since when the other state shows."""
    hips_y: float = 0.0
    """Image heights: where the hips came to rest."""
    seen: Mark | None = None

    def advance(self, body: BodyFacts, mark: Mark, changes: list[Change]) -> None:
        """Take the next frame with a body."""
        hip, knee = 0.5 * (body.left_hip + body.right_hip), 0.5 * (body.left_knee + body.right_knee)
        if self.next_first is not None and self.seen is not None and mark.at_us - self.seen.at_us > LOST_US:
            # Nobody knows whether they stayed so: a squat before, and one after, are no rest.
            self.next_first = None
        if hip > _STRAIGHT and knee > _STRAIGHT:
            self.seen = mark
            if self.seated is False:
                self.last, self.next_first = mark, None
            else:
                self._show(mark, _STANDS_US, changes, seated=False)
        elif hip < _BENT and knee < _BENT:
            self.seen = mark
            if not self._is_like_sitting(body, knee):
                if not self.seated:
                    self.next_first = None
            elif self.seated:
                self.last, self.next_first = mark, None
            else:
                if self.next_first is None or abs(body.hips_y - self.hips_y) > _STILL * body.scale:
                    self.next_first, self.hips_y = mark, body.hips_y
                self._show(mark, _SEATED_US, changes, seated=True)
        elif hip == hip and knee == knee:
            self.seen = mark
            self.next_first = None

    def expire(self, at_us: int, changes: list[Change]) -> None:
        """Time has passed, whether anything was seen or not."""
        if self.seen is not None and at_us - self.seen.at_us > _OUT_OF_SIGHT_US:
            self.forget(changes)

    def forget(self, changes: list[Change]) -> None:
        """The legs are out of sight for good: nobody knows what they do."""
        if self.seated:
            changes.append(self._tell(Phase.END, "sitting", self.first, self.last))
        self.seated = self.first = self.last = self.next_first = self.seen = None

    def _is_like_sitting(self, body: BodyFacts, knee: float) -> bool:
        above = 0.5 * (body.left_knee_up + body.right_knee_up - body.left_ankle_up - body.right_ankle_up)
        return above > _KNEES_ABOVE_ANKLES and body.trunk_lean < _MOST_LEAN_DEG and knee > _FOLDED

    def _show(self, mark: Mark, needed_us: int, changes: list[Change], *, seated: bool) -> None:
        """The state that is not the known one shows; it is known when it has shown long enough."""
        if self.next_first is None:
            self.next_first = mark
        began = self.next_first
        if mark.at_us - began.at_us < needed_us:
            return
        before, last = self.seated, self.last
        if before:
            changes.append(self._tell(Phase.END, "sitting", self.first, last))
        if before is not None and last is not None and began.at_us - last.at_us <= _WAY_US:
            changes.append(self._tell(Phase.OCCURRED, "sit_down" if seated else "stand_up", last, began))
        self.seated, self.first, self.last, self.next_first = seated, began, mark, None
        if seated:
            changes.append(self._tell(Phase.START, "sitting", began, mark))

    @staticmethod
    def _tell(phase: Phase, kind: str, first: Mark | None, last: Mark | None) -> Change:
        assert first is not None and last is not None  # noqa: S101, PT018
        evidence: Evidence = {"duration_s": seconds_between(first, last)}
        return tell(phase, kind, "body", first, last, 0.8, evidence)
