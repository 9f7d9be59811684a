"""All movements of one stream."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from consumers.analytics.facts import BodyFacts, FrameFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.arms import Arm
from consumers.analytics.movements.claps import Claps
from consumers.analytics.movements.face import FaceMovements
from consumers.analytics.movements.head import Head
from consumers.analytics.movements.jumps import Jumps
from consumers.analytics.movements.level import Level
from consumers.analytics.movements.marks import LOST_US, Mark
from consumers.analytics.movements.poses import Poses
from consumers.analytics.movements.sitting import Sitting
from consumers.analytics.movements.steps import Steps
from consumers.analytics.movements.view import View

_NAN: Final = float("nan")
_NOWHERE: Final = (_NAN, _NAN, _NAN)
_CLAPPING_US: Final = 1_000_000


@dataclass(slots=True)
class Movements:
    """Everything a person's movements are told from, each by its own recogniser."""

    frames: int = 0
    """Frames of the stream so far."""
    bodies: int = 0
    """Those of them with a body."""
    body: Mark | None = None
    """The last one."""
    level: Level = field(default_factory=Level)
    left: Arm = field(default_factory=Arm)
    right: Arm = field(default_factory=Arm)
    claps: Claps = field(default_factory=Claps)
    head: Head = field(default_factory=Head)
    face: FaceMovements = field(default_factory=FaceMovements)
    poses: Poses = field(default_factory=Poses)
    steps: Steps = field(default_factory=Steps)
    jumps: Jumps = field(default_factory=Jumps)
    sitting: Sitting = field(default_factory=Sitting)

    def advance(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        """Take the stream's next frame, in order of time."""
        self.frames += 1
        changes: list[Change] = []
        body, unmirrored = facts.body, -1.0 if facts.mirrored else 1.0
        left_is = unmirrored
        if body is not None:
            body = self.level.straighten(body, moment.at_us)
            if body.shoulder_span < 0.0:
                left_is = -left_is
        self._advance_body(moment, body, left_is, changes)
        self._advance_arms(moment, facts, (body, left_is, unmirrored), changes)
        # Without the shoulders, nobody knows whether it moves by itself: a doubted body is not one out of sight.
        face = None if body is None and facts.is_doubted else facts.face
        self.head.advance(moment, self.frames, face, body, changes)
        self.face.advance(moment, self.frames, facts.face, _NAN if body is None else body.scale, changes)
        return changes

    def end(self) -> Sequence[Change]:
        """The stream is over, or its time was set back."""
        changes: list[Change] = []
        self.left.forget("left", changes)
        self.right.forget("right", changes)
        self.claps.forget()
        self.head.forget(changes)
        self.face.forget(changes)
        self._forget_body(changes)
        self.sitting.forget(changes)
        begun_anew = Movements()
        for remembered in fields(self):
            setattr(self, remembered.name, getattr(begun_anew, remembered.name))
        return changes

    def _advance_arms(
        self, moment: Moment, facts: FrameFacts, shown: tuple[BodyFacts | None, float, float], changes: list[Change]
    ) -> None:
        body, left_is, unmirrored = shown
        self.claps.advance(moment, self.frames, body, (facts.left, facts.right), left_is, changes)
        claps = self.claps.clapped_within(moment.at_us, _CLAPPING_US)
        view = View(self.frames, body, left_is, unmirrored, claps)
        if body is None:
            left = right = _NOWHERE
        else:
            left = body.left_wrist_right, body.left_wrist_up, body.left_elbow_up
            right = body.right_wrist_right, body.right_wrist_up, body.right_elbow_up
        self.left.advance("left", moment, view, left, facts.left, changes)
        self.right.advance("right", moment, view, right, facts.right, changes)

    def _advance_body(self, moment: Moment, body: BodyFacts | None, left_is: float, changes: list[Change]) -> None:
        last = self.body
        if last is not None and moment.at_us - last.at_us > LOST_US:
            self._forget_body(changes)
        if body is not None:
            self.bodies += 1
            mark = self.body = Mark(moment.at_us, moment.offset, self.frames, self.bodies)
            self.poses.advance(body, left_is, mark, changes)
            self.steps.advance(body, mark, changes)
            self.jumps.advance(body, mark, changes)
            self.sitting.advance(body, mark, changes)
        self.steps.expire(moment.at_us, changes)
        self.sitting.expire(moment.at_us, changes)

    def _forget_body(self, changes: list[Change]) -> None:
        self.body = None
        self.poses.forget(changes)
        self.steps.forget(changes)
        self.jumps.forget()
