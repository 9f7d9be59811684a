"""What each store holds of a topic's life: offsets, rows, what is there twice, and what was removed on purpose."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from consumers.archive.audit_ranges import AuditedRange
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.manifest import IdentityPartition
from consumers.archive.parquet.offset_set import OffsetSet, Run
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error

# Both engines understand these. `dense_rank` takes repeated offsets as one.
_RUNS: Final = """
    SELECT "partition", min("offset"), max("offset"), count(*)
    FROM (
        SELECT "partition", "offset",
               "offset" - dense_rank() OVER (PARTITION BY "partition" ORDER BY "offset") AS run
        FROM frames WHERE {condition}
    ) AS numbered
    GROUP BY "partition", run ORDER BY 1, 2
"""
_DOUBLED: Final = """
    SELECT "partition", "offset", "offset", count(*) FROM frames WHERE {condition}
    GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2
"""
_RETIRED: Final = """
    SELECT r."partition", r.first_offset, r.last_offset FROM retired_offsets r
    JOIN archived_topics t USING (topic_ref) WHERE t.name = %s AND t.kafka_id = %s
"""

NO_OFFSETS: Final = OffsetSet.of_runs([])
Ask = Callable[[str], Iterable[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class StoreContent:
    """What a store holds of a partition: `rows` as counted, and the offsets they have."""

    rows: int = 0
    offsets: OffsetSet = NO_OFFSETS
    doubled: OffsetSet = NO_OFFSETS
    """Offsets that more than one row has."""
    removed: OffsetSet = NO_OFFSETS
    """Offsets whose rows retention or `holistic forget` took away."""

    @property
    def duplicates(self) -> int:
        """Rows beyond one an offset."""
        return self.rows - len(self.offsets)


def read_postgres_content(
    database_url: str, topic: str, topic_id: str, ranges: Mapping[int, AuditedRange]
) -> dict[int, StoreContent]:
    """Partition → what Postgres holds of this life of the topic. Raises PostgresUnavailable or PostgresRefused."""
    connection = connect(database_url, "holistic-audit")
    try:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            # Between two questions the first one's answer is looked at, which may take its time.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            where = cursor.mogrify("topic = %s AND topic_id = %s", (topic, topic_id)).decode()

            def ask(sql: str) -> Iterable[tuple[Any, ...]]:
                cursor.execute(sql)
                return cursor.fetchall()

            held = _read_content(ask, where, ranges)
            return _with_removed(held, _read_retired(cursor, topic, topic_id))
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "auditing Postgres") from error
    finally:
        connection.close()


def read_parquet_content(
    archive_root: ArchiveLocation, topic: str, topic_id: str, ranges: Mapping[int, AuditedRange]
) -> dict[int, StoreContent]:
    """Partition → what the listed files really hold (their rows are read, the manifest's word is not taken)."""
    where = f"topic = {_quote(topic)} AND topic_id = {_quote(topic_id)}"
    with open_archive(archive_root, only_for=_RUNS) as connection:
        held = _read_content(lambda sql: query(connection, sql)[1], where, ranges)
    removed: dict[int, OffsetSet] = {}
    chains = list_chains(open_storage(archive_root))
    for partition in ranges:
        identity = IdentityPartition(topic, topic_id, partition)
        for chain in chains:
            removed[partition] = removed.get(partition, NO_OFFSETS).union(chain.erased_of(identity))
    return _with_removed(held, removed)


def _read_content(ask: Ask, where: str, ranges: Mapping[int, AuditedRange]) -> dict[int, StoreContent]:
    condition = f"{where} AND ({_in_ranges(ranges)})"
    runs: dict[int, list[Run]] = {}
    counts: dict[int, int] = {}
    for partition, first, last, count in ask(_RUNS.format(condition=condition)):
        runs.setdefault(partition, []).append((first, last))
        counts[partition] = counts.get(partition, 0) + count
    held = {partition: StoreContent(counts[partition], OffsetSet.of_runs(found)) for partition, found in runs.items()}
    doubled: dict[int, list[Run]] = {}
    if any(content.duplicates for content in held.values()):
        for partition, first, last, _ in ask(_DOUBLED.format(condition=condition)):
            doubled.setdefault(partition, []).append((first, last))
    return {
        partition: StoreContent(content.rows, content.offsets, OffsetSet.of_runs(doubled.get(partition, [])))
        for partition, content in held.items()
    }


def _in_ranges(ranges: Mapping[int, AuditedRange]) -> str:
    conditions = []
    for partition, audited in ranges.items():
        end = "" if audited.end is None else f' AND "offset" < {audited.end}'
        conditions.append(f'"partition" = {partition} AND "offset" >= {audited.first}{end}')
    return " OR ".join(conditions) or "false"


def _read_retired(cursor: extensions.cursor, topic: str, topic_id: str) -> dict[int, OffsetSet]:
    cursor.execute("SELECT to_regclass('retired_offsets') IS NOT NULL")
    row = cursor.fetchone()
    if row is None or not row[0]:
        # A database that the archive has not brought to this version yet.
        return {}
    cursor.execute(_RETIRED, (topic, topic_id))
    runs: dict[int, list[Run]] = {}
    for partition, first, last in cursor.fetchall():
        runs.setdefault(partition, []).append((first, last))
    return {partition: OffsetSet.of_runs(found) for partition, found in runs.items()}


def _with_removed(held: dict[int, StoreContent], removed: dict[int, OffsetSet]) -> dict[int, StoreContent]:
    nothing = StoreContent()
    return {
        partition: StoreContent(
            held.get(partition, nothing).rows,
            held.get(partition, nothing).offsets,
            held.get(partition, nothing).doubled,
            removed.get(partition, NO_OFFSETS),
        )
        for partition in set(held) | set(removed)
    }


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
