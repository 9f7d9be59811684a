"""Curls: how straight an arm is whose elbow stays at the side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.exercises.cycle import Cycle, Drops, Stage, Swing
from consumers.analytics.exercises.repetition import ExerciseSet, announce
from consumers.analytics.facts import HandFacts
from consumers.analytics.finding import Change, Evidence, Moment

CURL: Final = "curl"
STRAIGHT_DEG: Final = 165.0
"""An elbow nobody would call bent: level 1."""
CURL_DROPS: Final = Drops(leaves=0.07, up=0.28, half=0.36, down=0.6, lowest_rest=0.8, highest_rest=1.1)

_AT_THE_SIDE_DEG: Final = 60.0
_STEADY_DEG: Final = 22.0
"""An upper arm that moves by more was raised: to wave, to drink, to point."""
_HELD_WITHIN: Final = 0.12
_LONGEST_HOLD: Final = 0.55
"""Of a curl's time the elbow is so long within 20 degrees of where it turns; who shows a hand holds it there."""
_OPEN: Final = 0.75
_SECOND_WITHIN_US: Final = 5_000_000
_DRIFT_DEG: Final = 15.0
_SHALLOW_DEG: Final = 70.0


@dataclass(slots=True)
class CurlCounter:
    """Counts one arm's curls.

    People bend an elbow all day long, so one curl is none: the first of a set is given out with the second.
    """

    subject: str
    cycle: Cycle = field(default_factory=Cycle)
    repetitions: ExerciseSet = field(default_factory=ExerciseSet)
    form: Evidence = field(default_factory=dict)
    """As the arm is in the depth of what is under way."""
    hanging_deg: float = 0.0
    """The shoulder's angle before it."""
    drift_deg: float = 0.0
    """By how much it has changed in the depth of what is under way."""
    is_empty: bool = False
    """Whether the hand was open there: it lifts nothing."""
    held_level: float = 1.0
    held_us: int = 0
    """How long the elbow has stayed about as bent."""
    first: Swing | None = None
    """That of a set that may begin, …"""
    first_form: Evidence = field(default_factory=dict)
    """… and its form."""

    def advance(
        self, moment: Moment, elbow_deg: float, shoulder_deg: float, hand: HandFacts | None
    ) -> Sequence[Change]:
        """Take the arm in the next frame: its angles in degrees, NaN when they are not known, and its hand."""
        cycle = self.cycle
        if elbow_deg != elbow_deg or not shoulder_deg < _AT_THE_SIDE_DEG:
            missed = cycle.miss(moment)
            if shoulder_deg > _AT_THE_SIDE_DEG:
                cycle.interrupt()
            return () if missed is None else self._announce(missed)
        level = elbow_deg / STRAIGHT_DEG
        if cycle.stage is Stage.DOWN:
            self._measure_hold(level, moment.at_us - cycle.seen_us)
        swing = cycle.advance(moment, level, CURL_DROPS)
        changes = () if swing is None else self._announce(swing)
        if cycle.is_turning:
            self.is_empty = hand is not None and hand.openness > _OPEN
            drift_deg = self.drift_deg = abs(shoulder_deg - self.hanging_deg)
            self.form = {
                "depth_deg": elbow_deg,
                "elbow_drift_deg": drift_deg,
                "too_shallow": elbow_deg > _SHALLOW_DEG,
                "elbow_drifts": drift_deg > _DRIFT_DEG,
            }
        elif cycle.started_us == moment.at_us:
            self.hanging_deg, self.held_level = shoulder_deg, 1.0
        return changes

    def _measure_hold(self, level: float, elapsed_us: int) -> None:
        if level < self.held_level - _HELD_WITHIN:
            self.held_level, self.held_us = level, 0
        elif level < self.held_level + _HELD_WITHIN:
            self.held_us += elapsed_us

    def end(self) -> Sequence[Change]:
        """Give out what was held back."""
        swing = self.cycle.end()
        changes = () if swing is None else self._announce(swing)
        self.first = None
        return changes

    def _announce(self, swing: Swing) -> Sequence[Change]:
        form, first = self.form, self.first
        is_held = swing.is_whole and self.held_us > _LONGEST_HOLD * (swing.last_us - swing.started_us)
        if is_held or self.is_empty or self.drift_deg > _STEADY_DEG:
            self.first = None
            return ()
        if self.repetitions.goes_on(swing):
            self.repetitions.take(swing)
            return (announce(CURL, self.subject, swing, self.repetitions, CURL_DROPS, form),)
        if not swing.is_whole:
            return ()
        if first is None or swing.started_us - first.last_us > _SECOND_WITHIN_US:
            self.first, self.first_form = swing, form
            return ()
        self.first = None
        changes = []
        for curl, its_form in ((first, self.first_form), (swing, form)):
            self.repetitions.take(curl)
            changes.append(announce(CURL, self.subject, curl, self.repetitions, CURL_DROPS, its_form))
        return changes
