"""Events on their way from the outbox to the topic: at least once, in order per stream, never waited for."""

import logging
import threading
from collections.abc import Sequence
from typing import Final

from consumers.analytics.saved_results import OutboxRow
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from keypoints.topics import CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE, SCHEMA_VERSION_HEADER, record_key

logger = logging.getLogger(__name__)

EVENT_SCHEMA_VERSION: Final = "1"
_HEADERS: Final = (
    (CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE.encode()),
    (SCHEMA_VERSION_HEADER, EVENT_SCHEMA_VERSION.encode()),
)
# Events are few and waited for by people: none waits for company.
_OPTIONS: Final = PublisherOptions(
    max_in_flight_bytes=8 * 1024 * 1024, block_s=5.0, linger_ms=0, delivery_timeout_s=30.0
)


class EventPublisher:
    """Publishes outbox rows and remembers which of them the topic has acknowledged, or failed to."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        """Connect. Raises KafkaUnavailable or KafkaRefused."""
        self._topic = topic
        self._lock = threading.Lock()
        self._delivered: list[int] = []
        self._failed = False
        self._publisher = BoundedPublisher(settings, _OPTIONS, self._settle)

    def publish(self, rows: Sequence[OutboxRow]) -> None:
        """Hand rows over. What cannot be published now stays in the outbox, and `take_failure` says so.

        Until that is asked none is: it would overtake the one that failed.
        """
        for row in rows:
            if self._failed:
                return
            try:
                self._publisher.publish(self._topic, record_key(row.stream_id), row.event, _HEADERS, tag=row.outbox_id)
            except HolisticError as error:
                self._note_failure(error)
                return

    def take_delivered(self) -> list[int]:
        """The ids acknowledged since the last call."""
        with self._lock:
            delivered, self._delivered = self._delivered, []
            return delivered

    def take_failure(self) -> bool:
        """Whether an event failed since the last call, so that the outbox must be read again."""
        with self._lock:
            failed, self._failed = self._failed, False
            return failed

    def close(self) -> None:
        """Wait shortly for acknowledgements and let go; what was not acknowledged is in the outbox still."""
        try:
            self._publisher.close(timeout_s=5.0)
        except HolisticError as error:
            self._note_failure(error)

    def _settle(self, delivery: Delivery) -> None:
        if delivery.error is not None:
            self._note_failure(delivery.error)
        elif isinstance(delivery.tag, int):
            with self._lock:
                self._delivered.append(delivery.tag)

    def _note_failure(self, error: HolisticError) -> None:
        with self._lock:
            first, self._failed = not self._failed, True
        if first:
            logger.warning("gesture events wait in the outbox: %s", error.message, extra=error.fields)
