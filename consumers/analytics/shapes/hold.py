"""One hand of one stream in time: from a score per frame to shapes with a start and an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from consumers.analytics.finding import Moment, Phase
from consumers.analytics.shapes.hand_shape import PASSED_THROUGH, SHAPES
from consumers.analytics.shapes.rules import HoldRules

NOTHING_TAUGHT: Final[Mapping[str, str]] = MappingProxyType({})
_BUILT_IN: Final = len(SHAPES)


@dataclass(slots=True)
class Run:
    """A shape seen from `started_us` to `last_us`; frames after that, which did not show it, are pending."""

    kind: str
    started_us: int
    last_us: int
    first_offset: int
    last_offset: int
    made_by: str | None = None
    """Which teaching of it, of a shape a user taught."""
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
        """A further frame shows the shape; what was pending was within it."""
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


class HoldChange(NamedTuple):
    """A run that began or ended. It may go on changing: whoever keeps it copies what it needs."""

    phase: Phase
    run: Run


@dataclass(slots=True)
class HandHold:
    """The shape a hand holds, and the one it may be about to hold.

    Only frames in which the hand is there can begin or prolong a shape.
    """

    held: Run | None = None
    candidate: Run | None = None

    def advance(
        self,
        moment: Moment,
        scores: Sequence[float] | None,
        rules: HoldRules,
        names: Sequence[str] = SHAPES,
        taught_versions: Mapping[str, str] = NOTHING_TAUGHT,
    ) -> Sequence[HoldChange]:
        """Take the next frame, in order of time.

        `scores` is one for each of `names`, which are SHAPES and then those taught, all different, or None when the
        hand was not there. `taught_versions` says by name which teaching a taught shape is of. Returns what began or
        ended with this frame, an end before a start.
        """
        held = self.held
        if held is None and self.candidate is None and (scores is None or max(scores) < rules.start_score):
            return ()
        ended: Sequence[HoldChange] = ()
        if held is not None:
            if not _within(held, moment, rules.bridge_us, rules.silence_us):
                ended = self.end()
            else:
                score = _score_of(held.kind, scores, names)
                if score >= rules.stay_score:
                    held.extend(moment, score)
                else:
                    held.miss(observed=scores is not None)
        self._advance_candidate(moment, scores, rules, names, taught_versions)
        candidate = self.candidate
        if candidate is None or not _counts(candidate, rules):
            return ended
        changes = [*ended, *self.end(), HoldChange(Phase.START, candidate)]
        self.held, self.candidate = candidate, None
        return changes

    def end(self) -> Sequence[HoldChange]:
        """The held shape is over; it ended with the last frame that showed it."""
        held, self.held = self.held, None
        return () if held is None else (HoldChange(Phase.END, held),)

    def _advance_candidate(
        self,
        moment: Moment,
        scores: Sequence[float] | None,
        rules: HoldRules,
        names: Sequence[str],
        taught_versions: Mapping[str, str],
    ) -> None:
        candidate = self.candidate
        if candidate is not None and not _within(candidate, moment, rules.hold_gap_us, rules.silence_us):
            candidate = self.candidate = None
        if scores is None:
            if candidate is not None:
                candidate.miss(observed=False)
            return
        column = _pick(scores, rules)
        score, kind, held = scores[column], names[column], self.held
        if score < rules.start_score or (held is not None and (held.kind == kind or _refines(held, column))):
            self.candidate = None
        elif candidate is not None and candidate.kind == kind:
            candidate.extend(moment, score)
        else:
            self.candidate = Run(
                str(kind),
                moment.at_us,
                moment.at_us,
                moment.offset,
                moment.offset,
                made_by=taught_versions.get(kind) if column >= _BUILT_IN else None,
                score_sum=score,
            )


def _pick(scores: Sequence[float], rules: HoldRules) -> int:
    """The column of the shape a frame shows: the best of those taught, if it is one, or else the best there is."""
    if len(scores) > _BUILT_IN:
        taught = max(scores[_BUILT_IN:])
        if taught >= rules.start_score:
            return scores.index(taught, _BUILT_IN)
    return scores.index(max(scores))


def _counts(run: Run, rules: HoldRules) -> bool:
    """Whether a run has been seen often and long enough."""
    hold_us = rules.passing_hold_us if run.kind in PASSED_THROUGH else rules.hold_us
    return run.matched >= rules.hold_frames and run.last_us - run.started_us >= hold_us


def _refines(held: Run, column: int) -> bool:
    """Whether a taught shape, shown in this frame too, keeps the built-in one it is a case of from taking its place."""
    return not held.pending_frames and column < _BUILT_IN and held.kind not in SHAPES


def _score_of(kind: str, scores: Sequence[float] | None, names: Sequence[str]) -> float:
    """0 for a hand that is not there, and for a shape that has been forgotten since."""
    return 0.0 if scores is None or kind not in names else scores[names.index(kind)]


def _within(run: Run, moment: Moment, gap_us: int, silence_us: int) -> bool:
    """Whether a run can still go on: other frames may part it from this one for `gap_us`, none for `silence_us`."""
    return moment.at_us - run.last_us <= (gap_us if run.pending_frames else silence_us)
