"""What is older than users want to keep leaves the tables, a little at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Table, delete, literal_column, select

from consumers.analytics.database import transaction
from consumers.analytics.tables import results, streams, windows

_AT_ONCE: Final = 5_000
_EVERY_S: Final = 60.0
_NEVER_S: Final = float("-inf")


@dataclass(slots=True)
class Retention:
    """Results and windows by when they began, sessions that have ended by when they were last seen; event time."""

    days: int
    """Below 0: everything is kept."""
    now: Callable[[], datetime]
    retired_s: float = _NEVER_S

    def retire(self, engine: Engine, monotonic_s: float) -> int:
        """Delete what is too old, once a minute and some thousand rows of each table at a time. Returns how many.

        Raises StoreUnavailable or StoreRefused.
        """
        if self.days < 0 or monotonic_s - self.retired_s < _EVERY_S:
            return 0
        before = self.now() - timedelta(days=self.days)
        retired = sum(
            _retire(engine, table, is_old)
            for table, is_old in (
                (results, (results.c.started_at < before) & results.c.ended_at.is_not(None)),
                (windows, windows.c.started_at < before),
                (streams, (streams.c.seen_at < before) & streams.c.state.is_(None)),
            )
        )
        # Where there is more, it goes on at once.
        self.retired_s = _NEVER_S if retired >= _AT_ONCE else monotonic_s
        return retired


def _retire(engine: Engine, table: Table, is_old: ColumnElement[bool]) -> int:
    place: ColumnElement[Any] = literal_column("ctid")
    with transaction(engine, f"retiring rows of {table.name}") as connection:
        chosen = select(place).select_from(table).where(is_old).limit(_AT_ONCE)
        return connection.execute(delete(table).where(place.in_(chosen))).rowcount
