"""Push-ups: how straight the arms are of a body that rests on hands and feet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.exercises.cycle import Cycle, Drops, Swing
from consumers.analytics.exercises.repetition import ExerciseSet, announce
from consumers.analytics.exercises.sides import NAN, mean_known
from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Moment

PUSH_UP: Final = "push_up"
STRAIGHT_DEG: Final = 165.0
"""An elbow nobody would call bent: level 1."""
PUSH_UP_DROPS: Final = Drops(leaves=0.06, up=0.2, half=0.26, down=0.38, lowest_rest=0.85, highest_rest=1.1)

_HANDS_BELOW: Final = 0.1
"""Body scales that the hands are below the shoulders, even with the chest near the floor."""
_FEET_BELOW_HANDS: Final = 0.35
"""Body scales that the feet may be below the hands: a bench is fine, a person who stands has them far lower."""
_SHALLOW_DEG: Final = 110.0
_HIPS_BENT_DEG: Final = 25.0
_UNEVEN_DEG: Final = 20.0


def push_up_level(body: BodyFacts) -> float:
    """About 1 with straight arms, 0.5 with the elbows at a right angle; NaN when the arms do not carry the body."""
    wrists_up = mean_known(body.left_wrist_up, body.right_wrist_up)
    if not wrists_up < -_HANDS_BELOW:
        return NAN
    ankles_up = mean_known(body.left_ankle_up, body.right_ankle_up)
    ankles_up -= (body.hips_y - body.shoulders_y) / body.scale
    if not wrists_up - ankles_up < _FEET_BELOW_HANDS:
        return NAN
    return mean_known(body.left_elbow, body.right_elbow) / STRAIGHT_DEG


@dataclass(slots=True)
class PushUpCounter:
    """Counts push-ups, on the toes or on the knees."""

    cycle: Cycle = field(default_factory=Cycle)
    repetitions: ExerciseSet = field(default_factory=ExerciseSet)
    form: Evidence = field(default_factory=dict)
    """As the body is in the depth of what is under way."""
    shoulders_up: float = 0.0
    """Body scales above the hands, before it."""

    def advance(self, moment: Moment, body: BodyFacts | None) -> Sequence[Change]:
        """Take the next frame's body."""
        cycle = self.cycle
        level = NAN if body is None else push_up_level(body)
        if body is None or level != level:
            missed = cycle.miss(moment)
            return () if missed is None else self._announce(missed)
        swing = cycle.advance(moment, level, PUSH_UP_DROPS)
        changes = () if swing is None else self._announce(swing)
        if cycle.is_turning:
            self.form = self._note_form(body)
        elif cycle.started_us == moment.at_us:
            self.shoulders_up = -mean_known(body.left_wrist_up, body.right_wrist_up)
        return changes

    def end(self) -> Sequence[Change]:
        """Give out what was held back."""
        swing = self.cycle.end()
        return () if swing is None else self._announce(swing)

    def _announce(self, swing: Swing) -> Sequence[Change]:
        if not self.repetitions.take(swing):
            return ()
        return (announce(PUSH_UP, "body", swing, self.repetitions, PUSH_UP_DROPS, self.form),)

    def _note_form(self, body: BodyFacts) -> Evidence:
        elbow_deg = mean_known(body.left_elbow, body.right_elbow)
        form: Evidence = {
            "depth_deg": elbow_deg,
            "range_body_scales": self.shoulders_up + mean_known(body.left_wrist_up, body.right_wrist_up),
            "too_shallow": elbow_deg > _SHALLOW_DEG,
        }
        hip_bend_deg = 180.0 - mean_known(body.left_hip, body.right_hip)
        if hip_bend_deg == hip_bend_deg:
            form["hip_bend_deg"] = hip_bend_deg
            form["hips_bent"] = hip_bend_deg > _HIPS_BENT_DEG
        asymmetry_deg = abs(body.left_elbow - body.right_elbow)
        if asymmetry_deg == asymmetry_deg:
            form["asymmetry_deg"] = asymmetry_deg
            form["uneven"] = asymmetry_deg > _UNEVEN_DEG
        return form
