"""What the stores hold of the demo's frames, counted position by position."""

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.archive.sql import Answer, ask_postgres
from producer_service.watchers import Delivered


@dataclass(frozen=True, slots=True)
class Arrived:
    """A store's rows of the demo's streams: how many, how many positions are missing, how many are there again."""

    rows: int
    gaps: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class GestureEvent:
    """A gesture that was recognised; `ended_at` is None while it was still held when the frames ended."""

    stream_id: str
    kind: str
    subject: str
    """What of the person shows it: left, right, both, head, face or body."""
    started_at: datetime
    ended_at: datetime | None
    started_after_s: float
    """Seconds after the stream's first frame."""
    duration_s: float | None
    confidence: float
    first_offset: int
    last_offset: int

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        return {
            "stream_id": self.stream_id,
            "kind": self.kind,
            "subject": self.subject,
            "hand": self.subject if self.subject in {"left", "right"} else None,
            "started_at": self.started_at.astimezone(UTC).isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.astimezone(UTC).isoformat(),
            "started_after_s": round(self.started_after_s, 3),
            "duration_s": None if self.duration_s is None else round(self.duration_s, 3),
            "confidence": round(self.confidence, 3),
            "first_offset": self.first_offset,
            "last_offset": self.last_offset,
        }


def collect_arrived(asked: AbstractContextManager[Answer], delivered: list[Delivered]) -> Arrived:
    """Compare the positions a store answered with (see `positions_sql`) with those Kafka acknowledged."""
    with asked as answer:
        found = Counter((int(partition), int(offset)) for partition, offset in answer.rows)
    expected = {(frame.partition, frame.offset) for frame in delivered}
    return Arrived(rows=found.total(), gaps=len(expected - found.keys()), duplicates=found.total() - len(found))


def positions_sql(delivered: list[Delivered]) -> str:
    """The question for the positions of every row of the epochs delivered, which are this run's own."""
    return f'SELECT "partition", "offset" FROM frames WHERE epoch IN ({_list_epochs(delivered)})'  # noqa: S608 - numbers


def collect_gestures(database_url: str, delivered: list[Delivered]) -> list[GestureEvent]:
    """The gestures recognised in the epochs delivered, in the order they began."""
    first_captured_us: dict[str, int] = {}
    for frame in delivered:
        first_captured_us[frame.stream_id] = min(
            frame.captured_at_us, first_captured_us.get(frame.stream_id, frame.captured_at_us)
        )
    question = f"""
        SELECT stream_id, kind, subject, started_at, ended_at, duration_s, confidence, first_offset, last_offset
        FROM gesture_events WHERE epoch IN ({_list_epochs(delivered)}) ORDER BY started_at, stream_id, subject
    """  # noqa: S608 - numbers
    with ask_postgres(database_url, question) as answer:
        return [
            GestureEvent(
                stream_id=stream_id,
                kind=kind,
                subject=subject,
                started_at=started_at,
                ended_at=ended_at,
                started_after_s=started_at.timestamp() - first_captured_us[stream_id] / 1e6,
                duration_s=duration_s,
                confidence=confidence,
                first_offset=first_offset,
                last_offset=last_offset,
            )
            for stream_id, kind, subject, started_at, ended_at, duration_s, confidence, first_offset, last_offset in (
                answer.rows
            )
        ]


def _list_epochs(delivered: list[Delivered]) -> str:
    return ", ".join(str(epoch) for epoch in sorted({frame.epoch for frame in delivered})) or "NULL"
