"""What is in the database, at a glance and without reading the frames."""

from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.migrate import VERSION_TABLE, find_newest_revision
from consumers.archive.postgres.retention import DayTable, list_days


@dataclass(frozen=True, slots=True)
class Overview:
    """`revision` is None, and all else empty, where no migration ran yet. Sizes are with indexes and faces."""

    revision: str | None
    newest_revision: str
    days: tuple[DayTable, ...] = ()
    rows_out_of_range: int = 0
    out_of_range_bytes: int = 0
    frames_retired: int = 0

    @property
    def up_to_date(self) -> bool:
        """Whether the tables are what this version needs."""
        return self.revision == self.newest_revision


def look_over(database_url: str) -> Overview:
    """The archive in this database. Raises PostgresUnavailable."""
    newest = find_newest_revision()
    with closing(connect(database_url, "holistic-database")) as connection:
        try:
            if _ask(connection, "SELECT to_regclass(%s)", VERSION_TABLE)[0] is None:
                return Overview(None, newest)
            (revision,) = _ask(connection, f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a name of ours
            if _ask(connection, "SELECT to_regclass('retired_offsets')")[0] is None:
                return Overview(str(revision), newest, tuple(list_days(connection)))
            rows, size_bytes = _ask(
                connection, "SELECT count(*), pg_total_relation_size('frames_out_of_range') FROM frames_out_of_range"
            )
            (retired,) = _ask(
                connection, "SELECT coalesce(sum(last_offset - first_offset + 1), 0)::bigint FROM retired_offsets"
            )
            return Overview(str(revision), newest, tuple(list_days(connection)), rows, size_bytes, retired)
        except psycopg2.Error as error:
            raise explain_postgres_error(error, "looking over the archive") from error


def _ask(connection: extensions.connection, sql: str, *values: object) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return row or (0,)
