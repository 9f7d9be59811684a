"""Events on their way from the store's outbox to the topic, in order: new ones at once, those that wait before them."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from connect_runtime.sink import TopicPartition
from consumers.analytics.outbox import EventPublisher
from consumers.analytics.saved_results import OutboxRow
from consumers.analytics.store import AnalyticsStore

_PUBLISHED_AT_ONCE: Final = 10_000
"""Rows of the outbox in memory at a time, however many a topic that was away has left there."""


class Announcing:
    """Hands outbox rows to a publisher, and knows which of them the topic has and the store may drop."""

    def __init__(self, store: AnalyticsStore, make_publisher: Callable[[], EventPublisher]) -> None:
        """`make_publisher` connects to the topic, once that is asked for."""
        self._store = store
        self._make_publisher = make_publisher
        self._publisher: EventPublisher | None = None
        self._delivered: list[int] = []
        self._published_to: int | None = None
        """The outbox row up to which all is published while more may be waiting; None: nothing is."""

    @property
    def is_connected(self) -> bool:
        """Whether it has been in use."""
        return self._publisher is not None

    def connect(self) -> EventPublisher:
        """Connect, where that was not done. Raises KafkaUnavailable or KafkaRefused."""
        if self._publisher is None:
            self._publisher = self._make_publisher()
        return self._publisher

    def begin(self, partitions: Collection[TopicPartition]) -> None:
        """Publish what a predecessor of these partitions could not."""
        self._published_to = 0
        self._publish_waiting(partitions)

    def announce(self, rows: Sequence[OutboxRow]) -> None:
        """Publish rows that were just written; where others wait before them, later."""
        if self._published_to is None:
            self.connect().publish(rows)

    def collect_delivered(self) -> Sequence[int]:
        """The rows the topic has and the store was not told to drop yet."""
        self._delivered += self.connect().take_delivered()
        return self._delivered

    def note_dropped(self) -> None:
        """The store has dropped what was collected."""
        self._delivered = []

    def look_after(self, partitions: Collection[TopicPartition]) -> None:
        """Drop what the topic has, and publish again what it did not acknowledge, or the next of what waits."""
        self._store.delivered(self.collect_delivered())
        self.note_dropped()
        if self.connect().take_failure():
            self._published_to = 0
        self._publish_waiting(partitions)

    def close(self) -> None:
        """Let go of the topic, and drop what it has acknowledged until then."""
        if self._publisher is not None:
            self._publisher.close()
            self._store.delivered(self.collect_delivered())

    def _publish_waiting(self, partitions: Collection[TopicPartition]) -> None:
        if self._published_to is not None:
            rows = self._store.undelivered(partitions, self._published_to, _PUBLISHED_AT_ONCE)
            self.connect().publish(rows)
            self._published_to = rows[-1].outbox_id if len(rows) == _PUBLISHED_AT_ONCE else None
