"""Nodding and shaking the head."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import BodyFacts, FaceFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.marks import LOST_US, Mark
from consumers.analytics.movements.rhythms import Rhythm, RhythmRule

NOD: Final = RhythmRule(
    "nod",
    "deg",
    least=7.0,
    most=60.0,
    least_mean=8.0,
    longest_us=600_000,
    pause_us=300_000,
    needed=3,
    over_us=1_100_000,
)
SHAKE: Final = RhythmRule(
    "shake",
    "deg",
    least=13.0,
    most=120.0,
    least_mean=16.0,
    longest_us=600_000,
    pause_us=300_000,
    needed=3,
    over_us=1_100_000,
)
# Without a face the pose's nose and ears must do, which tremble more.
NOD_OF_POSE: Final = NOD._replace(least=14.0, least_mean=16.0)
SHAKE_OF_POSE: Final = SHAKE._replace(least=20.0, least_mean=24.0)
_DEG_PER_EAR_DISTANCE: Final = 87.0
_DEG_PER_BODY_SCALE: Final = 286.0
"""A nose is about 0.66 ear distances, 0.2 body scales, before the ears."""
_LEAST_SCALE: Final = 0.15
"""Image heights: the head of a body less tall is a few pixels."""
# Body scales.
_CARRIED: Final = 0.12
_TURNED: Final = 0.12
"""The span of the shoulders changes by so much when the body turns by 35 degrees, from where it faces the camera."""
_MOST_LEAN_DEG: Final = 45.0


@dataclass(slots=True)
class Head:
    """How the head is turned and dropped, by the face's word or else by the pose's."""

    seen: int = 0
    last: Mark | None = None
    of_face: bool = False
    highest_y: float | None = None
    lowest_y: float = 0.0
    """Image heights, downwards: between what the shoulders were since the nod's last stroke."""
    widest: float | None = None
    narrowest: float = 0.0
    """Body scales: between what the span of the shoulders was since the shake's last stroke."""
    nod: Rhythm = field(default_factory=Rhythm.rest)
    shake: Rhythm = field(default_factory=Rhythm.rest)

    def advance(
        self, moment: Moment, frames: int, face: FaceFacts | None, body: BodyFacts | None, changes: list[Change]
    ) -> None:
        """Take the next frame."""
        at_us = moment.at_us
        last = self.last
        if last is not None and at_us - last.at_us > LOST_US:
            self.forget(changes)
            last = None
        if face is not None:
            yaw, pitch = face.yaw, face.pitch
            if last is not None and not self.of_face:
                self.forget(changes)
            self.of_face = True
        elif body is not None and (last is None or not self.of_face) and body.scale > _LEAST_SCALE:
            yaw, pitch = body.head_turn * _DEG_PER_EAR_DISTANCE, body.head_drop * _DEG_PER_BODY_SCALE
            self.of_face = False
        else:
            yaw = pitch = float("nan")
        nod_rule, shake_rule = (NOD, SHAKE) if self.of_face else (NOD_OF_POSE, SHAKE_OF_POSE)
        if yaw == yaw and pitch == pitch:
            self.seen += 1
            mark = self.last = Mark(at_us, moment.offset, frames, self.seen)
            upright = True
            if body is not None:
                self._follow_shoulders(body.shoulders_y, body.shoulder_span)
                upright = not body.trunk_lean > _MOST_LEAN_DEG
            if self.shake.advance(yaw, mark, shake_rule):
                fits = upright and not self.nod.outdoes(self.shake, at_us) and not self._is_turned_with_body()
                self.shake.count_stroke(shake_rule, "head", changes, fits=fits)
            if self.nod.advance(pitch, mark, nod_rule):
                # Seen aslant, a head that is shaken nods a little as well.
                fits = upright and not self.shake.outdoes(self.nod, at_us) and not self._is_carried(body)
                self.nod.count_stroke(nod_rule, "head", changes, fits=fits)
        if self.nod.last is not None:
            self.nod.expire(at_us, nod_rule, "head", changes)
        if self.shake.last is not None:
            self.shake.expire(at_us, shake_rule, "head", changes)

    def _is_carried(self, body: BodyFacts | None) -> bool:
        """Whether the shoulders rose and sank with the nod's last stroke, as in jumping."""
        highest_y, self.highest_y = self.highest_y, None
        return body is not None and highest_y is not None and self.lowest_y - highest_y > _CARRIED * body.scale

    def _is_turned_with_body(self) -> bool:
        """Whether the shoulders turned during the shake's last stroke, as of somebody who walks to and fro."""
        widest, self.widest = self.widest, None
        return widest is not None and widest - self.narrowest > _TURNED

    def _follow_shoulders(self, shoulders_y: float, span: float) -> None:
        if self.widest is None:
            if span == span:
                self.widest = self.narrowest = span
        elif span > self.widest:
            self.widest = span
        elif span < self.narrowest:
            self.narrowest = span
        if self.highest_y is None:
            if shoulders_y == shoulders_y:
                self.highest_y = self.lowest_y = shoulders_y
        elif shoulders_y < self.highest_y:
            self.highest_y = shoulders_y
        elif shoulders_y > self.lowest_y:
            self.lowest_y = shoulders_y

    def forget(self, changes: list[Change]) -> None:
        """The head is out of sight for good, or seen in another way."""
        self.nod.forget(NOD if self.of_face else NOD_OF_POSE, "head", changes)
        self.shake.forget(SHAKE if self.of_face else SHAKE_OF_POSE, "head", changes)
        self.last = self.highest_y = self.widest = None
