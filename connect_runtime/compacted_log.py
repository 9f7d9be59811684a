"""Compacted topics of one partition each, followed from their beginning: what replicas of a service agree through."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from connect_runtime.control.errors import ControlUnavailable
from connect_runtime.retry import Backoff, Surroundings
from kafka_io.admin import create_topics
from kafka_io.consumer import make_consumer
from kafka_io.errors import explain_kafka_error
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError
from keypoints.topics import TopicSpec

_PUBLISHING = PublisherOptions(max_in_flight_bytes=4 * 1024 * 1024, block_s=5.0, linger_ms=0, delivery_timeout_s=10.0)
_ACKNOWLEDGED_TIMEOUT_S = 15.0
_CLOSE_TIMEOUT_S = 2.0
_READER_END_S = 10.0
# A reader that is looking for a broker ends when it has found none, which nobody waits for; it holds nothing.
_SEEKER_END_S = 0.5
_POLL_S = 1.0
# The broker answers at once when something is written; without news an answer every few seconds is enough.
_READING: Mapping[str, object] = {"fetch_max_wait_ms": 5_000}
_RECONNECT = Backoff(first_s=0.5, cap_s=5.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowedRecord:
    """One record as it was read; `is_news`: written since the reader caught up for the first time."""

    topic: str
    offset: int
    timestamp_ms: int
    key: str
    value: bytes | None
    is_news: bool


OnFollowed = Callable[[Sequence[FollowedRecord]], None]


class CompactedLog:
    """Follows its topics on a thread of its own, and goes on trying while Kafka is away; makes those there are not.

    `what` is what is in them, in words for people: "settings and status".
    """

    def __init__(
        self, settings: KafkaSettings, surroundings: Surroundings, specs: Sequence[TopicSpec], what: str
    ) -> None:
        """Connects to nothing yet."""
        self._settings = settings
        self._specs = tuple(specs)
        self._what = what
        self._around = surroundings
        self._closing = threading.Event()
        self._positions: dict[TopicPartition, int] = {}
        self._caught_up = self._is_reading = False
        self._problem: str | None = f"the topics of {what} are not read yet"
        self._cluster_id: str | None = None
        self._connecting = threading.Lock()
        self._publisher: BoundedPublisher | None = None
        self._thread: threading.Thread | None = None

    def follow(self, on_records: OnFollowed) -> None:
        """Begin to read; `on_records` is also called, with nothing, when the end was reached for the first time."""
        self._thread = threading.Thread(
            target=self._run, args=(on_records,), name=f"follows {self._specs[0].name}", daemon=True
        )
        self._thread.start()

    def append(self, topic: str, key: str, value: bytes | None) -> int:
        """Write a record and wait for its acknowledgement. Raises ControlUnavailable."""
        acknowledged: Future[int] = Future()
        try:
            self._connected_publisher().publish(topic, key.encode(), value, tag=acknowledged, partition=0)
            return acknowledged.result(_ACKNOWLEDGED_TIMEOUT_S)
        except (HolisticError, TimeoutError) as error:
            message = error.message if isinstance(error, HolisticError) else "no acknowledgement in time"
            raise ControlUnavailable(f"writing to {topic}: {message}", topic=topic, key=key) from error

    def problem(self) -> str | None:
        """Why the topics are not known to their end yet."""
        return None if self._caught_up else self._problem

    def cluster_id(self) -> str | None:
        """The cluster's id, once the broker has said it."""
        return self._cluster_id

    def close(self) -> None:
        """Stop reading and writing; what is not acknowledged within seconds is lost."""
        self._closing.set()
        with self._connecting:
            publisher, self._publisher = self._publisher, None
        if publisher is not None:
            try:
                publisher.close(_CLOSE_TIMEOUT_S)
            except HolisticError as error:
                log.warning("closing the log: %s", error.message)
        if self._thread is not None:
            self._thread.join(_READER_END_S if self._is_reading else _SEEKER_END_S)

    def _connected_publisher(self) -> BoundedPublisher:
        with self._connecting:
            if self._closing.is_set():
                raise ControlUnavailable("the service is ending")
            if self._publisher is None:
                self._publisher = BoundedPublisher(self._settings, _PUBLISHING, _settle)
            return self._publisher

    # ---- the reader's thread

    def _run(self, on_records: OnFollowed) -> None:
        failures = 0
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                create_topics(self._settings, self._specs)
                self._read(on_records)
            except (HolisticError, kafka_errors.KafkaError, OSError) as error:
                explained = error if isinstance(error, HolisticError) else explain_kafka_error(error, "reading")
                failures = failures + 1 if time.monotonic() - began_s < _RECONNECT.cap_s else 1
                self._problem = f"the topics of {self._what} cannot be read: {explained.message}"
                log.warning("%s", self._problem)
                self._closing.wait(_RECONNECT.delay_s(failures, self._around.dice))

    def _read(self, on_records: OnFollowed) -> None:
        partitions = [TopicPartition(spec.name, 0) for spec in self._specs]
        consumer: KafkaConsumer = make_consumer(self._settings, None, **_READING)
        try:
            consumer.assign(partitions)
            ends: dict[TopicPartition, int] = consumer.end_offsets(partitions)
            starts: dict[TopicPartition, int] = consumer.beginning_offsets(partitions)
            # kafka-python says it nowhere in public; it is shown to people only.
            self._cluster_id = consumer._client.cluster.cluster_id
            for partition in partitions:
                consumer.seek(partition, self._positions.get(partition, starts[partition]))
            self._note_end(consumer, ends, on_records)
            self._is_reading = True
            while not self._closing.is_set():
                for partition, polled in consumer.poll(timeout_ms=int(_POLL_S * 1000)).items():
                    on_records([self._read_record(partition.topic, one) for one in polled])
                    self._positions[partition] = polled[-1].offset + 1
                self._note_end(consumer, ends, on_records)
        finally:
            self._is_reading = False
            consumer.close()

    def _read_record(self, topic: str, record: RawRecord) -> FollowedRecord:
        key = (record.key or b"").decode("utf-8", "replace")
        return FollowedRecord(topic, record.offset, record.timestamp, key, record.value, is_news=self._caught_up)

    def _note_end(self, consumer: KafkaConsumer, ends: Mapping[TopicPartition, int], on_records: OnFollowed) -> None:
        # Asked of the position: compaction may have taken the last records before the end.
        if not self._caught_up and all(consumer.position(partition) >= end for partition, end in ends.items()):
            self._caught_up = True
            self._problem = None
            on_records([])


