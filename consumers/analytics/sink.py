"""Analytics as a sink: frames in, gestures saved and announced."""

import uuid
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Engine

from connect_runtime.forgetting.streams import ForgottenStreams
from connect_runtime.sink import Assignment, TopicPartition
from consumers.analytics.database import migrate
from consumers.analytics.frame_scores import score_frames
from consumers.analytics.outbox import EventPublisher
from consumers.analytics.results import GestureEvent
from consumers.analytics.shapes.rules import GestureRules
from consumers.analytics.store import AnalyticsStore, OpenPartition
from keypoints.frame import FrameBatch


class AnalyticsSink:
    """Works out gestures in memory, and saves them with the state and offsets they stand on.

    A save is due when something began or ended, so that it is known at once, and at each flush. Where the state goes on
    is the store's word, so a restart in the middle of a gesture neither loses nor repeats it.
    """

    def __init__(
        self,
        engine: Engine,
        make_publisher: Callable[[], EventPublisher],
        topic_id: Callable[[str], str],
        rules: GestureRules | None = None,
    ) -> None:
        """`make_publisher` connects to the topic of events; `topic_id` names the topic of that name there is now."""
        self._engine = engine
        self._make_publisher = make_publisher
        self._topic_id = topic_id
        self._store = AnalyticsStore(engine, rules or GestureRules())
        self._publisher: EventPublisher | None = None
        self._open: dict[TopicPartition, OpenPartition] = {}
        self._events: list[tuple[TopicPartition, GestureEvent]] = []
        self._delivered: list[int] = []
        # One id until the save has gone through, so that trying again is known for what it is.
        self._save_id = uuid.uuid4()

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Load what the partitions' streams are in the middle of, and publish what a predecessor could not."""
        publisher = self._prepare()
        topic_ids = {topic: self._topic_id(topic) for topic in {each.topic for each in assignment.partitions}}
        self._events, self._save_id = [], uuid.uuid4()
        self._open = {
            partition: self._store.load(partition, topic_ids[partition.topic]) for partition in assignment.partitions
        }
        publisher.publish(self._store.undelivered(self._open))
        return self.durable_offsets()

    def put(self, batch: FrameBatch) -> None:
        """Take frames in; rows before the partition's next offset were taken in before, and are skipped."""
        rows = zip(batch.partition.tolist(), batch.offset.tolist(), score_frames(batch), strict=True)
        for partition_number, offset, frame in rows:
            partition = TopicPartition(batch.topic, partition_number)
            opened = self._open[partition]
            if opened.next_offset is None or offset >= opened.next_offset:
                self._events += [(partition, event) for event in opened.streams.advance(frame)]
                opened.next_offset = offset + 1
        if self._events:
            self._save()

    def flush(self) -> None:
        """Save what was taken in."""
        self._save()

    @property
    def tick_interval_s(self) -> float:
        """How often the outbox is looked after."""
        return 1.0

    def tick(self) -> None:
        """Publish again what the topic did not acknowledge, and drop what it did."""
        publisher = self._prepare()
        if publisher.take_failure():
            publisher.publish(self._store.undelivered(self._open))
        self._delivered += publisher.take_delivered()
        self._store.delivered(self._delivered)
        self._delivered = []

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """What is saved. Events not acknowledged yet are saved too, in the outbox."""
        return {
            partition: opened.saved_offset
            for partition, opened in self._open.items()
            if opened.saved_offset is not None
        }

    def forget(self, forgotten: ForgottenStreams) -> None:
        """Drop what these streams are in the middle of: else a gesture would be said to end once they are idle."""

        def is_forgotten(stream_id: str, at_us: int) -> bool:
            return forgotten.holds(stream_id, at_us, at_us // 1000)

        for opened in self._open.values():
            opened.streams.forget(is_forgotten)
        self._events = [
            (partition, event)
            for partition, event in self._events
            if not is_forgotten(event.gesture.stream_id, int(event.gesture.started_at.timestamp() * 1e6))
        ]

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget what was not saved of these partitions; whoever gets them works it out again."""
        for partition in revoked:
            self._open.pop(partition, None)
        self._events = [(partition, event) for partition, event in self._events if partition in self._open]

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Move offsets and state: open gestures end where they were last seen, and streams begin anew."""
        self._prepare()
        self._store.move(offsets, {topic: self._topic_id(topic) for topic in {each.topic for each in offsets}})

    def stop(self) -> None:
        """Let go of the topic and the database."""
        try:
            if self._publisher is not None:
                self._publisher.close()
                self._store.delivered(self._delivered + self._publisher.take_delivered())
        finally:
            self._engine.dispose()

    def _prepare(self) -> EventPublisher:
        if self._publisher is None:
            migrate(self._engine)
            self._publisher = self._make_publisher()
        return self._publisher

    def _save(self) -> None:
        publisher = self._prepare()
        self._delivered += publisher.take_delivered()
        changed = [opened for opened in self._open.values() if not opened.is_saved]
        if changed:
            rows = self._store.save(self._save_id, changed, self._events, self._delivered)
            self._save_id = uuid.uuid4()
            self._events = []
            for opened in changed:
                opened.mark_saved()
            publisher.publish(rows)
            self._delivered = []
