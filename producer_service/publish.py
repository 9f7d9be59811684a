"""Frames to Kafka, and what became of each into the ledger."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from kafka.errors import KafkaError

from kafka_io.admin import create_topics, topic_partitions
from kafka_io.errors import explain_kafka_error
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Transient
from keypoints.frame import HolisticFrame
from keypoints.topics import SCHEMAS_TOPIC, SUITE_TOPICS
from observability.tracing import PublishTrace, Tracing
from producer_service.capture.captured import Clock
from producer_service.encode import encode_record
from producer_service.ledger import Ledger
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered, Watcher

NOT_ACKNOWLEDGED: Final = "not_acknowledged"
_SPARE_S: Final = 5.0
_HURRY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Travelling:
    """What is remembered of a frame while Kafka has not answered."""

    stream_id: str
    epoch: int
    sequence: int
    captured_at_us: int
    handed_over_us: int
    processed_at_us: int
    has_person: bool
    trace: PublishTrace


class FramePublisher:
    """Publishes frames to one topic and books every one of them as acknowledged or dropped.

    `failure` is set once Kafka failed to take a frame it was sent, or was away for longer than a frame may wait: what
    follows would fare no better, and a file is better read again than read on with a hole in it.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ProducerSettings,
        ledger: Ledger,
        watchers: Sequence[Watcher],
        now_us: Clock,
        tracing: Tracing | None = None,
    ) -> None:
        """Connect, and make the schema known before the first frame (its topic is made if there is none yet).

        Raises KafkaUnavailable, KafkaRefused (no such topic, no right), RegistryUnavailable or RegistryRefused.
        """
        self._settings = settings
        self._ledger = ledger
        self._watchers = tuple(watchers)
        self._now_us = now_us
        self._tracing = tracing or Tracing()
        self._lock = threading.Lock()
        self._failure: HolisticError | None = None
        self._finished = False
        topic_partitions(kafka, settings.topic)
        if kafka.schema_registry_url is None:
            create_topics(kafka, [spec for spec in SUITE_TOPICS if spec.name == SCHEMAS_TOPIC])
        self._registry_id = announce_schema(kafka, subject=f"{settings.topic}-value")
        self._publisher = BoundedPublisher(kafka, settings.publisher_options(), self._settle)

    @property
    def failure(self) -> HolisticError | None:
        """Why publishing is of no use any more, or None."""
        with self._lock:
            return self._failure

    def publish(self, frame: HolisticFrame, handed_over_us: int) -> None:
        """Hand a frame over; waits while too much is in flight. A frame Kafka's client refuses is booked as dropped."""
        trace = self._tracing.begin_publish(self._settings.topic)
        record = encode_record(frame, self._settings.content_type, self._registry_id, trace.traceparent())
        travelling = _Travelling(
            frame.stream_id,
            frame.epoch,
            frame.sequence,
            frame.captured_at_us,
            handed_over_us,
            frame.processed_at_us,
            frame.has_person,
            trace,
        )
        self._ledger.count_published(with_person=travelling.has_person)
        try:
            self._publisher.publish(
                self._settings.topic, record.key, record.value, record.headers, record.timestamp_ms, travelling
            )
        except HolisticError as error:
            trace.end(error)
            with self._lock:
                self._book_dropped(error, lost=isinstance(error, Transient))

    def finish(self, timeout_s: float | None = None) -> None:
        """Wait until Kafka has answered for every frame, and let go. What it never answers for is booked as dropped."""
        try:
            self._publisher.close(self._settings.delivery_timeout_s + _SPARE_S if timeout_s is None else timeout_s)
        except (HolisticError, KafkaError) as error:
            with self._lock:
                # From here on an answer comes too late to be booked.
                self._finished = True
                unanswered = self._ledger.counts().in_flight
                if unanswered:
                    explained = error if isinstance(error, HolisticError) else explain_kafka_error(error, "closing")
                    self._book_dropped(explained, lost=True, reason=NOT_ACKNOWLEDGED, frames=unanswered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A person who interrupts a second time does not wait for Kafka.
        self.finish(_HURRY_S if kind is KeyboardInterrupt else None)

    def _settle(self, delivery: Delivery) -> None:
        if isinstance(delivery.tag, _Travelling):
            delivery.tag.trace.end(delivery.error)
        with self._lock:
            if self._finished:
                return
            if delivery.error is not None or delivery.partition is None or delivery.offset is None:
                self._book_dropped(delivery.error or Transient(f"{delivery.topic} gave no offset"), lost=True)
                return
            self._ledger.count_acknowledged()
        frame = delivery.tag
        if not isinstance(frame, _Travelling):
            return
        delivered = Delivered(
            stream_id=frame.stream_id,
            epoch=frame.epoch,
            sequence=frame.sequence,
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            captured_at_us=frame.captured_at_us,
            handed_over_us=frame.handed_over_us,
            processed_at_us=frame.processed_at_us,
            acknowledged_us=self._now_us(),
            has_person=frame.has_person,
        )
        for watcher in self._watchers:
            watcher.frame_delivered(delivered)

    def _book_dropped(self, error: HolisticError, *, lost: bool, reason: str | None = None, frames: int = 1) -> None:
        """Called with the lock held. The first error says what happened; `lost` says that Kafka takes no more."""
        self._ledger.count_dropped(reason or _name_reason(error), frames)
        if self._ledger.error is None:
            self._ledger.error = error
        if lost and self._failure is None:
            self._failure = error


def _name_reason(error: HolisticError) -> str:
    """`RecordTooLarge` is the reason `record_too_large`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
