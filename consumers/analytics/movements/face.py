"""What a face does: blinking, and speaking, which is a mouth that keeps moving, not one that is open."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import FaceFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.blinks import Blinks
from consumers.analytics.movements.marks import LOST_US, Mark
from consumers.analytics.movements.rhythms import Rhythm, RhythmRule

SPEAKING: Final = RhythmRule(
    "speaking",
    "mouth_widths",
    least=0.08,
    most=1.5,
    least_mean=0.115,
    longest_us=450_000,
    pause_us=450_000,
    needed=5,
    over_us=1_500_000,
)


_LEAST_SCALE: Final = 0.135
"""Image heights: the lips of a body less tall move by their unrest as far as by speaking."""


@dataclass(slots=True)
class FaceMovements:
    """One face."""

    seen: int = 0
    last: Mark | None = None
    blinks: Blinks = field(default_factory=Blinks)
    speaking: Rhythm = field(default_factory=Rhythm.rest)

    def advance(self, moment: Moment, frames: int, face: FaceFacts | None, scale: float, changes: list[Change]) -> None:
        """Take the next frame. `scale` is the body scale in image heights, NaN without a body."""
        at_us = moment.at_us
        last = self.last
        if last is not None and at_us - last.at_us > LOST_US:
            self.forget(changes)
        if face is not None:
            self.seen += 1
            mark = self.last = Mark(at_us, moment.offset, frames, self.seen)
            left, right = face.left_eye_openness, face.right_eye_openness
            if left == left and right == right:
                self.blinks.advance(left if left > right else right, mark, changes)
            mouth = face.mouth_openness
            if mouth == mouth and self.speaking.advance(mouth, mark, SPEAKING):
                fits = self.speaking.is_on or not scale < _LEAST_SCALE
                self.speaking.count_stroke(SPEAKING, "face", changes, fits=fits)
        if self.speaking.last is not None:
            self.speaking.expire(at_us, SPEAKING, "face", changes)

    def forget(self, changes: list[Change]) -> None:
        """The face is out of sight for good."""
        self.blinks.forget()
        self.speaking.forget(SPEAKING, "face", changes)
        self.last = None
