"""What analytics says of a stream: findings with an identity, and the events that announce them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from consumers.analytics.finding import Category, Finding, Phase

RULES_VERSION: Final = "analytics-1"
"""Part of every result's id: results of other rules are other results. Whoever changes a threshold or a formula of a
recogniser changes it too."""

_NAMESPACE: Final = uuid.UUID("6a1d39a0-54a5-5c43-9a1c-9d8a4b0c1f5e")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME_US: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999, beyond which neither Python nor JSON's readers have a date."""
HANDS: Final = ("left", "right")


@dataclass(frozen=True, slots=True)
class Performance:
    """Whose stream it is, and where its records lie. `topic` and `partition` are their identity."""

    stream_id: str
    epoch: int
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Result:
    """A finding of a stream."""

    performance: Performance
    finding: Finding
    is_open: bool
    """It goes on: `ended_at` is not known, and its other values are those of its start."""

    @property
    def rules_version(self) -> str:
        """By which rules it was found."""
        return self.finding.made_by or RULES_VERSION

    @property
    def result_id(self) -> uuid.UUID:
        """The same for the same stream, epoch, kind, subject, start and rules, however often it is worked out."""
        finding = self.finding
        return uuid.uuid5(
            _NAMESPACE,
            "\0".join(
                (
                    self.performance.stream_id,
                    str(self.performance.epoch),
                    finding.category,
                    finding.kind,
                    finding.subject,
                    str(finding.started_us),
                    self.rules_version,
                )
            ),
        )

    @property
    def hand(self) -> str | None:
        """The hand, "left" or "right" (the person's own), where it is about one."""
        return self.finding.subject if self.finding.subject in HANDS else None


@dataclass(frozen=True, slots=True)
class ResultEvent:
    """The start, the end or the whole of a result, as it goes to the topic."""

    result: Result
    phase: Phase

    @property
    def event_id(self) -> uuid.UUID:
        """By this readers tell an event sent twice from two events."""
        return uuid.uuid5(self.result.result_id, self.phase.value)

    def encode_json(self) -> bytes:
        """The event as docs/gesture-events.md has it."""
        performance, finding = self.result.performance, self.result.finding
        result_id = self.result.result_id
        return orjson.dumps(
            {
                "event_id": str(uuid.uuid5(result_id, self.phase.value)),
                "gesture_id": str(result_id),
                "stream_id": performance.stream_id,
                "epoch": performance.epoch,
                "category": finding.category.value,
                "kind": finding.kind,
                "subject": finding.subject,
                "hand": self.result.hand,
                "phase": self.phase.value,
                "started_at": _write_time(finding.started_us),
                "ended_at": None if self.result.is_open else _write_time(finding.last_us),
                "confidence": finding.confidence,
                "observed": finding.observed,
                "severity": None if finding.severity is None else finding.severity.value,
                "evidence": finding.evidence,
                "rules_version": self.result.rules_version,
                "source": {
                    "topic": performance.topic,
                    "partition": performance.partition,
                    "first_offset": finding.first_offset,
                    "last_offset": finding.last_offset,
                },
            }
        )


def announce(performance: Performance, phase: Phase, finding: Finding) -> ResultEvent:
    """The event of a change in a stream."""
    return ResultEvent(Result(performance, finding, is_open=phase is Phase.START), phase)


def is_gesture(category: Category) -> bool:
    """Whether it is something a person does: a shape or a movement."""
    return category in {Category.SHAPE, Category.MOVEMENT}


def as_time(microseconds: int) -> datetime:
    """A time of 0 … MAX_TIME_US microseconds since 1970, exactly. Raises OverflowError beyond."""
    return _EPOCH + timedelta(microseconds=microseconds)


def as_microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly; `moment` has a time zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _write_time(microseconds: int) -> str:
    return as_time(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")
