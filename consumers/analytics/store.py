"""State, results, outbox and source offsets in Postgres, saved together or not at all."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import SinkFailed, TopicPartition
from consumers.analytics import saved_results, saved_streams, saved_windows, snapshots
from consumers.analytics.database import transaction
from consumers.analytics.finding import Phase
from consumers.analytics.reactions.deliveries import enqueue_webhooks
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.results import ResultEvent
from consumers.analytics.saved_results import OutboxRow
from consumers.analytics.streams import Outcome, PartitionStreams
from consumers.analytics.tables import of_partition, outbox, sources


class Fenced(SinkFailed):
    """Another member has gone on with the partition: what this one has is stale. Fields: topic, partition, expected."""


@dataclass(slots=True)
class OpenPartition:
    """A partition at work: its streams, how far they have come, and how far that is saved."""

    topic_partition: TopicPartition
    topic_id: str
    streams: PartitionStreams = field(default_factory=PartitionStreams)
    saved_by: uuid.UUID | None = None
    """The save, or the move of offsets, that the store has last seen; None when it has never seen the partition."""
    saved_offset: int | None = None
    """The offset the saved state belongs to."""
    next_offset: int | None = None
    """The offset after the last record taken into `streams`; None before the first."""
    first_offset: int | None = None
    """The first record ever taken, by a member that found nothing saved."""
    quiet_until: int = 0
    """Records before this are taken for the state alone: what they cause was said before."""
    snapshot_offset: int = 0
    """Where the newest snapshot is."""
    snapshot_records: int = 0
    """So many records lie between two."""

    @property
    def is_saved(self) -> bool:
        return self.next_offset == self.saved_offset and not self.streams.unsaved

    @property
    def is_quiet(self) -> bool:
        """Whether what it stands at is past: the tables know more."""
        return self.quiet_records > 0

    @property
    def quiet_records(self) -> int:
        """How many records are still to be taken for the state alone, at most."""
        return 0 if self.next_offset is None else max(0, self.quiet_until - self.next_offset)

    @property
    def is_snapshot_due(self) -> bool:
        """Whether the next save is to keep one."""
        begins = self.first_offset if self.saved_by is None and self.first_offset is not None else self.snapshot_offset
        return self.next_offset is not None and self.next_offset - begins >= self.snapshot_records

    def mark_saved(self, save_id: uuid.UUID, *, with_windows: bool) -> None:
        if self.is_snapshot_due and self.next_offset is not None:
            self.snapshot_offset = self.next_offset
        elif self.saved_by is None and self.first_offset is not None:
            self.snapshot_offset = self.first_offset
        self.saved_by, self.saved_offset = save_id, self.next_offset
        self.streams.mark_saved(with_windows=with_windows)


class Unsaved(NamedTuple):
    """What is to be saved with the state of one partition."""

    opened: OpenPartition
    outcome: Outcome
    provisional: bool
    """Whether to write the windows that are not closed yet as well."""


class _Rows(NamedTuple):
    """What changed in one partition, as it is written."""

    sessions: list[saved_streams.Row]
    windows: list[saved_windows.Row]


class AnalyticsStore:
    """The tables. What a call changes it changes in one transaction; state is read and written beside it, in memory.

    Every call raises StoreUnavailable (Transient) or StoreRefused (Terminal).
    """

    def __init__(self, engine: Engine, snapshot_records: int) -> None:
        """A snapshot of a partition's state is kept every `snapshot_records` records."""
        self._engine = engine
        self._snapshot_records = snapshot_records

    def load(self, partition: TopicPartition, topic_id: str) -> OpenPartition:
        """The partition as it was last saved; empty when it never was, or when its topic was deleted and made again."""
        with transaction(self._engine, "loading the state of analytics") as connection:
            source = connection.execute(select(sources).where(of_partition(sources, partition))).one_or_none()
            snapshots.drop_others(connection, partition, topic_id)
            if source is not None and source.topic_id != topic_id:
                self._let_go(connection, partition, closes_windows=True)
                source = None
            if source is None:
                return OpenPartition(partition, topic_id, snapshot_records=self._snapshot_records)
            saved = saved_streams.load(connection, partition)
            snapshot_offset = snapshots.newest_offset(connection, partition)
        sessions, unreadable = saved_streams.read(saved)
        if unreadable:
            with transaction(self._engine, "ending streams of another make") as connection:
                saved_streams.end(connection, partition, unreadable)
                self._end_orphans(connection, partition)
        state_offset = source.next_offset if source.state_offset is None else source.state_offset
        return OpenPartition(
            partition,
            topic_id,
            PartitionStreams(sessions, source.clock_us),
            saved_by=source.save_id,
            saved_offset=state_offset,
            next_offset=state_offset,
            quiet_until=source.quiet_until or 0,
            snapshot_offset=snapshot_offset,
            snapshot_records=self._snapshot_records,
        )

    def save(self, save_id: uuid.UUID, unsaved: Sequence[Unsaved], delivered: Sequence[int]) -> list[OutboxRow]:
        """Save what was worked out of partitions, and drop outbox rows that were `delivered`.

        Returns the events' outbox rows, in order. Raises Fenced, and changes nothing, when another member has saved
        one of the partitions since it was loaded. Repeating a save whose outcome is unknown, under the same id, is
        harmless: where it had gone through, nothing is written again.
        """
        events = [event for each in unsaved for _, event in each.outcome.events]
        # Before the transaction: the server ends one that is idle for as long as thousands of streams may take.
        written = [_write_rows(each) for each in unsaved]
        with transaction(self._engine, "saving the results of analytics") as connection:
            if delivered:
                connection.execute(delete(outbox).where(outbox.c.id.in_(delivered)))
            claimed = [
                (each, rows)
                for each, rows in zip(unsaved, written, strict=True)
                if self._claim(connection, save_id, each.opened)
            ]
            # All partitions' in one statement: what a save takes is round trips.
            saved_streams.save(connection, [row for _, rows in claimed for row in rows.sessions])
            saved_windows.save(connection, [row for _, rows in claimed for row in rows.windows])
            saved_results.save_results(
                connection, [event.result for each, _ in claimed for _, event in each.outcome.events]
            )
            for each, _ in claimed:
                self._tell(connection, each)
            return saved_results.read_outbox(connection, events)

    def undelivered(self, partitions: Iterable[TopicPartition], after: int, most: int) -> list[OutboxRow]:
        """The first `most` of these partitions' events that are in the outbox after a row, in order."""
        with transaction(self._engine, "reading the outbox") as connection:
            return saved_results.undelivered(connection, partitions, after, most)

    def count_undelivered(self, partitions: Iterable[TopicPartition]) -> int:
        """How many events of these partitions the topic has not acknowledged."""
        with transaction(self._engine, "counting the outbox") as connection:
            return saved_results.count_undelivered(connection, partitions)

    def delivered(self, outbox_ids: Sequence[int]) -> None:
        """Drop events the topic has acknowledged."""
        if outbox_ids:
            with transaction(self._engine, "clearing the outbox") as connection:
                connection.execute(delete(outbox).where(outbox.c.id.in_(outbox_ids)))

    def move(self, offsets: Mapping[TopicPartition, int | None], topic_ids: Mapping[str, str]) -> None:
        """Go on elsewhere: the state becomes what it was there, worked out from the newest snapshot before.

        Where there is none, or the records up to there were never seen, open results end where they were last seen,
        and streams begin anew. None forgets the partition, so that the group's own offset holds.
        """
        with transaction(self._engine, "moving the offsets of analytics") as connection:
            for partition, next_offset in offsets.items():
                topic_id = topic_ids[partition.topic]
                if next_offset is None or not self._go_back(connection, partition, topic_id, next_offset):
                    self._let_go(connection, partition, closes_windows=next_offset is not None)
                    if next_offset is not None:
                        row = _source_row(uuid.uuid4(), OpenPartition(partition, topic_id, next_offset=next_offset))
                        connection.execute(insert(sources).values(row))

    def _tell(self, connection: Connection, unsaved: Unsaved) -> None:
        opened = unsaved.opened
        partition = opened.topic_partition
        events = [event for _, event in unsaved.outcome.events]
        saved_results.enqueue(connection, partition, events)
        enqueue_webhooks(connection, partition, events)
        if opened.saved_by is None and opened.first_offset is not None:
            snapshots.take_first(connection, partition, opened.topic_id, opened.first_offset)
        if opened.is_snapshot_due:
            snapshots.take(connection, partition)

    def _go_back(self, connection: Connection, partition: TopicPartition, topic_id: str, next_offset: int) -> bool:
        """Make the state what it was at a snapshot at or before `next_offset`; False where there is none."""
        source = connection.execute(select(sources).where(of_partition(sources, partition))).one_or_none()
        if source is None or source.topic_id != topic_id:
            return False
        newest = snapshots.newest_offset(connection, partition)
        if next_offset > max(source.next_offset, source.quiet_until or 0, newest):
            return False
        if source.state_offset is None:
            # It may be wanted back here.
            snapshots.take(connection, partition)
        found = snapshots.restore(connection, partition, topic_id, next_offset)
        if found is None:
            return False
        moved = {
            "next_offset": next_offset,
            "state_offset": found.next_offset,
            "quiet_until": next_offset,
            "clock_us": found.clock_us,
            "save_id": uuid.uuid4(),
        }
        connection.execute(update(sources).where(of_partition(sources, partition)).values(moved))
        return True

    def _let_go(self, connection: Connection, partition: TopicPartition, *, closes_windows: bool) -> None:
        """End what is open in a partition and forget where its streams stand.

        Windows stay as they are where the same records may come again: some are closed by the end alone.
        """
        # With thousands of streams the server would take this process for one that was stopped.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
        sessions, unreadable = saved_streams.read(saved_streams.load(connection, partition))
        saved_streams.end(connection, partition, unreadable)
        streams = PartitionStreams(sessions)
        outcome = streams.end_all(0, Repertoire())
        saved_streams.save(connection, saved_streams.write_rows(partition, streams))
        if closes_windows:
            saved_windows.save(connection, saved_windows.write_rows(partition, outcome.windows))
        events = [event for _, event in outcome.events]
        saved_results.save_results(connection, [event.result for event in events])
        saved_results.enqueue(connection, partition, events)
        self._end_orphans(connection, partition)
        connection.execute(delete(sources).where(of_partition(sources, partition)))

    @staticmethod
    def _end_orphans(connection: Connection, partition: TopicPartition) -> None:
        ended = saved_results.read_orphans(connection, partition)
        saved_results.save_results(connection, ended)
        saved_results.enqueue(connection, partition, [ResultEvent(each, Phase.END) for each in ended])

    def _claim(self, connection: Connection, save_id: uuid.UUID, opened: OpenPartition) -> bool:
        """Move the source offset on from where this member left it; False when this very save has done so before."""
        partition = opened.topic_partition
        if opened.next_offset is None:
            raise ValueError(f"nothing was taken from {partition}: there is nothing to save")
        row = _source_row(save_id, opened)
        if opened.saved_by is None:
            claimed = connection.execute(insert(sources).values(row).on_conflict_do_nothing()).rowcount
        else:
            expected = of_partition(sources, partition) & (sources.c.save_id == opened.saved_by)
            claimed = connection.execute(update(sources).where(expected).values(row)).rowcount
        if claimed == 1:
            return True
        found = connection.execute(
            select(sources.c.save_id, sources.c.next_offset).where(of_partition(sources, partition))
        ).one_or_none()
        if found is not None and tuple(found) == (save_id, opened.next_offset):
            return False
        raise Fenced(
            f"{partition.topic}/{partition.partition} was saved by another member since offset {opened.saved_offset}",
            topic=partition.topic,
            partition=partition.partition,
            expected=opened.saved_offset,
        )


def _write_rows(unsaved: Unsaved) -> _Rows:
    opened = unsaved.opened
    partition = opened.topic_partition
    windows = saved_windows.write_rows(partition, unsaved.outcome.windows)
    # Where the state is of the past, the windows that are open in it may be over in the tables.
    if unsaved.provisional and not opened.is_quiet:
        windows += saved_windows.write_provisional_rows(partition, opened.streams)
    return _Rows(saved_streams.write_rows(partition, opened.streams), windows)


def _source_row(save_id: uuid.UUID, opened: OpenPartition) -> dict[str, Any]:
    return {
        "topic": opened.topic_partition.topic,
        "partition": opened.topic_partition.partition,
        "topic_id": opened.topic_id,
        "next_offset": opened.next_offset,
        "state_offset": None,
        "quiet_until": opened.quiet_until if opened.is_quiet else None,
        "clock_us": opened.streams.clock_us,
        "save_id": save_id,
    }
