"""Squats: how high the hips stand over knees and ankles, from any side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.exercises.cycle import Cycle, Drops, Swing
from consumers.analytics.exercises.repetition import ExerciseSet, announce
from consumers.analytics.exercises.sides import NAN, mean_known
from consumers.analytics.facts import BodyFacts
from consumers.analytics.features.poses import TRUNK_OF_SHOULDER_WIDTH
from consumers.analytics.finding import Change, Evidence, Moment

SQUAT: Final = "squat"
SQUAT_DROPS: Final = Drops(leaves=0.06, up=0.17, half=0.2, down=0.4, lowest_rest=0.85, highest_rest=1.25)

_SHORTEST_SHIN: Final = 0.15
"""Body scales from ankle up to knee; less is a person who kneels or lies, or is seen from above."""
_SHOULDER_WIDTH: Final = 1.0 / TRUNK_OF_SHOULDER_WIDTH
"""Body scales."""
_LEGS_IN_SHOULDERS: Final = 2.0
"""A standing person's hips are about so many shoulder widths above the ankles."""

_SHALLOW_DEG: Final = 100.0
_SHALLOW_RISE: Final = 0.45
_LEANING_DEG: Final = 50.0
_TILTED_DEG: Final = 12.0
_OVER_TOES: Final = 0.5
_KNEES_IN: Final = 0.8
_UNEVEN_DEG: Final = 15.0
_FRONT_SPAN: Final = 0.55
_FEET_APART: Final = 0.25
"""What the notes on the form stand on; docs/exercises.md says where each comes from."""

_LEAST_SHIN_TILT_DEG: Final = 10.0
_LEAST_TRUNK_LEAN_DEG: Final = 15.0
"""Who has the hips low with shins and trunk nearer to upright than this would fall backwards: there is a seat."""
_STRAIGHT_KNEE_DEG: Final = 135.0
_LOWEST_TRUNK: Final = 0.2
"""Of the trunk's height as it stood; less is a body that lies, seen from its head or feet."""
_QUITE_UP: Final = 0.04
"""A level so little below its rest is that of a person who stands straight."""
_IN_THE_AIR: Final = 0.15
"""Body scales that the lower ankle is above where it was."""
_LANDING_US: Final = 800_000


def squat_level(body: BodyFacts) -> float:
    """About 1 standing, about 0.2 in a deep squat; NaN when the legs cannot be told.

    The hips' height above the knees over the knees' above the ankles, which the camera's distance and the person's size
    leave alone, with the hips' height above the ankles in shoulder widths, which trembles less and knows long thighs.
    """
    knee_up, ankle_up = _find_leg(body)
    shin = knee_up - ankle_up
    if not shin > _SHORTEST_SHIN:
        return NAN
    return min(2.0, max(-1.0, (-knee_up / shin - ankle_up / _SHOULDER_WIDTH) / (1.0 + _LEGS_IN_SHOULDERS)))


def _find_leg(body: BodyFacts) -> tuple[float, float]:
    """Body scales that knee and ankle are above the hips: of the leg that is seen whole, or the mean of two."""
    knee_up, ankle_up = body.left_knee_up, body.left_ankle_up
    other_knee_up, other_ankle_up = body.right_knee_up, body.right_ankle_up
    if knee_up != knee_up or ankle_up != ankle_up:
        return other_knee_up, other_ankle_up
    if other_knee_up != other_knee_up or other_ankle_up != other_ankle_up:
        return knee_up, ankle_up
    return 0.5 * (knee_up + other_knee_up), 0.5 * (ankle_up + other_ankle_up)


@dataclass(slots=True)
class Standing:
    """How a person stood before going down."""

    hips_up: float = 0.0
    """Body scales above the ankles."""
    trunk: float = 0.0
    """Image heights."""
    ankle_deg: float | None = None

    def look(self, body: BodyFacts) -> None:
        """Take a frame in which the person stands."""
        self.hips_up, self.trunk = -_find_leg(body)[1], body.scale
        ankle_deg = mean_known(body.left_ankle, body.right_ankle)
        self.ankle_deg = ankle_deg if ankle_deg == ankle_deg else None


