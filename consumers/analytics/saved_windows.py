"""Windows in Postgres: those that are over, and those that are not, as far as they are known."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects.postgresql import Insert, insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.results import as_time
from consumers.analytics.session import Session
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.tables import windows
from consumers.analytics.windows.window_row import WindowRow

Row = dict[str, Any]

_AS_THEY_ARE: Final = tuple(
    column.name for column in windows.c if column.name in WindowRow.__slots__ and column.name != "kind"
)


def write_rows(partition: TopicPartition, closed: Iterable[tuple[int, Session, WindowRow]]) -> list[Row]:
    """The rows of windows that are over."""
    return [_row(partition, session, window) for _, session, window in closed]


def write_provisional_rows(partition: TopicPartition, streams: PartitionStreams) -> list[Row]:
    """The rows of windows that are not over yet, of the streams that changed since this was done last."""
    return [
        _row(partition, session, window)
        for key in streams.unshown
        if (session := streams.get(key)) is not None
        for window in session.watch.windows.open_rows()
    ]


def save(connection: Connection, rows: Sequence[Row]) -> None:
    """Save windows in place of what they were; one that is over is never again one that is not."""
    _save(connection, rows, _replacing())


def save_unless_over(connection: Connection, rows: Sequence[Row]) -> None:
    """Save windows of which it is not known already how they ended."""
    _save(connection, rows, _completing())


def _save(connection: Connection, rows: Sequence[Row], statement: Insert) -> None:
    # The same window may come twice, and Postgres refuses to touch a row twice in one statement.
    newest = {tuple(row[column.name] for column in windows.primary_key): row for row in rows}
    if newest:
        connection.execute(statement, list(newest.values()))


@cache
def _replacing() -> Insert:
    # Made once: saving some windows costs less than saying how.
    statement = insert(windows)
    return _on_conflict(statement, windows.c.provisional | ~statement.excluded.provisional)


@cache
def _completing() -> Insert:
    return _on_conflict(insert(windows), windows.c.provisional)


def _on_conflict(statement: Insert, where: ColumnElement[bool]) -> Insert:
    replaced = {column.name: statement.excluded[column.name] for column in windows.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(windows.primary_key), set_=replaced, where=where)


def _row(partition: TopicPartition, session: Session, window: WindowRow) -> Row:
    return {
        "topic": partition.topic,
        "partition": partition.partition,
        "stream_id": session.stream_id,
        "epoch": session.epoch,
        "session_offset": session.first_offset,
        "kind": window.kind.value,
        "length_s": window.length_us / 1e6,
        "started_at": as_time(max(0, window.start_us)),
        **{name: getattr(window, name) for name in _AS_THEY_ARE},
        "ranges_deg": {name: list(degrees) for name, degrees in window.ranges_deg.items()},
        "findings": {name: total._asdict() for name, total in window.findings.items()},
    }
