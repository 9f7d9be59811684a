"""SQL over the listed files: DuckDB with the same views the database has."""

import re
from collections.abc import Sequence
from typing import Any, Final

import duckdb

from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.location import ArchiveLocation, open_storage
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.restoring import refuse_half_restored
from consumers.archive.parquet.schema import FRAMES
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing, StorageUnavailable
from consumers.archive.parquet.views import create_views
from keypoints.errors import HolisticError, Terminal

# DuckDB passes on what an object store's client raises as the text of its traceback.
_NO_VIEW: Final = "`holistic sql --help` names the views; what analytics found is asked with --on postgres"
_RAISED_READING: Final = re.compile(r"Traceback [^\n]*\n(?: [^\n]*\n)*(\w+): ([^\n]*)")

# A pivot is several statements in one.
_QUESTIONS: Final = frozenset(
    {
        duckdb.StatementType.SELECT,
        duckdb.StatementType.EXPLAIN,
        duckdb.StatementType.PRAGMA,
        duckdb.StatementType.CALL,
        duckdb.StatementType.SET,
        duckdb.StatementType.MULTI,
    }
)
# EXPLAIN ANALYZE does what it explains.
_COPIES: Final = re.compile(r"\bcopy\b", re.IGNORECASE)


class QueryRefused(Terminal):
    """SQL that cannot be answered; the message says why and where."""


def open_archive(location: ArchiveLocation, only_for: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in which the archive at `location` can be queried.

    It has the view frames and the views and macros of `views`; with `only_for`, those that this SQL names (making them
    all takes half a second). Only files that the manifest lists right now are read. Raises RestoreUnderWay.
    """
    storage = open_storage(location)
    refuse_half_restored(storage)
    return open_files(storage, [file for chain in list_chains(storage) for file in chain.files], only_for)


def open_files(
    storage: ArchiveStorage, files: Sequence[ListedFile], only_for: str | None = None
) -> duckdb.DuckDBPyConnection:
    """As `open_archive`, for some of the files only."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    # Listed files never change.
    connection.execute("SET parquet_metadata_cache = true")
    _create_frames(connection, storage, files)
    for statement in create_views(only_for):
        connection.execute(statement)
    return connection


def read_nothing_else(connection: duckdb.DuckDBPyConnection, location: ArchiveLocation) -> None:
    """Leave a connection no other files than those of the archive's frames, for SQL that anybody may have written."""
    folder = open_storage(location).url("frames/")
    connection.execute(f"SET allowed_directories = [{_quoted(folder)}]")
    connection.execute("SET enable_external_access = false")


def refuse_changes(sql: str) -> None:
    """Raise QueryRefused for SQL that is no question: COPY would write over files, and nobody sees a table again."""
    try:
        kinds = {statement.type for statement in duckdb.extract_statements(sql)}
    except duckdb.Error as error:
        raise explain_duckdb_error(error, sql) from error
    if not kinds <= _QUESTIONS or (duckdb.StatementType.EXPLAIN in kinds and _COPIES.search(sql)):
        raise QueryRefused("this is no question: here the archive is only read", sql=sql)


def query(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of an answer. Raises QueryRefused for SQL that is wrong, StorageUnavailable."""
    try:
        answer = connection.execute(sql, list(values))
        names = [column[0] for column in answer.description or ()]
        return names, answer.fetchall() if names else []
    except duckdb.Error as error:
        raise explain_duckdb_error(error, sql) from error


def explain_duckdb_error(error: duckdb.Error, sql: str) -> HolisticError:
    """The project's error for one of DuckDB's: QueryRefused, or StorageUnavailable when the files cannot be read."""
    text = str(error).strip()
    raised = _RAISED_READING.match(text)
    if raised is None:
        is_of_a_view = isinstance(error, duckdb.CatalogException) and "Table with name" in text
        return QueryRefused(text, sql=sql, hint=_NO_VIEW if is_of_a_view else None)
    kind, message = raised.groups()
    unavailable = kind in {StorageUnavailable.__name__, FileMissing.__name__}
    return StorageUnavailable(message) if unavailable else QueryRefused(message, sql=sql)


def _create_frames(connection: duckdb.DuckDBPyConnection, storage: ArchiveStorage, files: Sequence[ListedFile]) -> None:
    if not files:
        # No file to read yet: the columns are known all the same.
        connection.register("no_frames", FRAMES.empty_table())
        connection.execute(
            'CREATE VIEW frames AS SELECT *, NULL::VARCHAR AS "date", NULL::INTEGER AS "hour" FROM no_frames'
        )
        return
    filesystem = storage.filesystem({file.path: file.bytes for file in files})
    if filesystem is not None:
        connection.register_filesystem(filesystem)
    paths = ", ".join(_quoted(storage.url(file.path)) for file in files)
    view = (
        f"CREATE VIEW frames AS SELECT * FROM read_parquet([{paths}], "  # noqa: S608
        "hive_partitioning = true, hive_types = {'date': VARCHAR, 'hour': INTEGER}, union_by_name = false)"
    )
    try:
        connection.execute(view)
    except duckdb.Error as error:
        raise explain_duckdb_error(error, view) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