@dataclass(slots=True)
class SquatCounter:
    """Counts squats. Sitting down and getting up, lying down, and jumping are none."""

    cycle: Cycle = field(default_factory=Cycle)
    repetitions: ExerciseSet = field(default_factory=ExerciseSet)
    standing: Standing = field(default_factory=Standing)
    form: Evidence = field(default_factory=dict)
    """As the body is in the depth of what is under way; so are the next two."""
    floor_y: float = 0.0
    """Image heights: where the lower ankle is."""
    is_other: bool = False
    """Whether it is something else: the body sits or lies, or the knees are straight."""
    jumped_us: int = 0

    def advance(self, moment: Moment, body: BodyFacts | None, drops: Drops = SQUAT_DROPS) -> Sequence[Change]:
        """Take the next frame's body."""
        cycle = self.cycle
        level = NAN if body is None else squat_level(body)
        if body is None or level != level:
            missed = cycle.miss(moment)
            return () if missed is None else self._announce(missed, drops)
        swing = cycle.advance(moment, level, drops)
        changes = () if swing is None else self._announce(swing, drops)
        if cycle.is_turning:
            self._look_at_depth(body)
        elif cycle.rest - level < _QUITE_UP:
            self.standing.look(body)
        if cycle.swing is not None and self._is_in_the_air(body):
            cycle.interrupt()
            self.jumped_us = moment.at_us
        return changes

    def end(self) -> Sequence[Change]:
        """Give out what was held back."""
        swing = self.cycle.end()
        return () if swing is None else self._announce(swing, SQUAT_DROPS)

    def _announce(self, swing: Swing, drops: Drops) -> Sequence[Change]:
        if self.is_other or swing.started_us - self.jumped_us < _LANDING_US:
            return ()
        if not self.repetitions.take(swing):
            return ()
        return (announce(SQUAT, "body", swing, self.repetitions, drops, self.form),)

    def _look_at_depth(self, body: BodyFacts) -> None:
        self.floor_y = _lower_ankle_y(body)
        standing = self.standing
        knee_deg, hip_deg = mean_known(body.left_knee, body.right_knee), mean_known(body.left_hip, body.right_hip)
        ankle_deg = mean_known(body.left_ankle, body.right_ankle)
        is_shin_upright = standing.ankle_deg is not None and standing.ankle_deg - ankle_deg < _LEAST_SHIN_TILT_DEG
        is_trunk_upright = knee_deg - hip_deg < _LEAST_TRUNK_LEAN_DEG
        is_lying = body.hips_y - body.shoulders_y < _LOWEST_TRUNK * standing.trunk
        self.is_other = knee_deg > _STRAIGHT_KNEE_DEG or is_lying or (is_shin_upright and is_trunk_upright)
        self.form = _note_form(body, knee_deg, standing.hips_up)

    def _is_in_the_air(self, body: BodyFacts) -> bool:
        return self.floor_y - _lower_ankle_y(body) > _IN_THE_AIR * body.scale


def _lower_ankle_y(body: BodyFacts) -> float:
    """Image heights, downwards."""
    left_up, right_up = body.left_ankle_up, body.right_ankle_up
    return body.hips_y - body.scale * (right_up if left_up != left_up or right_up < left_up else left_up)


def _note_form(body: BodyFacts, knee_deg: float, standing_hips_up: float) -> Evidence:
    knee_up, ankle_up = _find_leg(body)
    thigh_rise = -knee_up / (knee_up - ankle_up)
    form: Evidence = {
        "range_body_scales": standing_hips_up + ankle_up,
        "thigh_rise": thigh_rise,
        # Angles told without metres are those of a picture: the thigh's height is the better witness then.
        "too_shallow": knee_deg > _SHALLOW_DEG if body.trunk_m > 0.0 else thigh_rise > _SHALLOW_RISE,
    }
    lean_deg = body.trunk_lean
    if lean_deg == lean_deg:
        form["trunk_lean_deg"] = lean_deg
    if knee_deg == knee_deg:
        form["depth_deg"] = knee_deg
    asymmetry_deg = abs(body.left_knee - body.right_knee)
    if asymmetry_deg == asymmetry_deg:
        form["asymmetry_deg"] = asymmetry_deg
        form["uneven"] = asymmetry_deg > _UNEVEN_DEG
    if abs(body.shoulder_span) > _FRONT_SPAN:
        form["leaning_sideways"] = lean_deg > _TILTED_DEG
        feet = abs(body.left_ankle_right - body.right_ankle_right)
        if feet > _FEET_APART:
            form["knees_in"] = abs(body.left_knee_right - body.right_knee_right) < _KNEES_IN * feet
    else:
        form["leaning_forward"] = lean_deg > _LEANING_DEG
        left = abs(body.left_knee_right - body.left_ankle_right)
        right = abs(body.right_knee_right - body.right_ankle_right)
        form["knees_over_toes"] = left > _OVER_TOES or right > _OVER_TOES
    return form
