"""A stream's rows in Postgres: counted, and removed with a record of their offsets, in transactions that end soon."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import psycopg2
from psycopg2 import extensions, sql

from connect_runtime.forgetting.places import Found, Subject
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.retention import RECORD_RUNS, become_owner
from consumers.archive.postgres.rows import EARLIEST_US, LATEST_US
from consumers.archive.postgres.tables import FRAMES_BY_DAY, FRAMES_OUT_OF_RANGE, KEY_COLUMNS, RETIRED_OFFSETS

_TABLES: Final = (FRAMES_BY_DAY.name, FRAMES_OUT_OF_RANGE.name)
_ROWS_AT_ONCE: Final = 5_000
_COUNT: Final = """
    SELECT tableoid::regclass::text, count(*),
           (extract(epoch FROM max(greatest(captured_at, record_timestamp))) * 1000000)::bigint
    FROM {table} WHERE {ours} GROUP BY 1 ORDER BY 1
"""
_REMOVE: Final = """
    WITH chosen AS (SELECT {key} FROM {table} WHERE {ours} LIMIT {rows}),
    gone AS (
        DELETE FROM {table} frame USING chosen WHERE {same_key}
        RETURNING frame.topic_ref, frame."partition", frame."offset"
    ), recorded AS ({record})
    SELECT count(*) FROM gone
"""
# Names stay in what the planner knows of a table, and for good once it is empty: there is nothing to look at then.
_STATISTICS: Final = """
    SELECT schemaname, tablename, attname, inherited FROM pg_stats
    WHERE schemaname = current_schema() AND starts_with(tablename, 'frames_') AND attname = 'stream_id'
      AND (%(name)s = ANY (most_common_vals::text::text[]) OR %(name)s = ANY (histogram_bounds::text::text[]))
"""


class PostgresRows:
    """The archive's tables of frames. Deleted rows are vacuumed away; backups and the write-ahead log keep their own
    retention.
    """

    name: Final = "Postgres"
    proof: Final = "the stream's rows were counted in every table that has a column stream_id"

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def find(self, subject: Subject) -> Found:
        """Rows by table, in the archive's schema. Raises PostgresUnavailable or PostgresRefused."""
        with closing(connect(self._database_url, "holistic-forget")) as connection:
            return _count(connection, subject)

    def erase(self, subject: Subject) -> Found:
        """Remove them, some thousand in each transaction, their offsets put on record in the same one."""
        with closing(connect(self._database_url, "holistic-forget")) as connection:
            found = _count(connection, subject)
            if not found.records:
                return found
            try:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    become_owner(cursor)
                    cursor.execute("SET statement_timeout = 0")
                    for table in found.details["tables"]:
                        while _remove_some(cursor, table, subject):
                            pass
                        # Of a table it may not vacuum Postgres says so in a notice, and autovacuum comes to it.
                        cursor.execute(f"VACUUM (ANALYZE, INDEX_CLEANUP ON) {table}")
                    _forget_statistics(cursor, connection, subject)
            except psycopg2.Error as error:
                raise explain_postgres_error(error, "erasing rows") from error
            return found


def _count(connection: extensions.connection, subject: Subject) -> Found:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            tables: dict[str, int] = {}
            newest: list[int] = []
            for table in _TABLES:
                cursor.execute("SELECT to_regclass(%s)", (table,))
                if cursor.fetchone() == (None,):
                    continue
                cursor.execute(sql.SQL(_COUNT).format(table=sql.Identifier(table), ours=_condition(subject)))
                for name, count, newest_us in cursor.fetchall():
                    tables[name] = count
                    newest.append(newest_us)
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "looking for rows") from error
    return Found(sum(tables.values()), max(newest, default=None), {"tables": tables})


def _remove_some(cursor: extensions.cursor, table: str, subject: Subject) -> int:
    """`table` as Postgres itself writes its name."""
    key = [sql.Identifier(name) for name in KEY_COLUMNS]
    record = sql.SQL(RECORD_RUNS).format(retired=sql.Identifier(RETIRED_OFFSETS.name), source=sql.Identifier("gone"))
    cursor.execute(
        sql.SQL(_REMOVE).format(
            key=sql.SQL(", ").join(key),
            table=sql.SQL(table),
            ours=_condition(subject),
            rows=sql.Literal(_ROWS_AT_ONCE),
            same_key=sql.SQL(" AND ").join(sql.SQL("frame.{0} = chosen.{0}").format(name) for name in key),
            record=record,
        )
    )
    row: Sequence[Any] = cursor.fetchone() or (0,)
    return int(row[0])


def _condition(subject: Subject) -> sql.Composable:
    ours = sql.SQL("stream_id = {}").format(sql.Literal(subject.stream_id))
    if subject.until_us is None:
        return ours
    until_us = min(max(subject.until_us, EARLIEST_US), LATEST_US)
    time = sql.SQL("timestamptz 'epoch' + {} * interval '1 microsecond'").format(sql.Literal(until_us))
    return sql.SQL("{ours} AND (captured_at < {time} OR record_timestamp < {time})").format(ours=ours, time=time)


def _forget_statistics(cursor: extensions.cursor, connection: extensions.connection, subject: Subject) -> None:
    # Before this version they cannot be removed, only made anew, by whatever rows there are some day.
    if connection.server_version < 180_000:
        return
    cursor.execute(_STATISTICS, {"name": subject.stream_id})
    for place in cursor.fetchall():
        cursor.execute("SELECT pg_clear_attribute_stats(%s, %s, %s, %s)", place)
