"""State, results, outbox and source offsets in Postgres, saved together or not at all."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Table, and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import SinkFailed, TopicPartition
from consumers.analytics.database import transaction
from consumers.analytics.results import Gesture, GestureEvent
from consumers.analytics.saved_state import read_state, write_state
from consumers.analytics.shapes.rules import GestureRules
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.tables import gestures, outbox, sources, streams

_COUNTS: Final = ("frames", "left_observed", "right_observed", "late_frames")

Row = dict[str, Any]


class Fenced(SinkFailed):
    """Another member has gone on with the partition: what this one has is stale. Fields: topic, partition, expected."""


@dataclass(slots=True)
class OpenPartition:
    """A partition at work: its streams, how far they have come, and how far that is saved."""

    topic_partition: TopicPartition
    topic_id: str
    streams: PartitionStreams
    saved_offset: int | None
    """The next offset the store knows; None when it has never seen the partition."""
    next_offset: int | None
    """The offset after the last record taken into `streams`; None before the first."""

    @property
    def is_saved(self) -> bool:
        return self.next_offset == self.saved_offset

    def mark_saved(self) -> None:
        self.saved_offset = self.next_offset
        self.streams.mark_saved()


class OutboxRow(NamedTuple):
    """One event on its way to the topic."""

    outbox_id: int
    stream_id: str
    event: bytes


class AnalyticsStore:
    """The tables. Every call is one transaction, and raises StoreUnavailable (Transient) or StoreRefused (Terminal)."""

    def __init__(self, engine: Engine, rules: GestureRules) -> None:
        self._engine = engine
        self._rules = rules

    def load(self, partition: TopicPartition, topic_id: str) -> OpenPartition:
        """The partition as it was last saved; empty when it never was, or when its topic was deleted and made again."""
        with transaction(self._engine, "loading the state of analytics") as connection:
            source = connection.execute(
                select(sources.c.topic_id, sources.c.next_offset, sources.c.clock_us).where(_of(sources, partition))
            ).one_or_none()
            if source is not None and source.topic_id != topic_id:
                self._let_go(connection, partition)
                source = None
            if source is None:
                return OpenPartition(partition, topic_id, PartitionStreams(self._rules), None, None)
            states = self._load_streams(connection, partition, source.clock_us)
            return OpenPartition(partition, topic_id, states, source.next_offset, source.next_offset)

    def save(
        self,
        save_id: uuid.UUID,
        partitions: Sequence[OpenPartition],
        events: Sequence[tuple[TopicPartition, GestureEvent]],
        delivered: Sequence[int],
    ) -> list[OutboxRow]:
        """Save what was worked out of `partitions`, and drop outbox rows that were `delivered`.

        Returns the events' outbox rows, in order. Raises Fenced, and changes nothing, when another member has saved
        one of the partitions since it was loaded. Repeating a save whose outcome is unknown, under the same id, is
        harmless: where it had gone through, nothing is written again.
        """
        with transaction(self._engine, "saving the results of analytics") as connection:
            if delivered:
                connection.execute(delete(outbox).where(outbox.c.id.in_(delivered)))
            claimed = [opened for opened in partitions if self._claim(connection, save_id, opened)]
            if claimed:
                _save_streams(connection, claimed)
                _save_gestures(connection, [event.gesture for _, event in events])
                _enqueue(connection, events)
            return _read_outbox(connection, [event.event_id for _, event in events])

    def undelivered(self, partitions: Iterable[TopicPartition]) -> list[OutboxRow]:
        """What the topic has not acknowledged of these partitions' events, in the order they happened."""
        found: list[OutboxRow] = []
        with transaction(self._engine, "reading the outbox") as connection:
            for partition in partitions:
                rows = connection.execute(
                    select(outbox.c.id, outbox.c.stream_id, outbox.c.event)
                    .where(_of(outbox, partition))
                    .order_by(outbox.c.id)
                )
                found += [OutboxRow(row.id, row.stream_id, bytes(row.event)) for row in rows]
        return found

    def delivered(self, outbox_ids: Sequence[int]) -> None:
        """Drop events the topic has acknowledged."""
        if outbox_ids:
            with transaction(self._engine, "clearing the outbox") as connection:
                connection.execute(delete(outbox).where(outbox.c.id.in_(outbox_ids)))

    def move(self, offsets: Mapping[TopicPartition, int | None], topic_ids: Mapping[str, str]) -> None:
        """Go on elsewhere: open gestures end where they were last seen, state is dropped, offsets are set.

        None forgets the partition, so that the group's own offset holds.
        """
        with transaction(self._engine, "moving the offsets of analytics") as connection:
            for partition, next_offset in offsets.items():
                self._let_go(connection, partition)
                if next_offset is not None:
                    row = _source_row(uuid.uuid4(), partition, topic_ids[partition.topic], next_offset, clock_us=0)
                    connection.execute(insert(sources).values(row))

    def _load_streams(self, connection: Connection, partition: TopicPartition, clock_us: int) -> PartitionStreams:
        rows = connection.execute(
            select(streams.c.stream_id, streams.c.epoch, streams.c.state).where(
                _of(streams, partition), streams.c.state.is_not(None)
            )
        )
        states = [read_state(row.stream_id, row.epoch, row.state) for row in rows]
        return PartitionStreams(self._rules, states, clock_us)

    def _let_go(self, connection: Connection, partition: TopicPartition) -> None:
        """End what is open in a partition and forget where its streams stand."""
        ended = self._load_streams(connection, partition, clock_us=0).end_all()
        _save_gestures(connection, [event.gesture for event in ended])
        _enqueue(connection, [(partition, event) for event in ended])
        for table in (sources, streams):
            connection.execute(delete(table).where(_of(table, partition)))

    def _claim(self, connection: Connection, save_id: uuid.UUID, opened: OpenPartition) -> bool:
        """Move the source offset on from where this member left it; False when this very save has done so before."""
        partition = opened.topic_partition
        if opened.next_offset is None:
            raise ValueError(f"nothing was taken from {partition}: there is nothing to save")
        row = _source_row(save_id, partition, opened.topic_id, opened.next_offset, opened.streams.clock_us)
        if opened.saved_offset is None:
            statement = insert(sources).values(row).on_conflict_do_nothing()
            claimed = connection.execute(statement).rowcount
        else:
            expected = and_(
                _of(sources, partition),
                sources.c.topic_id == opened.topic_id,
                sources.c.next_offset == opened.saved_offset,
            )
            claimed = connection.execute(update(sources).where(expected).values(row)).rowcount
        if claimed == 1:
            return True
        found = connection.execute(
            select(sources.c.save_id, sources.c.next_offset).where(_of(sources, partition))
        ).one_or_none()
        if found is not None and tuple(found) == (save_id, opened.next_offset):
            return False
        raise Fenced(
            f"{partition.topic}/{partition.partition} was saved by another member since offset {opened.saved_offset}",
            topic=partition.topic,
            partition=partition.partition,
            expected=opened.saved_offset,
        )


