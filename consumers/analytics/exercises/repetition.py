"""From a level's swing to a finding: which repetition of its set it was, and how it was done."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.exercises.cycle import Drops, Swing
from consumers.analytics.finding import Category, Change, Evidence, Finding, Phase

SET_GAP_US: Final = 10_000_000
"""A longer rest ends a set; the next repetition is the first of another."""


@dataclass(slots=True)
class ExerciseSet:
    """Repetitions of one exercise by one part of the body, without long rests between them."""

    counted: int = 0
    tried: int = 0
    """Those that turned halfway included."""
    last_us: int = 0

    def goes_on(self, swing: Swing) -> bool:
        """Whether the next one would be a further one of this set."""
        return self.counted > 0 and swing.started_us - self.last_us <= SET_GAP_US

    def take(self, swing: Swing) -> bool:
        """Put the next one in; whether a coach would speak of it.

        A single half repetition is nothing: people bend their knees for many reasons. Within a set it is one.
        """
        if swing.started_us - self.last_us > SET_GAP_US:
            self.counted = self.tried = 0
        self.tried += 1
        self.counted += swing.is_whole
        self.last_us = swing.last_us
        return swing.is_whole or self.tried > 1


def announce(kind: str, subject: str, swing: Swing, repetitions: ExerciseSet, drops: Drops, form: Evidence) -> Change:
    """A repetition that is over. A half one is of a kind of its own, so that nobody counts it by mistake."""
    evidence: Evidence = {
        "repetition": repetitions.counted,
        "counted": swing.is_whole,
        "duration_s": (swing.last_us - swing.started_us) / 1_000_000,
        **form,
    }
    if not swing.is_whole:
        evidence["too_shallow"] = True
    beyond = (swing.depth - drops.up) / drops.down
    finding = Finding(
        category=Category.MOVEMENT,
        kind=kind if swing.is_whole else f"half_{kind}",
        subject=subject,
        started_us=swing.started_us,
        last_us=swing.last_us,
        first_offset=swing.first_offset,
        last_offset=swing.last_offset,
        confidence=min(1.0, 0.5 + 0.5 * beyond),
        observed=swing.observed / swing.frames,
        evidence=evidence,
    )
    return Change(Phase.OCCURRED, finding)
