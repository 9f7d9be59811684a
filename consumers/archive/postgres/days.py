"""One table a day: made ahead of time, or when the first frame of a day arrives."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2 import extensions, sql

from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.tables import FRAMES_BY_DAY, PART_COLUMNS, PARTITION_STORAGE

DAY_US: Final = 24 * 60 * 60 * 1_000_000
DAYS_MADE_AHEAD: Final = 2
# An arbitrary number all replicas agree on: only one of them makes days at a time.
_DAYS_LOCK: Final = 4_812_930_001


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Which days are kept, as days before and after today (UTC)."""

    days_back: int = 3650
    days_ahead: int = DAYS_MADE_AHEAD

    def holds(self, captured_at_us: NDArray[np.int64], now_us: int) -> NDArray[np.bool_]:
        """bool (N,): whether the day of each capture time (microseconds since 1970) is kept."""
        days = captured_at_us // DAY_US
        today = now_us // DAY_US
        return (days >= today - self.days_back) & (days <= today + self.days_ahead)


def days_of(captured_at_us: NDArray[np.int64]) -> set[date]:
    """The days (UTC) of these capture times; they must lie within Python's years."""
    return {date(1970, 1, 1) + timedelta(days=int(day)) for day in np.unique(captured_at_us // DAY_US)}


def days_ahead(now_us: int) -> set[date]:
    """Today and the days that are to exist before their first frame."""
    today = datetime.fromtimestamp(now_us / 1e6, UTC).date()
    return {today + timedelta(days=ahead) for ahead in range(DAYS_MADE_AHEAD + 1)}


def make_days(days: Iterable[date], connection: extensions.connection) -> None:
    """Make the tables of these days where they are missing, in a transaction of its own.

    A table is filled by no one until it is attached, and attaching blocks no reader or writer of the other days
    (creating it as a partition would lock the whole table).
    """
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_DAYS_LOCK,))
            for day in sorted(days):
                name = partition_name(day)
                cursor.execute(
                    "SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s) AND inhparent = to_regclass(%s)",
                    (name, FRAMES_BY_DAY.name),
                )
                if cursor.fetchone() is None:
                    cursor.execute(_creation(day).as_string(connection))
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "making tables for new days") from error


def partition_name(day: date) -> str:
    """Name of a day's table."""
    return f"{FRAMES_BY_DAY.name}_{day:%Y%m%d}"


def _creation(day: date) -> sql.Composable:
    table = sql.Identifier(partition_name(day))
    parent = sql.Identifier(FRAMES_BY_DAY.name)
    parts = sql.SQL(", ").join(
        sql.SQL("ALTER {0} SET STORAGE EXTERNAL, ALTER {0} SET STATISTICS 0").format(sql.Identifier(part))
        for part in PART_COLUMNS
    )
    return sql.SQL(
        "CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING COMMENTS) WITH ({storage});"
        "ALTER TABLE {table} {parts};"
        "ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES FROM ({first}) TO ({after})"
    ).format(
        table=table,
        parent=parent,
        parts=parts,
        storage=sql.SQL(PARTITION_STORAGE),
        first=sql.Literal(f"{day.isoformat()} 00:00:00+00"),
        after=sql.Literal(f"{(day + timedelta(days=1)).isoformat()} 00:00:00+00"),
    )
