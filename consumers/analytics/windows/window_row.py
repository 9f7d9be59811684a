"""One window of one stream: how much happened in a stretch of event time, and how much of it was observed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class WindowKind(StrEnum):
    TUMBLING = "tumbling"
    """One after the other: each moment is in one window of a length."""
    SLIDING = "sliding"
    """A new one every ten seconds: each moment is in six of a minute."""


class DegreesRange(NamedTuple):
    """Degrees: how far an angle went."""

    least: float
    greatest: float


class FindingTotal(NamedTuple):
    """The findings of one kind."""

    started: int
    """How many began in the window."""
    seconds: float
    """How long they lasted within the window, those included that began before; two at once count twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """What a window came to. Shares are of its frames, 0 … 1. What was not observed is None, never zero."""

    start_us: int
    """Event time, microseconds since 1970; a multiple of its length, or of ten seconds if it is sliding."""
    length_us: int
    kind: WindowKind
    stretch: int
    """0, and one more whenever the stream ended or its time was set back: the same time may come again."""
    provisional: bool
    """It is not over yet, and its numbers are those known so far."""
    frames: int
    """Those that came late in it included."""
    late_frames: int
    """Came after a newer frame, and counted; they have no motion."""
    too_late_frames: int
    """Came during this window, of a time whose windows are over: not counted anywhere else."""
    body_share: float | None
    """None without a frame, as are the next three."""
    face_share: float | None
    left_hand_share: float | None
    right_hand_share: float | None
    seconds_covered: float
    """Of the window: between frames that are half a second apart at most."""
    frames_per_s: float | None
    """Of the time covered."""
    activity_mean: float | None
    """Body scales a second, over the time it was known: mean speed of the joints."""
    activity_peak: float | None
    """Body scales a second: its greatest, smoothed over a quarter of a second."""
    seconds_still: float | None
    """Of the time covered with a body: for half a second no wrist and no ankle has gone by a twentieth of a body scale,
    nor the head by a tenth. None without such time."""
    seconds_moving: float | None
    left_wrist_travel: float | None
    """Body scales: the way of the wrist around the shoulders, in steps of a twentieth and more, so that trembling
    landmarks go nowhere. None when the wrist was never seen twice."""
    right_wrist_travel: float | None
    ranges_deg: dict[str, DegreesRange]
    """By name of a joint angle, or `trunk_lean`: those that were told at all."""
    findings: dict[str, FindingTotal]
    """By kind: those that began, or went on, in the window."""
