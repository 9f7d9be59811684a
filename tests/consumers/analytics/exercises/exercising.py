"""Performers who exercise, and what is recognised of them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from consumers.analytics.exercises.recogniser import Exercises
from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Finding, Moment
from consumers.analytics.frame_facts import read_facts
from performers import Act, ActKind, Camera, Performer
from performers.exercises import repetition_starts_s
from performers.motions import squat_starts_s
from performers.performer import Stage

START_US = 1_700_000_000_000_000
EVERYTHING_IN_VIEW = Camera(distance_m=3.4)


def perform(
    *script: Act, seconds: float = 34.0, fps: float = 30.0, seed: int = 1, stage: Stage | None = None
) -> list[FrameFacts]:
    """What the frames of a performance say."""
    performer = Performer("athlete", script, seed=seed, stage=stage or Stage(camera=EVERYTHING_IN_VIEW))
    return read_facts(performer.batch(np.arange(round(seconds * fps)) / fps, start_us=START_US))


def moment_of(facts: FrameFacts) -> Moment:
    return Moment(facts.captured_at_us, facts.offset)


def recognise(frames: Sequence[FrameFacts]) -> list[Finding]:
    """All findings of a stream."""
    exercises = Exercises()
    changes: list[Change] = []
    for facts in frames:
        changes += exercises.advance(moment_of(facts), facts)
    changes += exercises.end()
    return [change.finding for change in changes]


def tally(findings: Sequence[Finding]) -> dict[tuple[str, str], int]:
    """How many repetitions there are, by kind and subject."""
    return dict(Counter((finding.kind, finding.subject) for finding in findings))


def repetitions_of(act: Act) -> int:
    """How many the performer does."""
    return len(squat_starts_s(act) if act.kind is ActKind.SQUAT else repetition_starts_s(act))
