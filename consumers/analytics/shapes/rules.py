"""The numbers a held shape is judged by."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class HoldRules:
    """Scores are 0 … 1, times microseconds of event time."""

    start_score: float = 0.5
    """A shape begins only with frames that score at least this, …"""
    stay_score: float = 0.3
    """… and goes on while they score at least this: the space between keeps it from flickering."""
    hold_us: int = 130_000
    """How long a shape must be held before it counts. It is then said to have begun with the first frame."""
    passing_hold_us: int = 500_000
    """How long one of `hand_shape.PASSED_THROUGH` must be held."""
    hold_frames: int = 3
    """In how many frames it must be seen before it counts, whatever the frame rate."""
    hold_gap_us: int = 100_000
    """A hand lost for longer than this while the shape is not yet counted begins anew."""
    bridge_us: int = 250_000
    """A shape survives this long of frames that do not show it: the hand is lost, or blurred."""
    silence_us: int = 1_000_000
    """It survives this long between two frames that both show it: a camera of one frame a second still has shapes."""


HOLD_RULES: Final = HoldRules()
