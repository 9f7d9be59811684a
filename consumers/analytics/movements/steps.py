"""Walking, told by its steps: seen from the side the legs pass each other, from the front one foot stands higher."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import Mark, seconds_between, tell
from consumers.analytics.movements.strokes import Strokes

# Body scales between the ankles.
_ACROSS: Final = 0.2
_HIGHER: Final = 0.13
_ALIKE: Final = 0.15
_HANDS_UP: Final = 0.2
"""Above the shoulders: nobody sets out to walk with both hands there, but in jumping jacks they go up each time."""
_NEEDED_FROM_SIDE: Final = 3
_NEEDED_FROM_FRONT: Final = 4
"""Legs pass each other in walking alone; jumping jacks seen aslant lift one foot higher."""
_LONGEST_STEP_US: Final = 1_300_000
_LONGEST_PASS_US: Final = 2_000_000
"""Seen from the side, who turns round has the legs together for longer."""
_QUICKEST_STEP_US: Final = 180_000
_OVER_US: Final = 2_000_000
"""Who turns round at the end of a room does not stop walking."""
_MOST_LEAN_DEG: Final = 40.0


@dataclass(slots=True)
class Steps:
    """Steps in a row, by one of the two ways to see them."""

    side: int = 0
    """Of the leg that is ahead in the image: 1 the left is to the right, -1 the right; 0 before it is clear."""
    heights: Strokes = field(default_factory=Strokes)
    count: int = 0
    first: Mark | None = None
    """When the leg set out for the row's first step."""
    last: Mark | None = None
    from_side: bool = False
    crossed: Mark | None = None
    """When the legs were last apart, seen from the side."""
    across: float = 0.0
    frames: int = 0
    """How far, in body scales, and the number of that frame."""
    is_on: bool = False

    def advance(self, body: BodyFacts, mark: Mark, changes: list[Change]) -> None:
        """Take the next frame with a body."""
        left, right = body.left_ankle_right, body.right_ankle_right
        # A leg behind the other is not always seen; it is where the other is not.
        across = left - right if left == left and right == right else 2.0 * left if left == left else -2.0 * right
        side = 1 if across > _ACROSS else -1 if across < -_ACROSS else 0
        if side:
            # Left and right that are taken for each other change places from one frame to the next.
            changed_places = abs(across + self.across) < _ALIKE * abs(across) and mark.frames == self.frames + 1
            if side == -self.side and not changed_places:
                self._step(mark, body, changes, from_side=True)
            self.side, self.across, self.frames, self.crossed = side, across, mark.frames, mark
        if not self.is_on and body.left_wrist_up > _HANDS_UP and body.right_wrist_up > _HANDS_UP:
            self.count, self.first, self.last = 0, None, None
        higher = body.left_ankle_up - body.right_ankle_up
        heights = self.heights
        if (
            higher == higher
            and heights.advance(higher, mark, _HIGHER)
            and heights.size > _HIGHER
            and heights.lasted_us < _LONGEST_STEP_US
        ):
            self._step(mark, body, changes, from_side=False)

    def expire(self, at_us: int, changes: list[Change]) -> None:
        """Time has passed, whether anything was seen or not."""
        if self.last is not None and at_us - self.last.at_us > _OVER_US:
            self._stop(changes)

    def forget(self, changes: list[Change]) -> None:
        """The legs are out of sight for good."""
        self._stop(changes)
        self.side, self.crossed = 0, None
        self.heights = Strokes()

    def _step(self, mark: Mark, body: BodyFacts, changes: list[Change], *, from_side: bool) -> None:
        if body.trunk_lean > _MOST_LEAN_DEG:
            self._stop(changes)
            return
        last = self.last
        if last is not None:
            since_us = mark.at_us - last.at_us
            longest_us = _LONGEST_PASS_US if from_side else _LONGEST_STEP_US
            if from_side is not self.from_side:
                # Seen aslant a step shows both ways: the legs that pass each other are the surer sign.
                if self.is_on and since_us > _LONGEST_STEP_US:
                    self.from_side = from_side
                elif self.is_on or not from_side:
                    return
                else:
                    self._stop(changes)
            elif since_us < _QUICKEST_STEP_US or (since_us > longest_us and not self.is_on):
                self._stop(changes)
        if self.first is None:
            began = self.crossed if from_side else self.heights.first
            self.first = mark if began is None or mark.at_us - began.at_us > _LONGEST_STEP_US else began
            self.from_side = from_side
        self.last = mark
        self.count += 1
        if not self.is_on and self.count >= (_NEEDED_FROM_SIDE if self.from_side else _NEEDED_FROM_FRONT):
            self.is_on = True
            changes.append(self._tell(Phase.START))

    def _stop(self, changes: list[Change]) -> None:
        if self.is_on:
            changes.append(self._tell(Phase.END))
        self.count, self.first, self.last, self.is_on = 0, None, None, False

    def _tell(self, phase: Phase) -> Change:
        assert self.first is not None and self.last is not None  # noqa: S101, PT018
        evidence: Evidence = {"steps": self.count, "seen_from_the_side": self.from_side}
        seconds = seconds_between(self.first, self.last)
        if seconds > 0.0:
            evidence["steps_per_minute"] = 60.0 * self.count / seconds
        return tell(phase, "walk", "body", self.first, self.last, min(1.0, 0.4 + 0.05 * self.count), evidence)
