"""What analytics says: gestures, and the events that announce their start and end."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from consumers.analytics.shapes.hold import Phase, Run
from consumers.analytics.shapes.rules import RULES_VERSION

_NAMESPACE: Final = uuid.UUID("6a1d39a0-54a5-5c43-9a1c-9d8a4b0c1f5e")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME_US: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999, beyond which neither Python nor JSON's readers have a date."""


@dataclass(frozen=True, slots=True)
class Source:
    """The records a result stands on: their identity, first and last offset included."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gesture:
    """A shape a hand held. `ended_at` is None while it is open; its other values are then those of its start."""

    stream_id: str
    epoch: int
    kind: str
    hand: str
    """"left" or "right", the person's own."""
    started_at: datetime
    ended_at: datetime | None
    confidence: float
    """0 … 1: the mean score of the frames that showed the shape."""
    observed: float
    """0 … 1: the share of the stream's frames, from start to end, in which the hand was there."""
    source: Source
    rules_version: str = RULES_VERSION

    @property
    def gesture_id(self) -> uuid.UUID:
        """The same for the same stream, epoch, kind, hand, start and rules, however often it is worked out."""
        return uuid.uuid5(
            _NAMESPACE,
            "\0".join(
                (self.stream_id, str(self.epoch), self.kind, self.hand, self.started_at.isoformat(), self.rules_version)
            ),
        )


@dataclass(frozen=True, slots=True)
class GestureEvent:
    """The start or the end of a gesture, as it goes to the topic."""

    gesture: Gesture
    phase: Phase

    @property
    def event_id(self) -> uuid.UUID:
        """By this readers tell an event sent twice from two events."""
        return uuid.uuid5(self.gesture.gesture_id, self.phase.value)

    def encode_json(self) -> bytes:
        """The event as docs/gesture-events.md has it."""
        gesture = self.gesture
        return orjson.dumps(
            {
                "event_id": str(self.event_id),
                "gesture_id": str(gesture.gesture_id),
                "stream_id": gesture.stream_id,
                "epoch": gesture.epoch,
                "kind": gesture.kind,
                "hand": gesture.hand,
                "phase": self.phase.value,
                "started_at": _write_time(gesture.started_at),
                "ended_at": None if gesture.ended_at is None else _write_time(gesture.ended_at),
                "confidence": gesture.confidence,
                "observed": gesture.observed,
                "rules_version": gesture.rules_version,
                "source": {
                    "topic": gesture.source.topic,
                    "partition": gesture.source.partition,
                    "first_offset": gesture.source.first_offset,
                    "last_offset": gesture.source.last_offset,
                },
            }
        )


def announce(
    phase: Phase, run: Run, *, stream_id: str, epoch: int, hand: str, topic: str, partition: int
) -> GestureEvent:
    """The event of a run that began or ended. `topic` and `partition` are the identity of its records."""
    return GestureEvent(
        Gesture(
            stream_id=stream_id,
            epoch=epoch,
            kind=run.shape.value,
            hand=hand,
            started_at=as_time(run.started_us),
            ended_at=as_time(run.last_us) if phase is Phase.END else None,
            confidence=run.confidence,
            observed=run.observed_share,
            source=Source(topic, partition, run.first_offset, run.last_offset),
        ),
        phase,
    )


def as_time(microseconds: int) -> datetime:
    """A time of 0 … MAX_TIME_US microseconds since 1970, exactly. Raises OverflowError beyond."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _write_time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
