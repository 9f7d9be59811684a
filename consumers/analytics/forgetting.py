"""A stream's results, state and undelivered events in the tables of analytics: counted, and removed."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, MetaData, Table, delete, func, inspect, select

from connect_runtime.forgetting.places import Found, Subject
from consumers.analytics.database import connect, transaction
from consumers.analytics.tables import SCHEMA


class AnalyticsTables:
    """Every table of the schema that has a column `stream_id`, whatever it is for.

    Results that began after the moment stay, and so does the state of a stream that goes on after it.
    """

    name: Final = "analytics tables"
    proof: Final = "the stream's rows were counted in every table of the schema that has a column stream_id"

    def __init__(self, database_url: str) -> None:
        self._engine = connect(database_url)

    def find(self, subject: Subject) -> Found:
        """Rows by table; none where analytics never ran. Raises StoreUnavailable or StoreRefused."""
        with transaction(self._engine, "looking for a stream's results") as connection:
            counts = {
                table.fullname: connection.scalar(
                    select(func.count()).select_from(table).where(_is_meant(table, subject))
                )
                or 0
                for table in _find_tables(connection)
            }
        return _as_found(counts)

    def erase(self, subject: Subject) -> Found:
        """Remove them, all at once."""
        with transaction(self._engine, "erasing a stream's results") as connection:
            counts = {
                table.fullname: connection.execute(delete(table).where(_is_meant(table, subject))).rowcount
                for table in _find_tables(connection)
            }
        return _as_found(counts)

    def list_streams(self) -> set[str]:
        """Every stream there are rows of. Raises StoreUnavailable or StoreRefused."""
        with transaction(self._engine, "looking for streams") as connection:
            return {
                name
                for table in _find_tables(connection)
                for name in connection.scalars(select(table.c.stream_id).distinct())
                if name is not None
            }


def _find_tables(connection: Connection) -> list[Table]:
    found = MetaData(schema=SCHEMA)
    if inspect(connection).has_schema(SCHEMA):
        found.reflect(connection)
    return [table for table in found.sorted_tables if "stream_id" in table.c]


def _is_meant(table: Table, subject: Subject) -> ColumnElement[bool]:
    ours = table.c.stream_id == subject.stream_id
    if subject.until_us is None:
        return ours
    if "started_at" in table.c:
        return ours & (func.extract("epoch", table.c.started_at) * 1_000_000 < subject.until_us)
    if "seen_at" in table.c:
        return ours & (func.extract("epoch", table.c.seen_at) * 1_000_000 < subject.until_us)
    return ours


def _as_found(counts: dict[str, int]) -> Found:
    some = {name: count for name, count in counts.items() if count}
    return Found(sum(some.values()), details={"tables": some} if some else {})
