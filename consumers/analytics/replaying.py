"""A range worked out again beside the live group: results are written, and nothing else is."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection, Engine, select

from connect_runtime.sink import Assignment, TopicPartition
from consumers.analytics import saved_results, saved_streams, saved_windows, snapshots
from consumers.analytics.database import migrate, transaction
from consumers.analytics.features.motion import track_bodies
from consumers.analytics.finding import Category
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.open_partition import OpenPartition
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.streams import Outcome, PartitionStreams
from consumers.analytics.tables import of_partition, sources
from consumers.analytics.taught.store import TaughtStore
from keypoints.frame import FrameBatch

_NEVER_S: Final = 3_600.0


class LeadIn:
    """Where a range's state comes from: the newest snapshot before it, and then the records up to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._firsts: dict[TopicPartition, int] = {}

    def find(self, partition: TopicPartition, first: int) -> int:
        """Where to begin reading for a range from `first` on; there where nothing is known of before."""
        self._firsts[partition] = first
        with transaction(self._engine, "looking for a snapshot to replay from") as connection:
            topic_id = _find_topic_id(connection, partition)
            found = None if topic_id is None else snapshots.find(connection, partition, topic_id, first)
        return first if found is None else found.next_offset

    def passed_by_live(self, partition: TopicPartition) -> int:
        """The offset the live group goes on from; 0 where it has never been."""
        migrate(self._engine)
        with transaction(self._engine, "asking how far analytics is") as connection:
            row = connection.execute(
                select(sources.c.next_offset).where(of_partition(sources, partition))
            ).one_or_none()
        return 0 if row is None else int(row.next_offset)

    def covers(self, partition: TopicPartition) -> bool:
        """Whether a range of the partition was asked for."""
        return partition in self._firsts

    def begin(self, partition: TopicPartition) -> OpenPartition:
        """State of a replay's own, as it was where its reading begins."""
        first = self._firsts[partition]
        with transaction(self._engine, "loading the state of a replay") as connection:
            topic_id = _find_topic_id(connection, partition) or ""
            found = snapshots.find(connection, partition, topic_id, first)
            if found is None:
                return OpenPartition(partition, topic_id, next_offset=first, quiet_until=first)
            saved = saved_streams.load_snapshot(connection, partition, found.next_offset)
        sessions, _ = saved_streams.read(saved)
        streams = PartitionStreams(sessions, found.clock_us)
        return OpenPartition(partition, topic_id, streams, next_offset=found.next_offset, quiet_until=first)


class ReplaySink:
    """Writes the results that ended and the windows that closed within the range; they take the place of themselves.

    What is still open at the range's end is not said, for nobody would end it; no event and no webhook goes out, for
    what happened is past.
    """

    def __init__(self, engine: Engine, lead_in: LeadIn) -> None:
        self._engine = engine
        self._lead_in = lead_in
        self._repertoire = Repertoire()
        self._open: dict[TopicPartition, OpenPartition] = {}
        self._outcomes: dict[TopicPartition, Outcome] = {}
        self._durable: dict[TopicPartition, int] = {}

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Begin each range anew, with what led up to it; of the topic's other partitions nothing comes."""
        self._repertoire = Repertoire.of(TaughtStore(self._engine).read_usable())
        self._open = {
            partition: self._lead_in.begin(partition)
            for partition in assignment.partitions
            if self._lead_in.covers(partition)
        }
        self._outcomes, self._durable = {}, {}
        return {partition: opened.next_offset or 0 for partition, opened in self._open.items()}

    def put(self, batch: FrameBatch) -> None:
        """Take frames in."""
        facts, track = read_facts(batch, self._repertoire.taught_shapes), track_bodies(batch)
        for number in np.unique(batch.partition).tolist():
            partition = TopicPartition(batch.topic, number)
            opened = self._open[partition]
            rows = np.flatnonzero((batch.partition == number) & (batch.offset >= (opened.next_offset or 0)))
            if not len(rows):
                continue
            positions = batch.offset[rows].tolist()
            outcome = opened.streams.advance(
                [facts[row] for row in rows.tolist()], positions, track.take(rows), self._repertoire
            )
            opened.streams.mark_saved(with_windows=True)
            outcome.silence_before(opened.quiet_until)
            self._outcomes.setdefault(partition, Outcome()).extend(outcome)
            opened.next_offset = positions[-1] + 1

    def flush(self) -> None:
        """Write what came out of it."""
        with transaction(self._engine, "saving the results of a replay") as connection:
            for partition, outcome in self._outcomes.items():
                results = [event.result for _, event in outcome.events if not event.result.is_open]
                saved_results.save_results(
                    connection, [each for each in results if each.finding.category is not Category.REACTION]
                )
                saved_windows.save(connection, saved_windows.write_rows(partition, outcome.windows))
        self._outcomes = {}
        self._durable = {
            partition: opened.next_offset for partition, opened in self._open.items() if opened.next_offset is not None
        }

    @property
    def tick_interval_s(self) -> float:
        """Nothing is due by the clock."""
        return _NEVER_S

    def tick(self) -> None:
        """Nothing is due."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """What is written."""
        return self._durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Let go of partitions."""
        for partition in revoked:
            self._open.pop(partition, None)
            self._outcomes.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """A replay's group is moved before it begins, and its state with it."""

    def stop(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _find_topic_id(connection: Connection, partition: TopicPartition) -> str | None:
    row = connection.execute(select(sources.c.topic_id).where(of_partition(sources, partition))).one_or_none()
    return None if row is None else str(row.topic_id)
