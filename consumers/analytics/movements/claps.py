"""Claps: the hands rush together before the chest, touch, and part at once."""

from dataclasses import dataclass, field
from math import hypot
from typing import Final

from consumers.analytics.facts import BodyFacts, HandFacts
from consumers.analytics.finding import Change, Evidence, Moment, Phase
from consumers.analytics.movements.arms import HANDS_IN_BODY_SCALE
from consumers.analytics.movements.marks import LOST_US, SECOND_US, Mark, seconds_between, surpass, tell
from consumers.analytics.movements.strokes import Strokes

# Body scales.
_LEAST_STROKE: Final = 0.13
_FAR: Final = 1.1
"""Hands farther apart than that need not be measured: nothing they do there is part of a clap."""
_TOUCHING: Final = 0.36
_CROSSED: Final = -0.15
"""Hands that go on past each other cross."""
_LOWEST: Final = -0.8
_UNDER_NOSE: Final = 0.05
# Body scales a second.
_LEAST_SPEED: Final = 0.9
_LONGEST_TOUCH_US: Final = 300_000
_ONE_RUN_US: Final = 1_500_000
_HANGING: Final = -0.6
_MOST_LEAN_DEG: Final = 45.0


@dataclass(slots=True)
class Claps:
    """How far the wrists are apart, and how many claps in a row there were."""

    seen: int = 0
    """Frames that showed both wrists."""
    last: Mark | None = None
    of_body: bool = False
    apart: Strokes = field(default_factory=Strokes)
    clapped: Mark | None = None
    count: int = 0

    def advance(
        self,
        moment: Moment,
        frames: int,
        body: BodyFacts | None,
        hands: tuple[HandFacts | None, HandFacts | None],
        left_is: float,
        changes: list[Change],
    ) -> None:
        """Take the next frame; `left_is` is 1 where the person's left is the image's right, else -1."""
        last = self.last
        if last is not None and moment.at_us - last.at_us > LOST_US:
            self.forget()
        left, right = hands
        if body is not None:
            across = left_is * (body.left_wrist_right - body.right_wrist_right)
            above = body.left_wrist_up - body.right_wrist_up
        elif left is not None and right is not None and (self.last is None or not self.of_body):
            unit = 0.5 * HANDS_IN_BODY_SCALE * (left.scale + right.scale)
            across, above = left_is * (left.wrist_x - right.wrist_x) / unit, (right.wrist_y - left.wrist_y) / unit
        else:
            return
        if not (across == across and above == above):
            return
        if self.of_body is not (body is not None):
            self.forget()
            self.of_body = body is not None
        self.seen += 1
        mark = self.last = Mark(moment.at_us, moment.offset, frames, self.seen)
        if across < _FAR:
            distance = hypot(across, above)
            across = distance if across > 0.0 else -distance
        if self.apart.advance(across if across < _FAR else _FAR, mark, _LEAST_STROKE) and self.apart.rising:
            self._judge(body, hands, changes)

    def clapped_within(self, at_us: int, by_us: int) -> bool:
        """Whether the last clap was so short a time ago."""
        return self.clapped is not None and at_us - self.clapped.at_us <= by_us

    def forget(self) -> None:
        """The hands are out of sight for good, or seen in another way."""
        self.apart = Strokes()
        self.last = self.clapped = None
        self.count = 0

    def _judge(
        self, body: BodyFacts | None, hands: tuple[HandFacts | None, HandFacts | None], changes: list[Change]
    ) -> None:
        """The hands have come near and part again."""
        apart = self.apart
        first, met, left, nearest = apart.first, apart.last, apart.from_mark, apart.from_value
        assert first is not None and met is not None and left is not None  # noqa: S101, PT018
        speed = apart.size * SECOND_US / max(apart.lasted_us, 1)
        if not (
            _CROSSED < nearest < _TOUCHING
            and speed > _LEAST_SPEED
            and left.at_us - met.at_us <= _LONGEST_TOUCH_US
            and (_is_before_chest(body) if body is not None else not _hang(hands))
        ):
            return
        self.count = self.count + 1 if self.clapped_within(met.at_us, _ONE_RUN_US) else 1
        self.clapped = met
        evidence: Evidence = {
            "repetition": self.count,
            "stroke_body_scales": apart.size,
            "nearest_body_scales": nearest,
            "speed_body_scales_per_s": speed,
            "touch_s": seconds_between(met, left),
        }
        changes.append(tell(Phase.OCCURRED, "clap", "both", first, met, surpass(speed, _LEAST_SPEED), evidence))


def _hang(hands: tuple[HandFacts | None, HandFacts | None]) -> bool:
    """Whether the fingers of a hand point down, as of one who walks by."""
    return any(hand is not None and hand.fingers_up < _HANGING for hand in hands)


def _is_before_chest(body: BodyFacts) -> bool:
    """Whether the hands are between the waist and the nose of an upright body."""
    height = 0.5 * (body.left_wrist_up + body.right_wrist_up)
    nose = (body.shoulders_y - body.nose_y) / body.scale
    return _LOWEST < height < nose - _UNDER_NOSE and not body.trunk_lean > _MOST_LEAN_DEG
