"""The frames a movement is read from, and the finding told of them."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.finding import Category, Change, Evidence, Finding, Phase

SECOND_US: Final = 1_000_000
LOST_US: Final = 500_000
"""How long what is watched may be out of sight without what it does being forgotten."""


@dataclass(slots=True)
class Mark:
    """A frame that showed what is watched. Marks are shared, and never changed."""

    at_us: int
    offset: int
    frames: int
    """Frames of the stream up to this one, …"""
    seen: int
    """… and those of them that showed what is watched."""


def tell(
    phase: Phase, kind: str, subject: str, first: Mark, last: Mark, confidence: float, evidence: Evidence
) -> Change:
    """What was found between two marks of the same thing watched."""
    return Change(
        phase,
        Finding(
            category=Category.MOVEMENT,
            kind=kind,
            subject=subject,
            started_us=first.at_us,
            last_us=last.at_us,
            first_offset=first.offset,
            last_offset=last.offset,
            confidence=confidence,
            observed=(last.seen - first.seen + 1) / (last.frames - first.frames + 1),
            evidence=evidence,
        ),
    )


def surpass(value: float, least: float) -> float:
    """How sure a value that has to reach `least` > 0 makes: 0.5 when it just does, 0.75 at twice as much, up to 1."""
    return 1.0 - 0.5 * least / value if value > least else 0.5


def seconds_between(first: Mark, last: Mark) -> float:
    """Seconds from one mark to the other, event time."""
    return (last.at_us - first.at_us) / SECOND_US
