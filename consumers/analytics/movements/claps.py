"""Claps: the hands rush together before the chest, touch, and part at once."""

from dataclasses import dataclass, field
from math import hypot
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Phase
from consumers.analytics.movements.marks import SECOND_US, Mark, seconds_between, surpass, tell
from consumers.analytics.movements.strokes import Strokes

# Body scales.
_LEAST_STROKE: Final = 0.13
_FAR: Final = 1.1
"""Hands farther apart than that need not be measured: nothing they do there is part of a clap."""
_TOUCHING: Final = 0.36
_CROSSED: Final = -0.15
"""Hands that go on past each other cross."""
_LOWEST: Final = -0.8
_UNDER_HEAD: Final = 0.05
# Body scales a second.
_LEAST_SPEED: Final = 0.9
_LONGEST_TOUCH_US: Final = 300_000
_ONE_RUN_US: Final = 1_500_000
_MOST_LEAN_DEG: Final = 45.0


@dataclass(slots=True)
class Claps:
    """How far the wrists are apart, and how many claps in a row there were."""

    between: Strokes = field(default_factory=Strokes)
    last: Mark | None = None
    count: int = 0

    def advance(self, body: BodyFacts, left_is: float, mark: Mark, changes: list[Change]) -> None:
        """Take the next frame with a body; `left_is` is 1 where its left is the image's right, else -1."""
        across = left_is * (body.left_wrist_right - body.right_wrist_right)
        if across < _FAR:
            distance = hypot(across, body.left_wrist_up - body.right_wrist_up)
            across = distance if across > 0.0 else -distance
        if across == across and self.between.advance(across if across < _FAR else _FAR, mark, _LEAST_STROKE):
            self._judge(body, changes)

    def clapped_within(self, at_us: int, by_us: int) -> bool:
        """Whether the last clap was so short a time ago."""
        return self.last is not None and at_us - self.last.at_us <= by_us

    def forget(self) -> None:
        """The body is out of sight for good."""
        self.between = Strokes()
        self.last, self.count = None, 0

    def _judge(self, body: BodyFacts, changes: list[Change]) -> None:
        between = self.between
        if not between.rising:
            return
        # They have come near and part again.
        first, met, left, nearest = between.first, between.last, between.from_mark, between.from_value
        assert first is not None and met is not None and left is not None  # noqa: S101, PT018
        head_up = (body.shoulders_y - body.nose_y) / body.scale
        height = 0.5 * (body.left_wrist_up + body.right_wrist_up)
        speed = between.size * SECOND_US / max(between.lasted_us, 1)
        if (
            _CROSSED < nearest < _TOUCHING
            and _LOWEST < height < head_up - _UNDER_HEAD
            and speed > _LEAST_SPEED
            and left.at_us - met.at_us <= _LONGEST_TOUCH_US
            and not body.trunk_lean > _MOST_LEAN_DEG
        ):
            self.count = self.count + 1 if self.clapped_within(met.at_us, _ONE_RUN_US) else 1
            self.last = met
            evidence: Evidence = {
                "count": self.count,
                "stroke_body_scales": between.size,
                "nearest_body_scales": nearest,
                "speed_body_scales_per_s": speed,
                "touch_seconds": seconds_between(met, left),
            }
            confidence = surpass(speed, _LEAST_SPEED)
            changes.append(tell(Phase.OCCURRED, "clap", "both", first, met, confidence, evidence))
