"""Whether the stores hold what the topic holds: each offset once, none missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg2

from connect_runtime.dead_letters import DeadLetter
from connect_runtime.gap_topic import read_gaps
from connect_runtime.redrive import read_dead_letters
from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.parquet.offset_set import OffsetSet, Run
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from kafka_io.admin import topic_end_offsets, topic_id, topic_start_offsets
from kafka_io.settings import KafkaSettings

# Runs of consecutive offsets by partition; both engines understand it. `dense_rank` takes repeated offsets as one.
_RUNS: Final = """
    SELECT "partition", min("offset"), max("offset"), count(*)
    FROM (
        SELECT "partition", "offset",
               "offset" - dense_rank() OVER (PARTITION BY "partition" ORDER BY "offset") AS run
        FROM frames WHERE topic = {topic} AND topic_id = {topic_id}
    ) AS numbered
    GROUP BY "partition", run ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class StoreContent:
    """What a store holds of a partition: `rows` as counted, and the offsets they have."""

    rows: int
    offsets: OffsetSet

    @property
    def duplicates(self) -> int:
        """Rows beyond one an offset."""
        return self.rows - len(self.offsets)


_NOTHING: Final = StoreContent(0, OffsetSet.of_runs([]))


@dataclass(frozen=True, slots=True)
class StoreAudit:
    """A store against the topic, for one partition."""

    store: str
    rows: int
    duplicates: int
    gaps: tuple[Run, ...]
    """Runs of offsets the topic still holds and the store does not."""
    beyond: tuple[Run, ...]
    """Runs of offsets the store holds and the topic never had."""
    skipped: int = 0
    """Offsets the store does not hold because their records could not be used, and are dead letters."""

    @property
    def missing(self) -> int:
        """Offsets in the gaps."""
        return sum(last - first + 1 for first, last in self.gaps)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to complain about."""
        return not (self.duplicates or self.gaps or self.beyond)


@dataclass(frozen=True, slots=True)
class PartitionAudit:
    """A partition of the topic, [start_offset, end_offset), and how the stores hold it."""

    partition: int
    start_offset: int
    end_offset: int
    stores: tuple[StoreAudit, ...]


@dataclass(frozen=True, slots=True)
class LostRun:
    """Offsets, `first` to `last`, that retention took before a connector had read them."""

    connector: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ArchiveAudit:
    """The whole topic. What was lost to a connector is on record; it does not make the audit unclean."""

    topic: str
    topic_id: str
    partitions: tuple[PartitionAudit, ...]
    lost: tuple[LostRun, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether every store holds every offset once."""
        return all(store.clean for partition in self.partitions for store in partition.stores)

    def of_store(self, store: str) -> list[StoreAudit]:
        """One store's part, by partition."""
        return [found for partition in self.partitions for found in partition.stores if found.store == store]


def audit_archive(
    kafka: KafkaSettings,
    topic: str,
    *,
    database_url: str | None = None,
    archive_root: ArchiveLocation | None = None,
    dead_letter_topics: Mapping[str, str] | None = None,
) -> ArchiveAudit:
    """Compare the topic with the stores that are given.

    `dead_letter_topics` names where each store's dead letters are: a record that is one is not missing. What retention
    has removed from the topic may still be in the stores: it is neither missing nor beyond. Raises
    KafkaRefused when there is no such topic, PostgresUnavailable when the database cannot be reached.
    """
    current_id = topic_id(kafka, topic)
    contents: dict[str, dict[int, StoreContent]] = {}
    if database_url is not None:
        contents["postgres"] = read_postgres_offsets(database_url, topic, current_id)
    if archive_root is not None:
        contents["parquet"] = read_parquet_offsets(archive_root, topic, current_id)
    skipped = {
        store: find_skipped(read_dead_letters(kafka, found), topic, current_id)
        for store, found in (dead_letter_topics or {}).items()
        if store in contents and found
    }
    lost = tuple(
        LostRun(gap.connector, gap.partition.partition, gap.first, gap.next_offset - 1)
        for gap in read_gaps(kafka, topic)
        if gap.topic_id == current_id
    )
    starts = topic_start_offsets(kafka, topic)
    ends = topic_end_offsets(kafka, topic)
    return ArchiveAudit(
        topic,
        current_id,
        tuple(
            PartitionAudit(
                partition,
                starts[partition],
                end,
                tuple(
                    _compare(
                        store,
                        held.get(partition, _NOTHING),
                        skipped.get(store, {}).get(partition, _NOTHING.offsets),
                        range(starts[partition], end),
                    )
                    for store, held in contents.items()
                ),
            )
            for partition, end in sorted(ends.items())
        ),
        lost,
    )


def read_postgres_offsets(database_url: str, topic: str, topic_id: str) -> dict[int, StoreContent]:
    """Partition → what Postgres holds of this life of the topic."""
    connection = connect(database_url, "holistic-audit")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(_RUNS.format(topic="%s", topic_id="%s"), (topic, topic_id))
            return _by_partition(cursor.fetchall())
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "auditing Postgres") from error
    finally:
        connection.close()


def read_parquet_offsets(archive_root: ArchiveLocation, topic: str, topic_id: str) -> dict[int, StoreContent]:
    """Partition → what the listed files really hold (their rows are read, the manifest's word is not taken)."""
    with open_archive(archive_root, only_for=_RUNS) as connection:
        _, rows = query(connection, _RUNS.format(topic="$1", topic_id="$2"), [topic, topic_id])
        return _by_partition(rows)


def _by_partition(rows: Iterable[tuple[int, ...]]) -> dict[int, StoreContent]:
    runs: dict[int, list[Run]] = {}
    counts: dict[int, int] = {}
    for partition, first, last, count in rows:
        runs.setdefault(partition, []).append((first, last))
        counts[partition] = counts.get(partition, 0) + count
    return {partition: StoreContent(counts[partition], OffsetSet.of_runs(found)) for partition, found in runs.items()}


def find_skipped(letters: Iterable[DeadLetter], topic: str, topic_id: str) -> dict[int, OffsetSet]:
    """Partition → offsets of this life of the topic whose records are dead letters."""
    offsets: dict[int, set[int]] = {}
    for letter in letters:
        name, partition, offset = letter.identity
        of_another_life = letter.source[0] == topic and letter.topic_id not in {None, topic_id}
        if name == topic and not of_another_life:
            offsets.setdefault(partition, set()).add(offset)
    return {partition: OffsetSet.of(np.array(sorted(found))) for partition, found in offsets.items()}


def _compare(store: str, held: StoreContent, skipped: OffsetSet, in_topic: range) -> StoreAudit:
    first, last = in_topic.start, in_topic.stop - 1
    gaps = tuple(held.offsets.union(skipped).missing(first, last))
    without = sum(end - start + 1 for start, end in held.offsets.missing(first, last))
    return StoreAudit(
        store=store,
        rows=held.rows,
        duplicates=held.duplicates,
        gaps=gaps,
        beyond=tuple((max(start, in_topic.stop), end) for start, end in held.offsets.runs if end >= in_topic.stop),
        skipped=without - sum(end - start + 1 for start, end in gaps),
    )
