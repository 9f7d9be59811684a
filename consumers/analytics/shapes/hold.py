"""One hand of one stream in time: from a score per frame to gestures with a start and an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from consumers.analytics.shapes.rules import GestureRules
from consumers.analytics.shapes.scoring import SHAPES, HandShape

_COLUMN: Final = {shape: column for column, shape in enumerate(SHAPES)}


class Moment(NamedTuple):
    """When a frame was taken (event time) and which record it is."""

    at_us: int
    offset: int


class Phase(StrEnum):
    START = "start"
    END = "end"


@dataclass(slots=True)
class Run:
    """A shape seen from `started_us` to `last_us`; frames after that, which did not show it, are pending."""

    shape: HandShape
    started_us: int
    last_us: int
    first_offset: int
    last_offset: int
    frames: int = 1
    """Frames of the stream from the first to the last that showed the shape, …"""
    observed: int = 1
    """… those of them in which the hand was there, …"""
    matched: int = 1
    """… and in which it had the shape."""
    score_sum: float = 0.0
    pending_frames: int = 0
    pending_observed: int = 0

    @property
    def confidence(self) -> float:
        """0 … 1: the mean score of the frames that showed the shape."""
        return self.score_sum / self.matched

    @property
    def observed_share(self) -> float:
        """0 … 1: in how many of its frames the hand was there."""
        return self.observed / self.frames

    def extend(self, moment: Moment, score: float) -> None:
        """A further frame shows the shape; what was pending was within the gesture."""
        self.last_us, self.last_offset = moment.at_us, moment.offset
        self.frames += self.pending_frames + 1
        self.observed += self.pending_observed + 1
        self.matched += 1
        self.score_sum += score
        self.pending_frames = self.pending_observed = 0

    def miss(self, *, observed: bool) -> None:
        """A further frame does not show the shape."""
        self.pending_frames += 1
        self.pending_observed += observed


@dataclass(slots=True)
class HandHold:
    """The shape a hand holds, and the one it may be about to hold.

    Only frames in which the hand is there can begin or prolong a gesture.
    """

    held: Run | None = None
    candidate: Run | None = None

    def advance(self, moment: Moment, scores: Sequence[float] | None, rules: GestureRules) -> list[tuple[Phase, Run]]:
        """Take the next frame, in order of time. `scores` is one per shape, or None when the hand was not there.

        Returns what began or ended with this frame, an end before a start.
        """
        if scores is None and self.held is None and self.candidate is None:
            return []
        changes: list[tuple[Phase, Run]] = []
        held = self.held
        if held is not None:
            if not _within(held, moment, rules.bridge_us, rules.silence_us):
                changes += self.end()
            elif scores is not None and scores[_COLUMN[held.shape]] >= rules.stay_score:
                held.extend(moment, scores[_COLUMN[held.shape]])
            else:
                held.miss(observed=scores is not None)
        self._advance_candidate(moment, scores, rules)
        candidate = self.candidate
        if (
            candidate is not None
            and candidate.matched >= rules.hold_frames
            and candidate.last_us - candidate.started_us >= rules.hold_us
        ):
            changes += self.end()
            self.held, self.candidate = candidate, None
            changes.append((Phase.START, candidate))
        return changes

    def end(self) -> list[tuple[Phase, Run]]:
        """The held gesture is over; it ended with the last frame that showed it."""
        held, self.held = self.held, None
        return [] if held is None else [(Phase.END, held)]

    def _advance_candidate(self, moment: Moment, scores: Sequence[float] | None, rules: GestureRules) -> None:
        candidate = self.candidate
        if candidate is not None and not _within(candidate, moment, rules.hold_gap_us, rules.silence_us):
            candidate = self.candidate = None
        if scores is None:
            if candidate is not None:
                candidate.miss(observed=False)
            return
        score = max(scores)
        shape = SHAPES[scores.index(score)]
        if score < rules.start_score or (self.held is not None and self.held.shape is shape):
            self.candidate = None
        elif candidate is not None and candidate.shape is shape:
            candidate.extend(moment, score)
        else:
            self.candidate = Run(shape, moment.at_us, moment.at_us, moment.offset, moment.offset, score_sum=score)


def _within(run: Run, moment: Moment, gap_us: int, silence_us: int) -> bool:
    """Whether a run can still go on: other frames may part it from this one for `gap_us`, none for `silence_us`."""
    return moment.at_us - run.last_us <= (gap_us if run.pending_frames else silence_us)
