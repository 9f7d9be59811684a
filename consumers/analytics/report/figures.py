"""What a report says, in numbers: as it is read from Postgres, drawn, and written as JSON.

Times are event time in UTC. What is not known is None, never zero.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consumers.analytics.finding import Evidence


def add_time(at: datetime, length: timedelta) -> datetime:
    """A later moment; the last there is, where it would be after the year 9999."""
    try:
        return at + length
    except OverflowError:
        return datetime.max.replace(tzinfo=at.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which part of a stream is meant; by default all of it."""

    begins_at: datetime | None = None
    ends_at: datetime | None = None
    """Not included."""
    last: timedelta | None = None
    """Instead of `begins_at`: so long before the stream's newest frame, or before `ends_at`."""
    epoch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How much there was to see, added up from windows of ten seconds."""

    frames: int
    """Those that came late included."""
    late_frames: int
    too_late_frames: int
    """Not among `frames`: their windows were over."""
    frames_per_s: float | None
    """Of the time covered."""
    seconds_covered: float
    body_valid_percent: float | None
    """Of the frames."""
    face_valid_percent: float | None
    left_hand_valid_percent: float | None
    right_hand_valid_percent: float | None
    seconds_still: float | None
    seconds_moving: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time without long pauses."""

    begins_at: datetime
    ends_at: datetime

    @property
    def seconds(self) -> float:
        return (self.ends_at - self.begins_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Some minutes, one by default, and what they came to."""

    begins_at: datetime
    provisional: bool
    frames: int
    covered_percent: float
    body_valid_percent: float | None
    activity_mean: float | None
    """Body scales a second."""
    activity_peak: float | None
    seconds_still: float | None
    seconds_moving: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotal:
    """All findings of one kind that concern one part of the person."""

    category: str
    kind: str
    subject: str
    count: int
    going_on: int
    """How many of them are not over."""
    seconds: float | None
    """How long those that are over lasted together; None when none is."""
    confidence: float
    """0 … 1, on average."""
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One finding."""

    category: str
    kind: str
    subject: str
    severity: str | None
    started_at: datetime
    ended_at: datetime | None
    """None: it goes on."""
    confidence: float
    observed: float
    evidence: Evidence
    first_offset: int
    last_offset: int

    @property
    def seconds(self) -> float | None:
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """The repetitions of one exercise by one part of the body."""

    kind: str
    subject: str
    counted: int
    half: int
    """Repetitions that turned halfway, and are not counted."""
    noted: dict[str, int]
    """How many of all repetitions each note on the form was made of."""
    repetitions: tuple[FindingRow, ...]
    """In order of time: the first ones, where there are very many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where something is drawn on the timeline; what lies too near together to be told apart is one mark."""

    subject: str
    started_at: datetime
    ended_at: datetime | None
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """All marks of a kind."""

    category: str
    kind: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A version of rules, and how many findings are theirs."""

    version: str
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The records the findings stand on."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """Everything the page shows."""

    stream_id: str
    begins_at: datetime
    ends_at: datetime
    """Of the newest frame, or of the period that was asked for."""
    going_on: bool
    """The stream has not fallen silent: more may come."""
    epochs: tuple[int, ...]
    epochs_overlap: bool
    """The same time was covered in more than one epoch, as by a recording played twice: it is counted twice."""
    seen: Seen | None
    """None where there are no windows."""
    stretches: tuple[Stretch, ...]
    activity_minutes: int
    """How many minutes each of `activity` is."""
    activity: tuple[Activity, ...]
    totals: tuple[KindTotal, ...]
    exercises: tuple[Exercise, ...]
    alarms: tuple[FindingRow, ...]
    """Anomalies and capture faults, the most severe first."""
    timeline: tuple[TimelineRow, ...]
    timeline_kinds_left_out: int
    rules: tuple[Rules, ...]
    sources: tuple[Source, ...]

    def totals_of(self, *categories: str) -> tuple[KindTotal, ...]:
        """The totals of some categories."""
        return tuple(total for total in self.totals if total.category in categories)

    def count(self, *categories: str) -> int:
        """How many findings of some categories there are."""
        return sum(total.count for total in self.totals_of(*categories))
