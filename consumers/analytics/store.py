"""Results, outbox, state and source offsets in Postgres: what belongs together is saved together or not at all."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import TopicPartition
from consumers.analytics import saved_results, saved_streams, saved_windows, snapshots
from consumers.analytics.claiming import claim_news, claim_state, source_row
from consumers.analytics.database import transaction
from consumers.analytics.finding import Phase
from consumers.analytics.open_partition import OpenPartition
from consumers.analytics.reactions.deliveries import enqueue_webhooks
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.results import Result, ResultEvent
from consumers.analytics.saved_results import OutboxRow
from consumers.analytics.streams import Outcome, PartitionStreams
from consumers.analytics.tables import of_partition, outbox, sources


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
                if claim_state(connection, save_id, each.opened)
            ]
            # All partitions' in one statement: what a save takes is round trips.
            saved_streams.save(connection, [row for _, rows in claimed for row in rows.sessions])
            saved_windows.save(connection, [row for _, rows in claimed for row in rows.windows])
            _tell(connection, [each for each, _ in claimed])
            for each, _ in claimed:
                _take_snapshots(connection, each.opened)
            return saved_results.read_outbox(connection, events)

    def tell(self, news_id: uuid.UUID, untold: Sequence[Unsaved]) -> list[OutboxRow]:
        """Save what was found in partitions that were saved before, and up to where, but not their state.

        Whoever goes on takes the records from the state up to there for the state alone: what they cause comes out of
        them again, and is in the tables. Otherwise as `save`.
        """
        events = [event for each in untold for _, event in each.outcome.events]
        with transaction(self._engine, "telling the results of analytics") as connection:
            claimed = [each for each in untold if claim_news(connection, news_id, each.opened)]
            closed = [
                row
                for each in claimed
                for row in saved_windows.write_rows(each.opened.topic_partition, each.outcome.windows)
            ]
            saved_windows.save(connection, closed)
            _tell(connection, claimed)
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
                        row = source_row(uuid.uuid4(), OpenPartition(partition, topic_id, next_offset=next_offset))
                        connection.execute(insert(sources).values(row))

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
        # What was told after the state was saved is in the tables already, and better known there.
        if closes_windows:
            saved_windows.save_unless_over(connection, saved_windows.write_rows(partition, outcome.windows))
        ended = saved_results.find_ended(connection, [event.result.result_id for _, event in outcome.events])
        events = [event for _, event in outcome.events if event.result.result_id not in ended]
        saved_results.save_results(connection, [event.result for event in events])
        saved_results.enqueue(connection, partition, events)
        self._end_orphans(connection, partition)
        self._end_results(connection, partition, saved_results.read_unknown(connection, partition))
        connection.execute(delete(sources).where(of_partition(sources, partition)))

    @classmethod
    def _end_orphans(cls, connection: Connection, partition: TopicPartition) -> None:
        cls._end_results(connection, partition, saved_results.read_orphans(connection, partition))

    @staticmethod
    def _end_results(connection: Connection, partition: TopicPartition, ended: Sequence[Result]) -> None:
        saved_results.save_results(connection, ended)
        saved_results.enqueue(connection, partition, [ResultEvent(each, Phase.END) for each in ended])


def _write_rows(unsaved: Unsaved) -> _Rows:
    opened = unsaved.opened
    partition = opened.topic_partition
    windows = saved_windows.write_rows(partition, unsaved.outcome.windows)
    # Where the state is of the past, the windows that are open in it may be over in the tables.
    if unsaved.provisional and not opened.is_quiet:
        windows += saved_windows.write_provisional_rows(partition, opened.streams)
    return _Rows(saved_streams.write_rows(partition, opened.streams), windows)


def _tell(connection: Connection, claimed: Sequence[Unsaved]) -> None:
    """Write results, and their events for the topic and for those who asked for them."""
    saved_results.save_results(connection, [event.result for each in claimed for _, event in each.outcome.events])
    for each in claimed:
        events = [event for _, event in each.outcome.events]
        saved_results.enqueue(connection, each.opened.topic_partition, events)
        enqueue_webhooks(connection, each.opened.topic_partition, events)


def _take_snapshots(connection: Connection, opened: OpenPartition) -> None:
    partition = opened.topic_partition
    if opened.saved_by is None and opened.first_offset is not None:
        snapshots.take_first(connection, partition, opened.topic_id, opened.first_offset)
    if opened.is_snapshot_due:
        snapshots.take(connection, partition)
