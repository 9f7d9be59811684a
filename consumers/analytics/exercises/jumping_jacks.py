"""Jumping jacks: the feet go apart and together again, and the hands over the head and down with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.exercises.cycle import Cycle, Drops, Swing
from consumers.analytics.exercises.repetition import ExerciseSet, announce
from consumers.analytics.exercises.sides import NAN
from consumers.analytics.facts import BodyFacts
from consumers.analytics.finding import Change, Evidence, Moment

JUMPING_JACK: Final = "jumping_jack"
JUMPING_JACK_DROPS: Final = Drops(leaves=0.1, up=0.25, half=0.3, down=0.45, lowest_rest=0.7, highest_rest=1.4)
_STANDING: Final = 1.5
"""Body scales between the feet of level 0; half a body scale apart, as people stand, is level 1."""

_SLOWEST_US: Final = 6_000_000
"""Slower ones are other things, one after the other."""
_HANGING: Final = -0.4
_RAISED: Final = 0.1
_OVERHEAD: Final = 0.6
"""Body scales above the shoulders: below the first the arms hang, from the second on they are raised at all, from the
third on as high as they should be. An arm is about 1.1 long."""
_NARROW: Final = 0.6
"""Body scales that the feet go further apart than they stood, if they go far enough."""


@dataclass(slots=True)
class JumpingJackCounter:
    """Counts jumping jacks, seen from the front or from behind."""

    cycle: Cycle = field(default_factory=Cycle)
    repetitions: ExerciseSet = field(default_factory=ExerciseSet)
    form: Evidence = field(default_factory=dict)
    """Of the one held back; empty when it was no jumping jack."""
    feet_together: float = 0.0
    """Body scales between the ankles at rest."""
    feet_apart: float = 0.0
    """The most of it since then; so is the next."""
    hands_highest: float = -1.0
    """Body scales above the shoulders."""
    hands_lowest: float = 1.0
    """Since the repetition before."""

    def advance(self, moment: Moment, body: BodyFacts | None) -> Sequence[Change]:
        """Take the next frame's body."""
        cycle = self.cycle
        apart = NAN if body is None else abs(body.left_ankle_right - body.right_ankle_right)
        if body is None or apart != apart:
            missed = cycle.miss(moment)
            return () if missed is None else self._announce(missed)
        swing = cycle.advance(moment, _STANDING - apart, JUMPING_JACK_DROPS)
        changes = () if swing is None else self._announce(swing)
        hands_up = _find_hands_up(body)
        if cycle.returned_us == moment.at_us:
            self.form = self._note_form() if self._has_raised_hands() else {}
            self.hands_lowest = self.hands_highest
        if cycle.started_us == moment.at_us:
            self.feet_together = self.feet_apart = apart
            self.hands_highest = hands_up if hands_up == hands_up else -1.0
        else:
            self.feet_apart = max(self.feet_apart, apart)
            if hands_up > self.hands_highest:
                self.hands_highest = hands_up
        if hands_up < self.hands_lowest:
            self.hands_lowest = hands_up
        return changes

    def end(self) -> Sequence[Change]:
        """Give out what was held back."""
        swing = self.cycle.end()
        return () if swing is None else self._announce(swing)

    def _announce(self, swing: Swing) -> Sequence[Change]:
        if swing.last_us - swing.started_us > _SLOWEST_US:
            return ()
        if not swing.is_whole:
            if not self._has_raised_hands() or self.hands_highest < _OVERHEAD:
                return ()
            self.form = self._note_form()
        if not self.form or not self.repetitions.take(swing):
            return ()
        return (announce(JUMPING_JACK, "body", swing, self.repetitions, JUMPING_JACK_DROPS, self.form),)

    def _has_raised_hands(self) -> bool:
        return self.hands_lowest < _HANGING and self.hands_highest > _RAISED

    def _note_form(self) -> Evidence:
        feet = self.feet_apart - self.feet_together
        return {
            "range_body_scales": feet,
            "hands_up_body_scales": self.hands_highest,
            "too_shallow": feet < _NARROW,
            "hands_low": self.hands_highest < _OVERHEAD,
        }


def _find_hands_up(body: BodyFacts) -> float:
    """Body scales that the lower hand is above the shoulders; the elbow of an arm whose hand is not seen; else NaN."""
    left, right = body.left_wrist_up, body.right_wrist_up
    left = left if left == left else body.left_elbow_up
    right = right if right == right else body.right_elbow_up
    return right if left != left or right < left else left
