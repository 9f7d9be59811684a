"""Reads streams' records off a topic, without a group, and writes them to a recording."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from holistic_cli.recordings.container import Recorded, RecordingWriter, name_schema
from kafka_io.admin import topic_partitions
from kafka_io.consumer import make_consumer
from kafka_io.errors import explain_kafka_error
from kafka_io.settings import KafkaSettings
from keypoints.avro import CONFLUENT_MARKER, SINGLE_OBJECT_HEADER, SINGLE_OBJECT_MARKER
from keypoints.codec import RawRecord
from keypoints.errors import Terminal
from keypoints.schemas import Schema, SchemaLookup, SchemaUnknown

_POLL_MS: Final = 200
_PATIENCE_S: Final = 30.0
"""How long a stream that is to be recorded from now on may say nothing at first."""
_GRACE_S: Final = 1.0
"""What was captured just before the end may still be on its way."""


class NothingRecorded(Terminal):
    """The topic holds no records of the streams that were asked for. Fields: topic, streams."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record. No `streams`: all. Milliseconds since 1970; `from_ms` None: from the topic's start; the end is
    `until_ms`, or `seconds` after the first record, or when it is told to stop."""

    topic: str
    streams: tuple[str, ...] = ()
    from_ms: int | None = None
    until_ms: int | None = None
    seconds: float | None = None


@dataclass(slots=True)
class RecordReport:
    """What a recording holds: records by key, and the times of the first and last, milliseconds since 1970."""

    records: int = 0
    value_bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    by_stream: dict[str, int] = field(default_factory=dict)

    @property
    def lasts_s(self) -> float:
        """From the first record's time to the last one's."""
        return 0.0 if self.first_ms is None or self.last_ms is None else (self.last_ms - self.first_ms) / 1000

    def add(self, record: RawRecord) -> None:
        """Count a record."""
        self.records += 1
        self.value_bytes += len(record.value or b"")
        self.first_ms = record.timestamp if self.first_ms is None else min(self.first_ms, record.timestamp)
        self.last_ms = record.timestamp if self.last_ms is None else max(self.last_ms, record.timestamp)
        stream = (record.key or b"").decode(errors="replace")
        self.by_stream[stream] = self.by_stream.get(stream, 0) + 1


class SchemaCollector:
    """Finds the schema of each foreign writer once."""

    def __init__(self, schemas: SchemaLookup) -> None:
        self._schemas = schemas
        self._seen: set[bytes] = {SINGLE_OBJECT_HEADER}

    def first_of(self, value: bytes | None) -> str | None:
        """The schema of a value whose header is new, as JSON; None for one seen before, ours, JSON, or not known."""
        header = name_schema(value)
        if header is None or header in self._seen:
            return None
        self._seen.add(header)
        try:
            schema: Schema = (
                self._schemas.by_fingerprint(header[len(SINGLE_OBJECT_MARKER) :])
                if header.startswith(SINGLE_OBJECT_MARKER)
                else self._schemas.by_registry_id(int.from_bytes(header[len(CONFLUENT_MARKER) :], "big"))
            )
        except SchemaUnknown:
            return None
        return orjson.dumps(schema).decode()


def record_streams(
    settings: KafkaSettings,
    request: RecordRequest,
    writer: RecordingWriter,
    schemas: SchemaLookup,
    stop: threading.Event,
    on_progress: Callable[[RecordReport], None] = lambda _report: None,
) -> RecordReport:
    """Write the records that were asked for, until the end of the range or until `stop` is set.

    All partitions are read, for not every producer chooses them as ours does. Raises NothingRecorded, KafkaUnavailable
    or KafkaRefused.
    """
    report, collector = RecordReport(), SchemaCollector(schemas)
    keys = {stream.encode() for stream in request.streams}
    for records in _read_range(settings, request, report, stop):
        for record in records:
            if keys and record.key not in keys:
                continue
            report.add(record)
            writer.write(
                Recorded(
                    record.topic,
                    record.partition,
                    record.offset,
                    record.timestamp,
                    record.key,
                    record.value,
                    tuple(record.headers),
                    collector.first_of(record.value),
                )
            )
        on_progress(report)
    writer.finish()
    if not report.records:
        names = ", ".join(request.streams) or "anyone"
        raise NothingRecorded(
            f"{request.topic} holds no records of {names} in that time",
            hint="`holistic streams` says who is in the archive; --from earliest records what is there already",
            topic=request.topic,
            streams=request.streams,
        )
    return report


def _read_range(
    settings: KafkaSettings, request: RecordRequest, report: RecordReport, stop: threading.Event
) -> Iterator[list[RawRecord]]:
    """The topic's records within the times, poll by poll; empty lists while there are none."""
    partitions = [TopicPartition(request.topic, index) for index in topic_partitions(settings, request.topic)]
    consumer: KafkaConsumer = make_consumer(settings, None)
    ends: dict[TopicPartition, int] | None = None
    try:
        consumer.assign(partitions)
        _seek(consumer, partitions, request.from_ms)
        patience = _Patience(consumer.end_offsets(partitions))
        while not stop.is_set():
            until_ms = _find_end_ms(request, report)
            if ends is None and until_ms is not None and time.time() >= until_ms / 1000 + _GRACE_S:
                ends = consumer.end_offsets(partitions)
            if ends is not None and all(consumer.position(partition) >= ends[partition] for partition in partitions):
                return
            if until_ms is None and not report.records and patience.is_over(consumer):
                return
            polled = consumer.poll(timeout_ms=_POLL_MS)
            yield [
                record
                for records in polled.values()
                for record in records
                if (request.from_ms is None or record.timestamp >= request.from_ms)
                and (until_ms is None or record.timestamp < until_ms)
            ]
    except (kafka_errors.KafkaError, OSError) as error:
        raise explain_kafka_error(error, f"reading {request.topic}", topic=request.topic) from error
    finally:
        consumer.close()


class _Patience:
    """Nobody waits for ever for a stream that was not there and does not begin."""

    def __init__(self, ends: dict[TopicPartition, int]) -> None:
        self._ends = ends
        self._waits_since_s: float | None = None

    def is_over(self, consumer: KafkaConsumer) -> bool:
        """Whether what was there has been read for long enough."""
        if self._waits_since_s is None and all(consumer.position(place) >= end for place, end in self._ends.items()):
            self._waits_since_s = time.monotonic()
        return self._waits_since_s is not None and time.monotonic() - self._waits_since_s > _PATIENCE_S


def _seek(consumer: KafkaConsumer, partitions: list[TopicPartition], from_ms: int | None) -> None:
    if from_ms is None:
        consumer.seek_to_beginning(*partitions)
        return
    found = consumer.offsets_for_times(dict.fromkeys(partitions, from_ms))
    ends = consumer.end_offsets(partitions)
    for partition in partitions:
        place = found.get(partition)
        consumer.seek(partition, ends[partition] if place is None else place.offset)


def _find_end_ms(request: RecordRequest, report: RecordReport) -> int | None:
    if request.until_ms is not None:
        return request.until_ms
    if request.seconds is None:
        return None
    since_ms = request.from_ms if request.from_ms is not None else report.first_ms
    return None if since_ms is None else since_ms + round(request.seconds * 1000)
