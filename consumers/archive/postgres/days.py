"""One table a day: made ahead of time, or when the first frame of a day arrives."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2 import extensions

from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.tables import FRAMES_BY_DAY

DAY_US: Final = 24 * 60 * 60 * 1_000_000
DAYS_MADE_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Which days are kept, as days before and after today (UTC). `retention_days` None: none is ever removed."""

    days_back: int = 3650
    days_ahead: int = DAYS_MADE_AHEAD
    retention_days: int | None = None

    def holds(self, captured_at_us: NDArray[np.int64], now_us: int) -> NDArray[np.bool_]:
        """bool (N,): whether the day of each capture time (microseconds since 1970) is kept."""
        days = captured_at_us // DAY_US
        today = now_us // DAY_US
        # A frame of a day that retention has removed must not have it made again.
        days_back = self.days_back if self.retention_days is None else min(self.days_back, self.retention_days)
        return (days >= today - days_back) & (days <= today + self.days_ahead)

    def first_retained_day(self, now_us: int) -> date | None:
        """The oldest day retention leaves alone, or None when it leaves all alone."""
        return None if self.retention_days is None else _today(now_us) - timedelta(days=self.retention_days)


def days_of(captured_at_us: NDArray[np.int64]) -> set[date]:
    """The days (UTC) of these capture times; they must lie within Python's years."""
    return {date(1970, 1, 1) + timedelta(days=int(day)) for day in np.unique(captured_at_us // DAY_US)}


def days_ahead(now_us: int) -> set[date]:
    """Today and the days that are to exist before their first frame."""
    return {_today(now_us) + timedelta(days=ahead) for ahead in range(DAYS_MADE_AHEAD + 1)}


def make_days(days: Iterable[date], connection: extensions.connection) -> None:
    """Make the tables of these days where they are missing, in a transaction of its own.

    One replica at a time makes them, by a function of the database with its owner's rights. Where all are there, which
    is nearly always, nobody is waited for.
    """
    names = {partition_name(day): day for day in sorted(days)}
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
                "WHERE inhparent = %s::regclass AND relname = ANY(%s) AND NOT inhdetachpending",
                (FRAMES_BY_DAY.name, list(names)),
            )
            there = {name for (name,) in cursor.fetchall()}
            for name, day in names.items():
                if name not in there:
                    cursor.execute("SELECT make_frames_day(%s)", (day,))
    except psycopg2.Error as error:
        raise explain_postgres_error(error, "making tables for new days") from error


def partition_name(day: date) -> str:
    """Name of a day's table."""
    return f"{FRAMES_BY_DAY.name}_{day:%Y%m%d}"


def day_of_partition(name: str) -> date | None:
    """The day whose table has this name, or None for any other name."""
    prefix, _, digits = name.rpartition("_")
    if prefix != FRAMES_BY_DAY.name or len(digits) != len("20260101") or not digits.isdecimal():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _today(now_us: int) -> date:
    return datetime.fromtimestamp(now_us / 1e6, UTC).date()
