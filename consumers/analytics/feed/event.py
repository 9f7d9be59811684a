"""One event of the topic, read once, as every reader is sent it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from consumers.analytics.finding import Category, Phase
from keypoints.codec import RawRecord
from keypoints.errors import Terminal

LARGEST_EVENT_BYTES: Final = 64 * 1024
_FIRST_MS: Final = int(datetime(1, 1, 2, tzinfo=UTC).timestamp() * 1000)
_LAST_MS: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp() * 1000)


class UnreadableEvent(Terminal):
    """A record of the topic that is no event. Fields: topic, partition, offset."""


class _Event(BaseModel):
    """What the feed needs to know of an event; what else is in it passes through."""

    model_config = ConfigDict(extra="allow", strict=True)

    event_id: str = Field(min_length=1, max_length=64)
    gesture_id: str | None = Field(default=None, max_length=64)
    stream_id: str = Field(min_length=1, max_length=512)
    kind: str = Field(min_length=1, max_length=256)
    phase: Phase = Field(strict=False)
    started_at: AwareDatetime = Field(strict=False)
    ended_at: AwareDatetime | None = Field(default=None, strict=False)
    category: str = Field(default=Category.SHAPE.value, max_length=64)
    hand: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event and where it stood. `body` is what readers are sent: the event's own JSON, filled up, with `feed`."""

    event_id: str
    gesture_id: str
    """What start and end share; the event's own id where it has none."""
    stream_id: str
    category: str
    kind: str
    hand: str | None
    phase: Phase
    at_us: int
    """Event time of the end where there is one, else of the start."""
    partition: int
    offset: int
    published_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a reader wants; an empty set is any."""

    streams: Collection[str] = field(default=())
    categories: Collection[str] = field(default=())
    kinds: Collection[str] = field(default=())
    hands: Collection[str] = field(default=())

    def admits(self, event: FeedEvent) -> bool:
        """Whether the reader wants it."""
        return (
            (not self.streams or event.stream_id in self.streams)
            and (not self.categories or event.category in self.categories)
            and (not self.kinds or event.kind in self.kinds)
            and (not self.hands or event.hand in self.hands)
        )


def read_event(record: RawRecord) -> FeedEvent:
    """Read a record of the topic of events. Raises UnreadableEvent."""
    value = record.value or b""
    if len(value) > LARGEST_EVENT_BYTES:
        raise _refuse(record, f"it has {len(value)} bytes, and events have at most {LARGEST_EVENT_BYTES}")
    try:
        said = orjson.loads(value)
        if not isinstance(said, dict):
            raise _refuse(record, "it is no JSON object")
        event = _Event.model_validate(said)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        )
        raise _refuse(record, wrong) from error
    except ValueError as error:
        raise _refuse(record, f"it is no JSON: {error}") from error
    gesture_id = event.gesture_id or event.event_id
    filled = {
        "category": event.category,
        "subject": event.subject or event.hand or "body",
        "hand": event.hand,
        "severity": None,
        "evidence": {},
        "ended_at": None,
        **said,
        "gesture_id": gesture_id,
        "feed": {"partition": record.partition, "offset": record.offset, "published_at": write_ms(record.timestamp)},
    }
    return FeedEvent(
        event_id=event.event_id,
        gesture_id=gesture_id,
        stream_id=event.stream_id,
        category=event.category,
        kind=event.kind,
        hand=event.hand,
        phase=event.phase,
        at_us=round((event.ended_at or event.started_at).timestamp() * 1e6),
        partition=record.partition,
        offset=record.offset,
        published_ms=record.timestamp,
        body=orjson.dumps(filled),
    )


def write_ms(at_ms: int) -> str:
    """Milliseconds since 1970 in RFC 3339; what a record says may lie beyond every calendar, and then is its end."""
    within_ms = min(max(at_ms, _FIRST_MS), _LAST_MS)
    return datetime.fromtimestamp(within_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _refuse(record: RawRecord, why: str) -> UnreadableEvent:
    return UnreadableEvent(
        f"a record of the topic is no event: {why}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
