"""Removes whole days: detached without disturbing readers, their offsets put on record, dropped.

Each step may be the last one before a kill; the next pass goes on from what it finds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

import psycopg2
from psycopg2 import extensions, sql

from consumers.archive.postgres.days import day_of_partition, partition_name
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.tables import FRAMES_BY_DAY, FRAMES_OUT_OF_RANGE, RETIRED_OFFSETS

# An arbitrary number all replicas agree on: only one of them removes days at a time.
_RETENTION_LOCK: Final = 4_812_930_002
_SEEN_AT_LEAST: Final = timedelta(days=1)
_LOCK_TIMEOUT_MS: Final = 2_000
_DAY_TABLES: Final = """
    SELECT relname, inhdetachpending, pg_total_relation_size(c.oid), greatest(reltuples, 0)::bigint
    FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid AND inhparent = %(parent)s::regclass
    WHERE relkind = 'r' AND starts_with(relname, %(parent)s || '_')
      AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %(parent)s::regclass)
    ORDER BY relname
"""
# What is gone is on record, or is not gone.
RECORD_RUNS: Final = """
    INSERT INTO {retired} (topic_ref, "partition", first_offset, last_offset)
    SELECT topic_ref, "partition", min("offset"), max("offset")
    FROM (
        SELECT topic_ref, "partition", "offset",
               "offset" - row_number() OVER (PARTITION BY topic_ref, "partition" ORDER BY "offset") AS run
        FROM {source}
    ) AS numbered
    GROUP BY topic_ref, "partition", run
    ON CONFLICT DO NOTHING
"""
_REMOVE_OUT_OF_RANGE: Final = """
    WITH gone AS (
        DELETE FROM {frames}
        WHERE captured_at < %(oldest)s AND archived_at < %(seen)s OR archived_at < %(oldest)s
        RETURNING topic_ref, "partition", "offset"
    ), recorded AS ({record})
    SELECT count(*) FROM gone
"""


class DayState(StrEnum):
    """Whether the frames of a day's table are seen: no longer while it is being detached, and after."""

    ATTACHED = "attached"
    DETACHING = "detaching"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class DayTable:
    """A day's table: its size with indexes and faces, and how many rows it had when it was last looked through."""

    day: date
    state: DayState
    size_bytes: int
    rows_estimated: int


@dataclass(frozen=True, slots=True)
class Retired:
    """What a pass removed."""

    days: tuple[date, ...] = ()
    rows_out_of_range: int = 0

    def __bool__(self) -> bool:
        return bool(self.days or self.rows_out_of_range)


def list_days(connection: extensions.connection) -> list[DayTable]:
    """The tables of all days, also of those that are detached or about to be. Raises PostgresRefused without tables."""
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(_DAY_TABLES, {"parent": FRAMES_BY_DAY.name})
            return [
                DayTable(day, _STATES[detaching], size_bytes, rows)
                for name, detaching, size_bytes, rows in cursor.fetchall()
                if (day := day_of_partition(name)) is not None
            ]
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "listing the days") from error


def retire_days(first_retained: date, now_us: int, connection: extensions.connection) -> Retired:
    """Remove the days before `first_retained`, and what is out of range and as old. Nothing while another replica does.

    What arrives late for a removed day, out of range, can be seen for a day at least. What is dated ahead goes when it
    has been kept as long as any other frame. Needs a connection of its own, whose role and mode it changes. Raises
    PostgresUnavailable, also when queries held on to a day for too long: the next pass goes on.
    """
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            # Held until the connection is closed.
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (_RETENTION_LOCK,))
            if cursor.fetchone() != (True,):
                return Retired()
            become_owner(cursor)
            cursor.execute("SELECT set_config('statement_timeout', '0', false)")
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (str(_LOCK_TIMEOUT_MS),))
            days = tuple(_retire_day_by_day(first_retained, connection, cursor))
            return Retired(days, _remove_out_of_range(first_retained, now_us, cursor))
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "removing what retention leaves no longer") from error


_STATES: Final = {None: DayState.DETACHED, True: DayState.DETACHING, False: DayState.ATTACHED}


def become_owner(cursor: extensions.cursor) -> None:
    """Act as the owner of the frames, who alone may remove some, detach a day or drop it. The role stays the session's.

    No function could detach with its owner's rights: detaching is no part of a transaction.
    """
    cursor.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass AND relowner <> current_user::regrole",
        (FRAMES_BY_DAY.name,),
    )
    other_owner = cursor.fetchone()
    if other_owner is not None:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(other_owner[0])))


def _retire_day_by_day(
    first_retained: date, connection: extensions.connection, cursor: extensions.cursor
) -> Iterator[date]:
    # A detachment that was cut short stands in the way of any other.
    for found in sorted(list_days(connection), key=lambda table: table.state is not DayState.DETACHING):
        detach = sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}")
        names = sql.Identifier(FRAMES_BY_DAY.name), sql.Identifier(partition_name(found.day))
        if found.state is DayState.DETACHING:
            cursor.execute(detach.format(*names, sql.SQL("FINALIZE")))
        if found.day >= first_retained:
            continue
        if found.state is DayState.ATTACHED:
            cursor.execute(detach.format(*names, sql.SQL("CONCURRENTLY")))
        _drop_day(names[1], cursor)
        yield found.day


def _drop_day(table: sql.Identifier, cursor: extensions.cursor) -> None:
    cursor.execute("BEGIN")
    cursor.execute(sql.SQL(RECORD_RUNS).format(retired=sql.Identifier(RETIRED_OFFSETS.name), source=table))
    cursor.execute(sql.SQL("DROP TABLE {}").format(table))
    cursor.execute("COMMIT")


def _remove_out_of_range(first_retained: date, now_us: int, cursor: extensions.cursor) -> int:
    record = sql.SQL(RECORD_RUNS).format(retired=sql.Identifier(RETIRED_OFFSETS.name), source=sql.Identifier("gone"))
    cursor.execute(
        sql.SQL(_REMOVE_OUT_OF_RANGE).format(frames=sql.Identifier(FRAMES_OUT_OF_RANGE.name), record=record),
        {
            "oldest": datetime.combine(first_retained, time(), UTC),
            "seen": datetime.fromtimestamp(now_us / 1e6, UTC) - _SEEN_AT_LEAST,
        },
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0
