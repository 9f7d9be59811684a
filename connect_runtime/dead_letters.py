"""Dead letters: records that cannot be used, as they were, with headers that say what was wrong with them.

The headers are Kafka Connect's own, so that whatever reads its dead-letter topics reads these.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from connect_runtime.rejections import LogReporter, Rejection, RejectionReporter
from connect_runtime.retry import Surroundings
from connect_runtime.task_metrics import TaskMetrics
from kafka_io.failure_headers import FAILED_AT_HEADER, PREFIX, Failure, failure_headers
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError
from keypoints.topics import ATTEMPT_HEADER, Headers, parse_origin

TOPIC_ID_HEADER: Final = "holistic-dead-letter-topic-id"
"""Id of the topic the record failed in: one of that name made later is another."""
OMITTED_VALUE_HEADER: Final = "holistic-dead-letter-omitted-bytes"
"""Size of a value no topic takes uncompressed; it stays where the record's coordinates say."""
_REMEMBERED: Final = 10_000
_MOST_DIGITS: Final = 19
"""Of a number in a header, which anyone may have written; Python reads none of thousands."""

Place = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter to be sent. `source_topic` is where the record failed."""

    source_topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


class LetterBox(Protocol):
    """Where dead letters go; shared by a process's tasks."""

    def prepare(self, topics: Sequence[str], retry_topic: str, dead_letter_topic: str, replication: int | None) -> None:
        """Make the connector's own two topics, if they are not there. Raises Transient or Terminal."""

    def send(self, dead_letter_topic: str, letters: Sequence[Letter]) -> None:
        """Returns when all are acknowledged. Raises Transient or Terminal when one is not."""

    def close(self) -> None:
        """Let go of the broker."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it is found in its topic, at `offset` of `partition`."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    """As the record had them, without those that say what was wrong."""
    errors: dict[str, str]
    """What was wrong, by the names of Connect's headers without their common beginning."""
    topic_id: str | None
    failed_at_ms: int | None
    omitted_bytes: int | None
    """Size of a value that did not fit; None: the value is here."""

    @property
    def source(self) -> Place:
        """Where the record failed."""
        return self.errors.get("topic", ""), _as_int(self.errors.get("partition")), _as_int(self.errors.get("offset"))

    @property
    def identity(self) -> Place:
        """Who the record is."""
        return parse_origin(self.headers) or self.source

    @property
    def attempt(self) -> int:
        """How often it had been published again when it failed."""
        return read_attempt(self.headers)

    @property
    def error_class(self) -> str:
        """The error's class, without where it is defined."""
        return self.errors.get("exception.class.name", "?").rpartition(".")[2]


class DeadLetterReporter(RejectionReporter):
    """Sends rejected records to the dead-letter topic, then logs and counts them.

    It outlives the task, and remembers what was acknowledged: a task that reads records again sends no letter twice.
    """

    def __init__(
        self, box: LetterBox, topic: str, writer: "LetterWriter", metrics: TaskMetrics, around: Surroundings
    ) -> None:
        self._box = box
        self._topic = topic
        self._writer = writer
        self._metrics = metrics
        self._wall_clock = around.wall_clock
        self._log = LogReporter(writer.connector, metrics, around)
        self._sent: OrderedDict[tuple[Place, int], None] = OrderedDict()
        self._lock = threading.Lock()

    def report(self, rejections: list[Rejection]) -> None:
        """Returns when the broker has acknowledged all of them. Raises Transient or Terminal when it has not."""
        with self._lock:
            fresh = [one for one in rejections if _known_as(one.record) not in self._sent]
            if not fresh:
                return
            try:
                now_ms = int(self._wall_clock() * 1000)
                self._box.send(self._topic, [self._writer.write(one, now_ms) for one in fresh])
            except HolisticError:
                self._metrics.sent_dead_letters(len(fresh), acknowledged=False)
                raise
            self._metrics.sent_dead_letters(len(fresh), acknowledged=True)
            self._log.report(fresh)
            for one in fresh:
                self._sent[_known_as(one.record)] = None
            while len(self._sent) > _REMEMBERED:
                self._sent.popitem(last=False)


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Writes a task's dead letters."""

    connector: str
    task_id: int

    def write(self, rejection: Rejection, now_ms: int) -> Letter:
        """The record as it was, with all ten headers of Connect's."""
        record = rejection.record
        failure = Failure(
            record.topic, record.partition, record.offset, self.connector, self.task_id, rejection.stage.value,
            rejection.found_by, rejection.error,
        )  # fmt: skip
        headers = (*record.headers, *failure_headers(failure, now_ms))
        return Letter(record.topic, record.key, record.value, headers, record.timestamp)


def read_dead_letter(record: RawRecord) -> DeadLetter:
    """What a record of a dead-letter topic says; headers that cannot be read are shown as well as they can be."""
    errors: dict[str, str] = {}
    theirs: list[tuple[str, bytes | None]] = []
    ours: dict[str, str] = {}
    for name, value in record.headers:
        text = (value or b"").decode("utf-8", "replace")
        if name.startswith(PREFIX):
            errors[name.removeprefix(PREFIX)] = text
        elif name in {TOPIC_ID_HEADER, FAILED_AT_HEADER, OMITTED_VALUE_HEADER}:
            ours[name] = text
        else:
            theirs.append((name, value))
    omitted, failed_at = ours.get(OMITTED_VALUE_HEADER), ours.get(FAILED_AT_HEADER)
    return DeadLetter(
        partition=record.partition, offset=record.offset, timestamp_ms=record.timestamp, key=record.key,
        value=record.value, headers=tuple(theirs), errors=errors, topic_id=ours.get(TOPIC_ID_HEADER),
        failed_at_ms=None if failed_at is None else _as_int(failed_at),
        omitted_bytes=None if omitted is None else _as_int(omitted),
    )  # fmt: skip


def read_attempt(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """How often a record was published again; 0 where nothing says so."""
    said = next((value for name, value in headers if name == ATTEMPT_HEADER and value), b"0")
    return int(said) if said.isdigit() and len(said) <= _MOST_DIGITS else 0


def _known_as(record: RawRecord) -> tuple[Place, int]:
    # The time too, for a topic made anew counts its offsets from 0 again.
    return (record.topic, record.partition, record.offset), record.timestamp


def _as_int(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) <= _MOST_DIGITS else -1
