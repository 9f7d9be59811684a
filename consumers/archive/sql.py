"""Questions in SQL to either store; both know the same views."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import psycopg2
from psycopg2 import errors as pg
from psycopg2 import extensions

from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.parquet.reading import (
    QueryRefused,
    explain_duckdb_error,
    open_archive,
    read_nothing_else,
    refuse_changes,
)
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import PostgresUnavailable, explain_postgres_error

_ROWS_AT_ONCE: Final = 1000
_MANY_ROWS: Final = 10_000
# A question may take its time, and so may whoever reads the answer. With the usual 4 MB, groups of more than a few
# thousand streams or minutes are sorted on disk, whole poses with them.
_FOR_QUESTIONS: Final = """
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET work_mem = '64MB'
"""
_TIMESTAMP_TZ_OID: Final = 1184


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names, and rows that are fetched while they are read."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class Canceller:
    """Ends a question from another thread.

    A database that has not begun yet when it is told to stop does not stop: say it until the one who asked is done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._cancel: Callable[[], None] | None = None

    def bind(self, cancel: Callable[[], None]) -> None:
        """Say how the question that is about to be asked is ended."""
        with self._lock:
            self._cancel = cancel

    def release(self) -> None:
        """Nothing is asked any more."""
        with self._lock:
            self._cancel = None

    def cancel(self) -> None:
        """End the question; whoever asked it gets QueryRefused."""
        with self._lock:
            self._cancelled = True
            if self._cancel is not None:
                self._cancel()

    def watch(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The rows, until it is cancelled. Raises QueryRefused then."""
        for row in rows:
            if self._cancelled:
                raise QueryRefused("cancelled")
            yield row


@contextmanager
def ask_postgres(database_url: str, sql: str, canceller: Canceller | None = None) -> Iterator[Answer]:
    """Ask in a read-only transaction; the answer can be read inside the block.

    Raises QueryRefused for SQL that is wrong or would write, PostgresUnavailable when there is no database.
    """
    canceller = canceller or Canceller()
    connection = connect(database_url, "holistic-sql")
    try:
        connection.set_session(readonly=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(_FOR_QUESTIONS)
        extensions.register_type(
            extensions.new_type((_TIMESTAMP_TZ_OID,), "TIMESTAMP_OR_TEXT", _read_timestamp), connection
        )
        canceller.bind(connection.cancel)
        cursor = connection.cursor("answer") if _has_many_rows(connection, sql) else connection.cursor()
        # Without values beside it, the driver takes it as it is: no percent sign in it means anything.
        cursor.execute(sql)
        first = cursor.fetchmany(_ROWS_AT_ONCE) if cursor.name else []
        columns = tuple(column.name for column in cursor.description or ())
        yield Answer(columns, canceller.watch(_fetch_postgres(cursor, first)) if columns else iter(()))
    except psycopg2.Error as error:
        raise _refuse(error, sql) from error
    finally:
        canceller.release()
        connection.close()


@contextmanager
def ask_parquet(archive_root: ArchiveLocation, sql: str, canceller: Canceller | None = None) -> Iterator[Answer]:
    """Ask the files that are listed now; the answer can be read inside the block. Raises QueryRefused."""
    canceller = canceller or Canceller()
    refuse_changes(sql)
    with open_archive(archive_root, only_for=sql) as connection:
        read_nothing_else(connection, archive_root)
        try:
            canceller.bind(connection.interrupt)
            answer = connection.execute(sql)
            columns = tuple(column[0] for column in answer.description or ())
            yield Answer(columns, canceller.watch(_fetch_parquet(answer)))
        except duckdb.Error as error:
            raise explain_duckdb_error(error, sql) from error
        finally:
            canceller.release()


def _has_many_rows(connection: extensions.connection, sql: str) -> bool:
    """Whether the answer should stay at the server and be fetched piece by piece.

    Not always: to such an answer the server never sets several processes.
    """
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            row = cursor.fetchone()
    except psycopg2.Error:
        # What cannot be explained has few rows (SHOW, EXPLAIN), or is wrong, which is said when it is asked.
        return False
    if row is None or row[0][0]["Plan"]["Plan Rows"] <= _MANY_ROWS:
        return False
    return not _gathers(row[0][0]["Plan"])


def _gathers(plan: dict[str, Any]) -> bool:
    """Whether rows are groups of others, whatever sorts or cuts them after: few, however many are guessed."""
    if plan["Node Type"] in {"Aggregate", "Group"}:
        return True
    below = [child for child in plan.get("Plans", []) if child["Parent Relationship"] in {"Outer", "Inner", "Member"}]
    return len(below) == 1 and _gathers(below[0])


def _fetch_postgres(cursor: extensions.cursor, first: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield from first
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def _fetch_parquet(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def _read_timestamp(text: str | bytes | None, cursor: extensions.cursor) -> object:
    """Years that Python's calendar does not have stay text."""
    try:
        return extensions.PYDATETIMETZ(text, cursor)
    except (ValueError, psycopg2.Error):
        return text


def _refuse(error: psycopg2.Error, sql: str) -> Exception:
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return QueryRefused(f"{str(error).strip()}: here the archive is only read", sql=sql)
    explained = explain_postgres_error(error, "asking Postgres")
    if isinstance(explained, PostgresUnavailable):
        return explained
    hint = (
        "`holistic sql --help` names the views; they are made when `holistic archive`, or of what analytics finds "
        "`holistic analytics`, first runs"
        if error.pgcode == "42P01"
        else None
    )
    return QueryRefused(str(error).strip(), sql=sql, hint=hint)
