"""Dead letters of a stream, and its records in retry topics.

Kafka removes no single record, only all before an offset. These topics are small: what others need is published again
behind, the same in every byte, and then all up to the last of the stream's goes. A kill between the two leaves letters
twice, which no redrive does twice; the next call sees the copies and makes no others.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from connect_runtime.dead_letters import Place as Identity
from connect_runtime.dead_letters import read_dead_letter
from connect_runtime.forgetting.places import Found, Subject
from kafka_io.admin import open_admin
from kafka_io.publisher import BoundedPublisher, PublisherOptions
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import decode
from keypoints.errors import HolisticError
from keypoints.schemas import SchemaLookup
from keypoints.topics import DEAD_LETTER_ROOM_BYTES, dead_letter_topic, retry_topic

_LIMIT_BYTES: Final = 64 * 1024 * 1024


def find_letter_topics(kafka: KafkaSettings, connectors: Iterable[str] = ()) -> list[str]:
    """Topics of dead letters by their usual name, and the retry topics of their connectors and of these.

    Others' topics may be called something-retry too: they are not looked into. Raises KafkaUnavailable or KafkaRefused.
    """
    with open_admin(kafka, "listing topics") as admin:
        names = set(admin.list_topics())
    prefix = dead_letter_topic("")
    letters = {name for name in names if name.startswith(prefix)}
    known = {*connectors, *(name.removeprefix(prefix) for name in letters)}
    return sorted(letters | {retry for connector in known if (retry := retry_topic(connector)) in names})


def name_stream(
    key: bytes | None, value: bytes | None, timestamp_ms: int, schemas: SchemaLookup | None = None
) -> tuple[str | None, int]:
    """Whose record it is and when it was captured, microseconds since 1970.

    Of a value that cannot be read the key is taken for the stream's name, and the record's time for the frame's.
    """
    try:
        frame = decode(value, key=key, timestamp_ms=timestamp_ms, schemas=schemas)
    except HolisticError:
        return None if key is None else key.decode("utf-8", "replace"), timestamp_ms * 1000
    return frame.stream_id, frame.captured_at_us


NoteGone = Callable[[Sequence[Identity]], None]
"""Told who the records are before they go: a letter says of a record why no store has it, and does so no longer."""


class Letters:
    """A topic of dead letters or retries."""

    def __init__(self, kafka: KafkaSettings, topic: str, note_gone: NoteGone = lambda _identities: None) -> None:
        self._kafka = kafka
        self._topic = topic
        self._note_gone = note_gone
        self._schemas = TopicSchemaLookup(kafka)

    @property
    def name(self) -> str:
        """The topic's."""
        return f"topic {self._topic}"

    @property
    def proof(self) -> str:
        """See Place."""
        return "all its records were read: by their key, and by the stream their value names, where it can be read"

    def find(self, subject: Subject) -> Found:
        """Every record of the stream there is."""
        return _describe([record for record in self._read() if self._is_of(record, subject)])

    def erase(self, subject: Subject) -> Found:
        """Remove the stream's records; those of others that lay before move behind."""
        records = list(self._read())
        gone = [record for record in records if self._is_of(record, subject)]
        if not gone:
            return Found()
        ends: dict[int, int] = {}
        for record in gone:
            ends[record.partition] = max(record.offset + 1, ends.get(record.partition, 0))
        doomed = {(record.partition, record.offset) for record in gone}
        before = [
            record
            for record in records
            if record.offset < ends.get(record.partition, 0) and (record.partition, record.offset) not in doomed
        ]
        behind = [record for record in records if record.offset >= ends.get(record.partition, 0)]
        identities = {read_dead_letter(record).identity for record in gone}
        self._note_gone(sorted(identity for identity in identities if identity[0] and min(identity[1:]) >= 0))
        self._publish_again(_less(before, behind))
        with open_admin(self._kafka, f"removing records of {self._topic}", topic=self._topic) as admin:
            admin.delete_records({TopicPartition(self._topic, partition): end for partition, end in ends.items()})
        return _describe(gone)

    def _read(self) -> Iterable[ConsumerRecord]:
        return read_whole_topic(self._kafka, self._topic)

    def _is_of(self, record: ConsumerRecord, subject: Subject) -> bool:
        stream_id, captured_at_us = name_stream(record.key, record.value, record.timestamp, self._schemas)
        return stream_id == subject.stream_id and subject.holds(captured_at_us, record.timestamp)

    def _publish_again(self, records: Sequence[ConsumerRecord]) -> None:
        if not records:
            return
        failed: list[HolisticError] = []
        largest = max(len(record.value or b"") for record in records)
        options = PublisherOptions(
            max_request_bytes=max(PublisherOptions().max_request_bytes, largest + 4 * DEAD_LETTER_ROOM_BYTES),
            max_in_flight_bytes=_LIMIT_BYTES,
        )
        with BoundedPublisher(
            self._kafka, options, lambda delivery: failed.append(delivery.error) if delivery.error else None
        ) as publisher:
            for record in records:
                publisher.publish(
                    self._topic,
                    record.key,
                    record.value,
                    [(name, value if value is not None else b"") for name, value in record.headers],
                    record.timestamp if record.timestamp >= 0 else None,
                    partition=record.partition,
                )
        if failed:
            raise failed[0]


def _describe(records: Sequence[ConsumerRecord]) -> Found:
    offsets = sorted((record.partition, record.offset) for record in records)
    newest_us = max((record.timestamp * 1000 for record in records), default=None)
    return Found(len(records), newest_us, {"offsets": offsets} if offsets else {})


def _less(records: Sequence[ConsumerRecord], copies: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
    """Those of which there is no copy, each once: letters that are the same in everything are of one failure."""
    there = set(map(_content, copies))
    left: list[ConsumerRecord] = []
    for record in records:
        if (content := _content(record)) not in there:
            there.add(content)
            left.append(record)
    return left


def _content(record: ConsumerRecord) -> tuple[object, ...]:
    headers = tuple((name, value or b"") for name, value in record.headers)
    return record.partition, record.key, record.value, headers, record.timestamp
