"""All exercises of one stream."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.analytics.exercises.curls import CurlCounter
from consumers.analytics.exercises.jumping_jacks import JumpingJackCounter
from consumers.analytics.exercises.push_ups import PushUpCounter
from consumers.analytics.exercises.sides import NAN
from consumers.analytics.exercises.squats import SquatCounter
from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Moment


@dataclass(slots=True)
class Exercises:
    """A `Recogniser` of squats, push-ups, jumping jacks and curls: every repetition occurs once, when it is over."""

    squat: SquatCounter = field(default_factory=SquatCounter)
    push_up: PushUpCounter = field(default_factory=PushUpCounter)
    jumping_jack: JumpingJackCounter = field(default_factory=JumpingJackCounter)
    left_curl: CurlCounter = field(default_factory=lambda: CurlCounter("left"))
    right_curl: CurlCounter = field(default_factory=lambda: CurlCounter("right"))

    def advance(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        """Take the stream's next frame."""
        body = facts.body
        squats = self.squat.advance(moment, body)
        push_ups = self.push_up.advance(moment, body)
        jumping_jacks = self.jumping_jack.advance(moment, body)
        if body is None:
            left_curls = self.left_curl.advance(moment, NAN, NAN, None)
            right_curls = self.right_curl.advance(moment, NAN, NAN, None)
        else:
            left_curls = self.left_curl.advance(moment, body.left_elbow, body.left_shoulder, facts.left)
            right_curls = self.right_curl.advance(moment, body.right_elbow, body.right_shoulder, facts.right)
        if squats or push_ups or jumping_jacks or left_curls or right_curls:
            return [*squats, *push_ups, *jumping_jacks, *left_curls, *right_curls]
        return ()

    def end(self) -> Sequence[Change]:
        """Give out what was held back."""
        return [
            *self.squat.end(),
            *self.push_up.end(),
            *self.jumping_jack.end(),
            *self.left_curl.end(),
            *self.right_curl.end(),
        ]
