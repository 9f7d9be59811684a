"""What came of teaching: the examples, and the words that say how good they are."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from consumers.analytics.taught.gesture import MovementExamples, ShapeExamples
from keypoints.errors import Terminal

FEWEST_HANDS: Final = 5
FEWEST_TRACKS: Final = 3
_MUCH_ALIKE: Final = 0.4
_ALIKE: Final = 1.0

Examples = TypeVar("Examples", ShapeExamples, MovementExamples)


class TeachingRefused(Terminal):
    """Nothing can be learned from what was given; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson(Generic[Examples]):
    """What was learned, and what the teacher should know of it."""

    examples: Examples
    taken: int
    """How many new examples it was learned from, …"""
    left_out: int
    """… how many were unlike the rest, …"""
    kept: int
    """… and how many are kept, those of before included: the ones that are unlike each other."""
    consistency: str
    spread: float
    """How far examples are from the nearest kept one, or from each other, in the unit of reach and allowed."""
    resembles: tuple[str, ...]
    """What it cannot be told apart from for sure, nearest first."""
    missing: tuple[str, ...]
    """What would make it better."""


def describe_consistency(spread: float) -> str:
    """In words; `spread` is in what is usually allowed."""
    return "much alike" if spread < _MUCH_ALIKE else "alike" if spread < _ALIKE else "unlike each other"
