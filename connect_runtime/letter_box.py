"""Dead-letter topics on a real cluster and in memory: made when needed, written to until acknowledged."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from connect_runtime.dead_letters import OMITTED_VALUE_HEADER, TOPIC_ID_HEADER, Letter
from connect_runtime.forgetting.ledger import read_forgotten
from connect_runtime.forgetting.letters import name_stream
from connect_runtime.forgetting.streams import ForgottenStreams
from connect_runtime.memory_broker import MemoryBroker
from kafka_io.admin import create_topics, topic_id
from kafka_io.errors import RecordTooLarge
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from keypoints.errors import HolisticError, Terminal
from keypoints.topics import DEAD_LETTER_ROOM_BYTES, Headers, dead_letter_spec, retry_spec

# Kafka's own default, where a topic does not say.
_USUAL_MESSAGE_BYTES: Final = 1024 * 1024 + 12
_ACKNOWLEDGED_WITHIN_S: Final = 20.0
_REMEMBER_ID_S: Final = 60.0
_LEDGER_READ_EVERY_S: Final = 5.0


class KafkaLetterBox:
    """Sends dead letters with acks from all replicas; connects when the first one is to be sent."""

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._limits = TopicLimitsReader(settings)
        self._lock = threading.Lock()
        self._publisher: BoundedPublisher | None = None
        self._failed: list[HolisticError] = []
        self._largest = _USUAL_MESSAGE_BYTES
        self._ids: dict[str, tuple[float, str]] = {}
        self._forgotten: tuple[float, ForgottenStreams] | None = None

    def prepare(self, topics: Sequence[str], retry_topic: str, dead_letter_topic: str, replication: int | None) -> None:
        """Make the connector's own two topics, each large enough for whatever its topics hold."""
        largest = max(self._largest_of(topics), _USUAL_MESSAGE_BYTES)
        specs = [retry_spec(retry_topic, largest)]
        if dead_letter_topic:
            specs.append(dead_letter_spec(dead_letter_topic, largest))
        create_topics(self._settings, specs, replication)
        with self._lock:
            if largest > self._largest:
                self._largest = largest
                self._drop_publisher()

    def send(self, dead_letter_topic: str, letters: Sequence[Letter]) -> None:
        """Returns when all are acknowledged. Raises Transient or Terminal when one is not."""
        with self._lock:
            publisher = self._connect()
            self._failed.clear()
            for letter in self._without_forgotten(letters):
                headers = (*letter.headers, *self._name_topic(letter.source_topic))
                try:
                    self._publish(publisher, dead_letter_topic, letter, letter.value, headers)
                except RecordTooLarge:
                    # It was compressed more than we can promise to: that it failed must be on record all the same.
                    omitted = str(len(letter.value or b"")).encode()
                    headers = (*headers, (OMITTED_VALUE_HEADER, omitted))
                    self._publish(publisher, dead_letter_topic, letter, None, headers)
            try:
                publisher.flush(_ACKNOWLEDGED_WITHIN_S)
            except HolisticError:
                # What is still on its way must not answer for the next ones.
                self._drop_publisher()
                raise
            if self._failed:
                raise self._failed[0]

    def close(self) -> None:
        """Let go of the broker."""
        with self._lock:
            self._drop_publisher()

    def _without_forgotten(self, letters: Sequence[Letter]) -> list[Letter]:
        """What was erased must not come back because its records are read again."""
        if self._forgotten is None or self._clock() > self._forgotten[0] + _LEDGER_READ_EVERY_S:
            self._forgotten = (self._clock(), read_forgotten(self._settings))
        forgotten = self._forgotten[1]
        if not len(forgotten):
            return list(letters)
        return [letter for letter in letters if not _is_forgotten(letter, forgotten)]

    def _publish(
        self, publisher: BoundedPublisher, topic: str, letter: Letter, value: bytes | None, headers: Headers
    ) -> None:
        timestamp_ms = letter.timestamp_ms if letter.timestamp_ms >= 0 else None
        publisher.publish(topic, letter.key, value, _filled(headers), timestamp_ms, partition=0)

    def _connect(self) -> BoundedPublisher:
        if self._publisher is None:
            options = PublisherOptions(
                block_s=_ACKNOWLEDGED_WITHIN_S,
                max_request_bytes=self._largest + 2 * DEAD_LETTER_ROOM_BYTES,
                delivery_timeout_s=_ACKNOWLEDGED_WITHIN_S,
                linger_ms=0,
            )
            self._publisher = BoundedPublisher(self._settings, options, self._note_delivery)
        return self._publisher

    def _note_delivery(self, delivery: Delivery) -> None:
        if delivery.error is not None:
            self._failed.append(delivery.error)

    def _drop_publisher(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            try:
                publisher.close(1.0)
            except HolisticError as error:
                # Whoever waited for these letters was told already that they are not acknowledged.
                self._failed.append(error)

    def _largest_of(self, topics: Sequence[str]) -> int:
        return max((self._limits.read(topic).max_message_bytes or 0 for topic in topics), default=0)

    def _name_topic(self, topic: str) -> Headers:
        known = self._ids.get(topic)
        if known is None or self._clock() > known[0] + _REMEMBER_ID_S:
            try:
                known = self._ids[topic] = (self._clock(), topic_id(self._settings, topic))
            except Terminal:
                # Deleted since, or hidden from us; the letter goes without.
                return ()
        return ((TOPIC_ID_HEADER, known[1].encode()),)


class MemoryLetterBox:
    """Dead letters on the in-memory broker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def prepare(
        self,
        topics: Sequence[str],  # noqa: ARG002 - records of any size
        retry_topic: str,
        dead_letter_topic: str,
        replication: int | None,  # noqa: ARG002 - nothing to copy to
    ) -> None:
        """Make the connector's own two topics."""
        for topic in filter(None, (retry_topic, dead_letter_topic)):
            self._broker.ensure_topic(topic, 1)

    def send(self, dead_letter_topic: str, letters: Sequence[Letter]) -> None:
        """Append them all."""
        for letter in letters:
            self._broker.append(
                dead_letter_topic, letter.value, key=letter.key, partition=0, headers=letter.headers,
                timestamp_ms=letter.timestamp_ms,
            )  # fmt: skip

    def close(self) -> None:
        """Nothing is held."""


def _is_forgotten(letter: Letter, forgotten: ForgottenStreams) -> bool:
    stream_id, captured_at_us = name_stream(letter.key, letter.value, letter.timestamp_ms)
    return stream_id is not None and forgotten.holds(stream_id, captured_at_us, letter.timestamp_ms)


def _filled(headers: Headers) -> list[tuple[str, bytes]]:
    # A header's null cannot be sent by every client; an empty one says as little.
    return [(name, value if value is not None else b"") for name, value in headers]
