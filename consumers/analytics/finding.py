"""What a recogniser says: something began, ended, or happened at once, and the records that is read from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from consumers.analytics.facts import FrameFacts

Evidence = dict[str, float | int | str | bool | None]


class Moment(NamedTuple):
    """When a frame was taken (event time) and which record it is."""

    at_us: int
    offset: int


class Phase(StrEnum):
    """What an event tells of a finding."""

    START = "start"
    """It began and goes on."""
    END = "end"
    """It is over."""
    OCCURRED = "occurred"
    """It was seen whole, at once: a swipe, a squat."""


class Category(StrEnum):
    """Which kind of thing was found."""

    SHAPE = "shape"
    """A hand shape that was held."""
    MOVEMENT = "movement"
    """A gesture or action over time, counted repetitions included."""
    ANOMALY = "anomaly"
    """Something about the person somebody may have to look at."""
    FAULT = "fault"
    """Something about the capture: what is seen meanwhile is not to be believed."""
    REACTION = "reaction"
    """A rule of the user's own that fired."""


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found in one stream. While it goes on (`Phase.START`) the last values are those known so far."""

    category: Category
    kind: str
    """In words joined by underscores, as "thumbs_up" or "squat"."""
    subject: str
    """What of the person it is about: left, right, both, body, head, face; or capture."""
    started_us: int
    last_us: int
    """Event time of the first and the last frame that shows it."""
    first_offset: int
    last_offset: int
    confidence: float
    """0 … 1."""
    observed: float
    """0 … 1: in how many of the stream's frames between first and last what it is read from was there."""
    severity: Severity | None = None
    """Of anomalies and faults."""
    evidence: Evidence = field(default_factory=dict)
    """The finite numbers it stands on, by name with their unit: {"depth_deg": 84.2, "repetition": 3}."""
    made_by: str | None = None
    """The rules' version where they are not the suite's own: of what a user taught or wrote."""


class Change(NamedTuple):
    phase: Phase
    finding: Finding


class Recogniser(Protocol):
    """Watches one stream in one epoch.

    Each is a `@dataclass(slots=True)` whose fields are all it remembers, in plain data: int, finite float, str, bool,
    None, list, dict with str keys, StrEnum, and dataclasses of these (never NaN, tuples, arrays, sets). So the state is
    written by orjson and read by pydantic, to the last bit, with no code of its own; a new one has default values. What
    it does depends on the frames alone: event time, no clock, no chance, no trigonometry in columns.
    """

    def advance(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        """Take the stream's next frame, in order of time. A start comes with its first frames' times, not with now."""

    def end(self) -> Sequence[Change]:
        """The stream is over, or its time was set back: end what is open, and forget what was building up."""
