"""Images that give no frame, to their topic of dead letters, in the form Kafka Connect's have."""

from collections.abc import Callable
from typing import Final

from kafka_io.admin import create_topics
from kafka_io.failure_headers import Failure, failure_headers
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError
from keypoints.topics import DEAD_LETTER_ROOM_BYTES, dead_letter_spec
from producer_service.capture.captured import Clock

CONNECTOR: Final = "images"
"""What `holistic dlq` knows these dead letters by."""
_USUAL_MESSAGE_BYTES: Final = 1024 * 1024 + 12
_ACKNOWLEDGED_WITHIN_S: Final = 20.0
_CLOSED_WITHIN_S: Final = 2.0

Told = Callable[[HolisticError | None], None]
"""Told when Kafka has a letter (None), or why it has not; on whatever thread."""


class ImageDeadLetters:
    """Sends dead letters and says when they are acknowledged."""

    def __init__(self, kafka: KafkaSettings, topic: str, images_topic: str, now_us: Clock) -> None:
        """Make the topic, large enough for every image, if it is not there. Raises Transient or Terminal."""
        self._topic = topic
        self._now_us = now_us
        largest = TopicLimitsReader(kafka).read(images_topic).max_message_bytes or _USUAL_MESSAGE_BYTES
        create_topics(kafka, [dead_letter_spec(topic, largest)])
        options = PublisherOptions(
            linger_ms=0,
            max_request_bytes=largest + 2 * DEAD_LETTER_ROOM_BYTES,
            delivery_timeout_s=_ACKNOWLEDGED_WITHIN_S,
        )
        self._publisher = BoundedPublisher(kafka, options, self._note_delivery)
        try:
            self._publisher.prepare(topic)
        except HolisticError:
            self._publisher.close(0.0)
            raise

    def send(self, record: RawRecord, stage: str, found_by: str, error: HolisticError, told: Told) -> None:
        """Hand the record over as it was, with what was wrong; never waits, and raises nothing."""
        failure = Failure(record.topic, record.partition, record.offset, CONNECTOR, 0, stage, found_by, error)
        headers = [
            (name, value if value is not None else b"")
            for name, value in (*record.headers, *failure_headers(failure, self._now_us() // 1000))
        ]
        timestamp_ms = record.timestamp if record.timestamp >= 0 else None
        try:
            self._publisher.publish(
                self._topic, record.key, record.value, headers, timestamp_ms, told, partition=0, wait=False
            )
        except HolisticError as problem:
            told(problem)

    def close(self) -> None:
        """Let go of the broker; what it has not acknowledged is sent again by whoever reads the image next."""
        try:
            self._publisher.close(_CLOSED_WITHIN_S)
        except HolisticError:
            # Their offsets are not committed.
            return

    def _note_delivery(self, delivery: Delivery) -> None:
        told = delivery.tag
        if callable(told):
            told(delivery.error)
