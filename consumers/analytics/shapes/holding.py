"""Which shapes a stream's two hands hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Evidence, Finding, Moment
from consumers.analytics.shapes.hand_shape import COUNTS, SHAPES
from consumers.analytics.shapes.hold import NOTHING_TAUGHT, HandHold, HoldChange, Run
from consumers.analytics.shapes.rules import HOLD_RULES

_COUNTS_BY_NAME: Final = {shape.value: count for shape, count in COUNTS.items()}


@dataclass(slots=True)
class HandShapes:
    """A Recogniser. Each hand holds one shape at a time; a taught shape goes before the built-in one it refines."""

    left: HandHold = field(default_factory=HandHold)
    right: HandHold = field(default_factory=HandHold)

    def advance(
        self,
        moment: Moment,
        facts: FrameFacts,
        names: Sequence[str] = SHAPES,
        taught_versions: Mapping[str, str] = NOTHING_TAUGHT,
    ) -> Sequence[Change]:
        """Take the stream's next frame, in order of time.

        `names` are those of `HandFacts.scores`, all different: SHAPES, and then those taught. They may be others than
        in the frame before: a shape that is held and no longer among them ends. `taught_versions` says by name which
        teaching a taught shape is of; its findings carry that as `made_by`.
        """
        left, right = (
            hold.advance(moment, None if hand is None else hand.scores, HOLD_RULES, names, taught_versions)
            for hold, hand in ((self.left, facts.left), (self.right, facts.right))
        )
        return _tell(left, right) if left or right else ()

    def end(self) -> Sequence[Change]:
        """End what is held, each with the last frame that showed it, and forget what was about to be."""
        self.left.candidate = self.right.candidate = None
        return _tell(self.left.end(), self.right.end())

    def shown(self, at_us: int) -> list[tuple[str, str]]:
        """Kind and hand of what is held and what the newest frame, of `at_us`, shows: it is not only bridged."""
        return [
            (hold.held.kind, hand)
            for hand, hold in (("left", self.left), ("right", self.right))
            if hold.held is not None and hold.held.last_us == at_us
        ]


def _tell(left: Sequence[HoldChange], right: Sequence[HoldChange]) -> list[Change]:
    return [
        Change(phase, _describe(hand, run))
        for hand, changes in (("left", left), ("right", right))
        for phase, run in changes
    ]


def _describe(hand: str, run: Run) -> Finding:
    evidence: Evidence = {"frames_shown": run.matched}
    if run.kind in _COUNTS_BY_NAME:
        evidence["count"] = _COUNTS_BY_NAME[run.kind]
    return Finding(
        category=Category.SHAPE,
        kind=run.kind,
        subject=hand,
        started_us=run.started_us,
        last_us=run.last_us,
        first_offset=run.first_offset,
        last_offset=run.last_offset,
        confidence=run.confidence,
        observed=run.observed_share,
        evidence=evidence,
        made_by=run.made_by,
    )
