"""A producer that never holds more than it may: acks from all replicas, idempotent, compressed, bounded in bytes."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from kafka import KafkaProducer
from kafka import errors as kafka_errors
from kafka.producer.future import RecordMetadata

from kafka_io.connecting import connect_client
from kafka_io.errors import KafkaUnavailable, PublisherFull, explain_kafka_error
from kafka_io.producer_ids import renew_lost_ids
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader, estimate_record_bytes
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)

# What a record costs this process besides its bytes: future, callbacks, entry in the batch.
_RECORD_OVERHEAD_BYTES = 1_024


Compression = Literal["none", "lz4", "zstd"]


@dataclass(frozen=True, slots=True)
class PublisherOptions:
    """How much a publisher may hold, and how it trades delay for throughput."""

    max_in_flight_bytes: int = 64 * 1024 * 1024
    """Bytes published and not yet acknowledged; above it `publish` blocks."""
    block_s: float = 30.0
    """How long `publish` waits for room before it raises."""
    metadata_s: float | None = None
    """How long it waits for the metadata of a topic not yet published to; None: as long as for room."""
    linger_ms: int = 5
    """How long a record waits for company when its batch is not full."""
    batch_bytes: int = 256 * 1024
    """Size at which a batch of one partition leaves at once."""
    compression: Compression = "zstd"
    """How batches are compressed."""
    max_request_bytes: int = 9 * 1024 * 1024
    """Largest record and largest request this client sends; each topic has its own limit as well."""
    delivery_timeout_s: float = 120.0
    """After this a record that was not acknowledged counts as failed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one published record: an offset, or an error."""

    tag: object
    topic: str
    partition: int | None
    offset: int | None
    error: HolisticError | None


@dataclass(frozen=True, slots=True)
class PublisherCounts:
    """acknowledged + failed + in_flight = all records ever accepted by `publish`."""

    acknowledged: int
    failed: int
    in_flight: int
    in_flight_bytes: int
    acknowledged_bytes: int


class BoundedPublisher:
    """Publishes records; safe to call from several threads.

    `on_delivery` is called once for each record on the client's own thread, in order within a partition: it must be
    quick, and must not publish.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        options: PublisherOptions | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Connect. Raises KafkaUnavailable when no broker answers, KafkaRefused for rights and settings."""
        self._options = options or PublisherOptions()
        self._on_delivery = on_delivery
        self._room = threading.Condition()
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._acknowledged = 0
        self._acknowledged_bytes = 0
        self._failed = 0
        self._settings = settings
        self._limits = TopicLimitsReader(settings)
        self._replacing = threading.Lock()
        self._producer = self._connect()

    def prepare(self, topic: str) -> None:
        """Know a topic before its first record, which then waits for nothing. Raises KafkaUnavailable, KafkaRefused."""
        self._limits.read(topic)
        try:
            self._producer.partitions_for(topic)
        except kafka_errors.KafkaError as error:
            raise explain_kafka_error(error, f"preparing to publish to {topic}", topic=topic) from error

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
        partition: int | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """Hand one record over; its fate comes to `on_delivery` with `tag`. Without `partition` the key decides.

        Blocks while too many bytes are in flight, unless told not to `wait`: then it blocks for nothing but the first
        record of a topic, which needs its metadata. Raises PublisherFull after `block_s`, RecordTooLarge, KafkaRefused
        or KafkaUnavailable when the record was not accepted (then `on_delivery` is not called for it).
        """
        record_bytes = estimate_record_bytes(key, value, headers)
        self._limits.read(topic, wait=wait).check(topic, record_bytes, timestamp_ms, time.time() * 1000)
        size = _RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
        self._reserve(size, topic, self._options.block_s if wait else 0.0)
        try:
            future = self._working_producer().send(topic, value, key, list(headers), partition, timestamp_ms)
        except HolisticError:
            self._release(size)
            raise
        except (kafka_errors.KafkaError, OSError, ValueError, TypeError) as error:
            self._release(size)
            raise explain_kafka_error(error, f"publishing to {topic}", topic=topic) from error

        def acknowledge(metadata: RecordMetadata) -> None:
            self._settle(size, Delivery(tag, topic, metadata.partition, metadata.offset, None))

        def fail(error: Exception) -> None:
            explained = explain_kafka_error(error, f"publishing to {topic}", topic=topic)
            self._settle(size, Delivery(tag, topic, None, None, explained))

        future.add_callback(acknowledge)
        future.add_errback(fail)

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait until every record published so far is acknowledged or failed. Raises KafkaUnavailable on timeout."""
        # Waiting for our own count, not for KafkaProducer.flush: that one raises when a batch is split in two.
        with self._room:
            if not self._room.wait_for(lambda: self._in_flight == 0, timeout_s):
                raise KafkaUnavailable(
                    f"{self._in_flight} records were not acknowledged within {timeout_s:g} s", in_flight=self._in_flight
                )

    def close(self, timeout_s: float = 60.0) -> None:
        """Flush, then let go of the connection, also when the flush fails."""
        deadline = time.monotonic() + timeout_s
        try:
            self.flush(timeout_s)
        finally:
            self._let_go(max(0.0, deadline - time.monotonic()))

    def _let_go(self, timeout_s: float) -> None:
        try:
            self._producer.close(timeout=timeout_s)
        except kafka_errors.KafkaTimeoutError:
            # Its own flush gave up, before it told its thread to end; what was not acknowledged is said by ours. Once
            # collected it would flush again, were it not closed.
            if self._producer._sender is not None:
                self._producer._sender.force_close()
            self._producer._closed = True

    def counts(self) -> PublisherCounts:
        with self._room:
            return PublisherCounts(
                self._acknowledged, self._failed, self._in_flight, self._in_flight_bytes, self._acknowledged_bytes
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> KafkaProducer:
        options = self._settings.client_options() | _producer_options(self._options)
        producer = connect_client(KafkaProducer, options, "connecting a publisher")
        renew_lost_ids(producer)
        return producer

    def _working_producer(self) -> KafkaProducer:
        """The client, or a new one where a refusal has put an end to the old: it has failed what it held already."""
        producer = self._producer
        # kafka-python says so nowhere in public.
        if not producer._transaction_manager.has_fatal_error():
            return producer
        with self._replacing:
            if self._producer is producer:
                log.warning("the broker refused a record for good: publishing goes on with a new client")
                self._producer = self._connect()
                producer.close(timeout=0)
            return self._producer

    def _reserve(self, size: int, topic: str, block_s: float) -> None:
        limit = self._options.max_in_flight_bytes
        with self._room:
            # A record larger than the whole bound still goes, alone.
            if not self._room.wait_for(lambda: self._in_flight == 0 or self._in_flight_bytes + size <= limit, block_s):
                raise PublisherFull(
                    f"{self._in_flight_bytes} bytes await acknowledgement, {limit} is the limit",
                    topic=topic,
                    in_flight=self._in_flight,
                )
            self._in_flight += 1
            self._in_flight_bytes += size

    def _release(self, size: int) -> None:
        with self._room:
            self._in_flight -= 1
            self._in_flight_bytes -= size
            self._room.notify_all()

    def _settle(self, size: int, delivery: Delivery) -> None:
        try:
            if self._on_delivery is not None:
                self._on_delivery(delivery)
        finally:
            # Freed only after the callback, so that `flush` returns when all callbacks have run.
            with self._room:
                if delivery.error is None:
                    self._acknowledged += 1
                    self._acknowledged_bytes += size - _RECORD_OVERHEAD_BYTES
                else:
                    self._failed += 1
                self._in_flight -= 1
                self._in_flight_bytes -= size
                self._room.notify_all()


def _producer_options(options: PublisherOptions) -> dict[str, object]:
    metadata_s = options.block_s if options.metadata_s is None else options.metadata_s
    delivery_ms = int(options.delivery_timeout_s * 1000)
    return {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": None if options.compression == "none" else options.compression,
        "linger_ms": options.linger_ms,
        "batch_size": options.batch_bytes,
        "max_request_size": options.max_request_bytes,
        "max_block_ms": int(metadata_s * 1000),
        "delivery_timeout_ms": delivery_ms,
        "request_timeout_ms": min(30_000, max(1_000, delivery_ms - options.linger_ms)),
        "bootstrap_timeout_ms": 10_000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