def _settle(delivery: Delivery) -> None:
    acknowledged = delivery.tag
    assert isinstance(acknowledged, Future)  # noqa: S101 - `append` alone publishes here
    if delivery.error is not None or delivery.offset is None:
        acknowledged.set_exception(delivery.error or ControlUnavailable("acknowledged without an offset"))
    else:
        acknowledged.set_result(delivery.offset)


class MemoryCompactedLog:
    """The same in one process: everybody who follows has read a record when `append` returns."""

    def __init__(self, *before: tuple[str, bytes | None]) -> None:
        """`before`: keys and values that are there already."""
        self._lock = threading.RLock()
        self._records = [FollowedRecord("", at, 0, *record, is_news=False) for at, record in enumerate(before)]
        self._followers: list[OnFollowed] = []
        self.refuses = False
        """While set, nothing can be written."""

    def follow(self, on_records: OnFollowed) -> None:
        """Begin to read."""
        with self._lock:
            on_records(self._records)
            self._followers.append(on_records)

    def append(self, topic: str, key: str, value: bytes | None) -> int:
        """Write a record. Raises ControlUnavailable."""
        with self._lock:
            if self.refuses:
                raise ControlUnavailable("the log takes nothing now", topic=topic, key=key)
            record = FollowedRecord(topic, len(self._records), 0, key, value, is_news=True)
            self._records.append(record)
            for on_records in self._followers:
                on_records([record])
            return record.offset

    def problem(self) -> str | None:
        """Nothing ever."""
        return None

    def close(self) -> None:
        """Holds nothing."""