def _of(table: Table, partition: TopicPartition) -> Any:
    return and_(table.c.topic == partition.topic, table.c.partition == partition.partition)


def _source_row(save_id: uuid.UUID, partition: TopicPartition, topic_id: str, next_offset: int, clock_us: int) -> Row:
    return {
        "topic": partition.topic,
        "partition": partition.partition,
        "topic_id": topic_id,
        "next_offset": next_offset,
        "clock_us": clock_us,
        "save_id": save_id,
    }


def _save_streams(connection: Connection, partitions: Sequence[OpenPartition]) -> None:
    rows: list[Row] = []
    for opened in partitions:
        for (stream_id, epoch), counts in opened.streams.unsaved.items():
            state = opened.streams.get((stream_id, epoch))
            rows.append(
                {
                    "topic": opened.topic_partition.topic,
                    "partition": opened.topic_partition.partition,
                    "stream_id": stream_id,
                    "epoch": epoch,
                    "frames": counts.frames,
                    "left_observed": counts.left_observed,
                    "right_observed": counts.right_observed,
                    "late_frames": counts.late,
                    "state": None if state is None else write_state(state),
                }
            )
    if rows:
        statement = insert(streams)
        added = {name: streams.c[name] + statement.excluded[name] for name in _COUNTS}
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(streams.primary_key), set_=added | {"state": statement.excluded.state}
            ),
            rows,
        )


def _save_gestures(connection: Connection, changed: Sequence[Gesture]) -> None:
    # The end of a gesture replaces its start: Postgres refuses to touch a row twice in one statement.
    newest = {gesture.gesture_id: gesture for gesture in changed}
    if newest:
        statement = insert(gestures)
        replaced = {column.name: statement.excluded[column.name] for column in gestures.c if not column.primary_key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=[gestures.c.gesture_id], set_=replaced),
            [_gesture_row(gesture_id, gesture) for gesture_id, gesture in newest.items()],
        )


def _gesture_row(gesture_id: uuid.UUID, gesture: Gesture) -> Row:
    return {
        "gesture_id": gesture_id,
        "stream_id": gesture.stream_id,
        "epoch": gesture.epoch,
        "kind": gesture.kind,
        "hand": gesture.hand,
        "started_at": gesture.started_at,
        "ended_at": gesture.ended_at,
        "confidence": gesture.confidence,
        "observed": gesture.observed,
        "rules_version": gesture.rules_version,
        "source_topic": gesture.source.topic,
        "source_partition": gesture.source.partition,
        "first_offset": gesture.source.first_offset,
        "last_offset": gesture.source.last_offset,
    }


def _enqueue(connection: Connection, events: Sequence[tuple[TopicPartition, GestureEvent]]) -> None:
    rows = [
        {
            "topic": partition.topic,
            "partition": partition.partition,
            "stream_id": event.gesture.stream_id,
            "event_id": event.event_id,
            "event": event.encode_json(),
        }
        for partition, event in events
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def _read_outbox(connection: Connection, event_ids: Sequence[uuid.UUID]) -> list[OutboxRow]:
    if not event_ids:
        return []
    rows = connection.execute(
        select(outbox.c.id, outbox.c.stream_id, outbox.c.event)
        .where(outbox.c.event_id.in_(event_ids))
        .order_by(outbox.c.id)
    )
    return [OutboxRow(row.id, row.stream_id, bytes(row.event)) for row in rows]
