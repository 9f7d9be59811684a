"""One hand on its way: where it is, and the waving, swiping and circling that are read from it."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import BodyFacts, HandFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.circles import Circles
from consumers.analytics.movements.marks import LOST_US, SECOND_US, Mark
from consumers.analytics.movements.rhythms import Rhythm, RhythmRule
from consumers.analytics.movements.swipes import Swipes
from consumers.analytics.movements.view import View

HANDS_IN_BODY_SCALE: Final = 5.2
"""A trunk is about as long as so many hands, from wrist to knuckle: what a hand without a body is measured by."""
_SCALE_SETTLES_S: Final = 0.5
_UNSEEN_S: Final = 0.18
_HIDDEN: Final = 3
"""Frames of a body without the hand: it was put away, or is out of the image, and comes back to begin something."""
# Body scales.
_RAISED: Final = 0.05
"""A waving wrist is so much above its elbow."""
_MOVED: Final = 0.25
_APART: Final = 0.6
"""Hands nearer to each other than that clap, or rub each other."""
_WAIST_UP: Final = -0.65
"""From the shoulders: hands below it swing, as in walking."""
_LEAST_ARM_CIRCLE: Final = 0.24
_LEAST_FINGER_CIRCLE: Final = 0.09
# Of a hand alone: cosines between it and up.
_FINGERS_UP: Final = 0.3
_HANGING: Final = -0.85
_MOST_LEAN_DEG: Final = 45.0

WAVE: Final = RhythmRule(
    kind="wave",
    unit="body_scales",
    least=0.13,
    most=1.6,
    least_mean=0.16,
    longest_us=550_000,
    pause_us=250_000,
    needed=4,
    over_us=1_100_000,
)


@dataclass(slots=True)
class Arm:
    """A hand's path in body scales, to the image's right and upwards.

    With a body it counts from the middle of the shoulders, so that walking is no movement of the hand. Of a hand alone
    it is the tip of the index finger's, from where it was first seen, in hand lengths made body scales.
    """

    seen: int = 0
    last: Mark | None = None
    hidden: int = 0
    """Frames since it was seen last that show the body without it."""
    of_body: bool = False
    x: float = 0.0
    y: float = 0.0
    tip_x: float = 0.0
    tip_y: float = 0.0
    scale: float = 0.0
    """Of a hand alone: where the tip was, and how large the hand is by and by, in image heights."""
    wave: Rhythm = field(default_factory=Rhythm.rest)
    swipes: Swipes = field(default_factory=Swipes)
    circles: Circles = field(default_factory=Circles)

    def advance(
        self,
        subject: str,
        moment: Moment,
        view: View,
        place: tuple[float, float, float],
        hand: HandFacts | None,
        changes: list[Change],
    ) -> None:
        """Take the next frame. `place` is x and y of the wrist and y of the elbow by the body's word, NaN without."""
        at_us = moment.at_us
        last = self.last
        if last is not None and at_us - last.at_us > LOST_US:
            self.forget(subject, changes)
            last = None
        was_up = self.of_body and self.seen > 0 and self.y > _WAIST_UP
        x, y, elbow_y = place
        if x == x and y == y:
            if last is not None and not self.of_body:
                self.forget(subject, changes)
                last = None
            raised = y - elbow_y
            by_x, by_y = x - self.x, y - self.y
            self.of_body = True
        elif hand is not None and (last is None or not self.of_body):
            raised = hand.fingers_up
            by_x, by_y = self._follow_tip(hand, at_us)
            x, y = self.x + by_x, self.y + by_y
            self.of_body = False
        else:
            self.hidden += view.body is not None
            if self.wave.last is not None:
                self.wave.expire(at_us, WAVE, subject, changes)
            return
        was_lost = self.of_body and self.seen > 0 and self.hidden < _HIDDEN
        self.seen += 1
        self.hidden = 0
        mark = Mark(at_us, moment.offset, view.frames, self.seen)
        self.x, self.y, self.last = x, y, mark
        if last is None:
            self.wave.advance(x, mark, WAVE)
            # It may be on its way up to where it has something to do, or on its way back.
            self.swipes.doubt(at_us, may_return=was_up or (was_lost and y > _WAIST_UP))
            return
        self._advance_circles(mark, view, subject, changes)
        circles = self.circles
        if self.wave.advance(x, mark, WAVE):
            fits = not view.claps and not circles.is_on and self._may_wave(raised, view.body)
            self.wave.count_stroke(WAVE, subject, changes, fits=fits)
        elif self.wave.last is not None:
            self.wave.expire(at_us, WAVE, subject, changes)
        if (
            self.wave.is_on
            or circles.is_on
            or (not self.of_body and raised < _HANGING)
            or (view.body is not None and view.body.trunk_lean > _MOST_LEAN_DEG)
        ):
            self.swipes.drop(at_us)
        step = (by_x, by_y, (at_us - last.at_us) / SECOND_US)
        if (
            step[2] > _UNSEEN_S
            and by_x * by_x + by_y * by_y > _MOVED * _MOVED
            and not (self.of_body and y - by_y > _WAIST_UP)
        ):
            # Unseen it may have been raised: what it goes on to do is no swipe.
            self.swipes.doubt(at_us, may_return=True)
        self.swipes.advance((x, y), step, (last, mark), view, subject, changes)

    def forget(self, subject: str, changes: list[Change]) -> None:
        """The hand is out of sight for good, or seen in another way."""
        self.wave.forget(WAVE, subject, changes)
        self.circles.forget(subject, changes)
        self.swipes.forget()
        self.last = None

    def _follow_tip(self, hand: HandFacts, at_us: int) -> tuple[float, float]:
        """The tip's step in body scales."""
        last = self.last
        if last is None:
            self.scale = hand.scale
            by_x = by_y = 0.0
        else:
            step_s = (at_us - last.at_us) / SECOND_US
            self.scale += step_s / (step_s + _SCALE_SETTLES_S) * (hand.scale - self.scale)
            unit = self.scale * HANDS_IN_BODY_SCALE
            by_x, by_y = (hand.index_tip_x - self.tip_x) / unit, (self.tip_y - hand.index_tip_y) / unit
        self.tip_x, self.tip_y = hand.index_tip_x, hand.index_tip_y
        return by_x, by_y

    def _advance_circles(self, mark: Mark, view: View, subject: str, changes: list[Change]) -> None:
        circles, x = self.circles, self.x * view.unmirrored
        if not self.of_body:
            circles.advance(x, self.y, mark, _LEAST_FINGER_CIRCLE, subject, changes)
        elif self.y > _WAIST_UP:
            circles.advance(x, self.y, mark, _LEAST_ARM_CIRCLE, subject, changes)
        elif circles.at is not None:
            circles.forget(subject, changes)

    def _may_wave(self, raised: float, body: BodyFacts | None) -> bool:
        """Whether the hand is up, and by itself."""
        if body is None or not self.of_body:
            return raised > _FINGERS_UP
        between_x = body.left_wrist_right - body.right_wrist_right
        between_y = body.left_wrist_up - body.right_wrist_up
        together = between_x * between_x + between_y * between_y < _APART * _APART
        return raised > _RAISED and not together and not body.trunk_lean > _MOST_LEAN_DEG
