"""What a Postgres error means for the caller: worth another try, or not."""

import psycopg2
from psycopg2 import errors as pg

from connect_runtime.database_words import hint_at_database
from connect_runtime.sink import SinkFailed
from keypoints.errors import HolisticError, Transient

# Deadlocks, serialization failures, restarts and lost connections are all OperationalError or InterfaceError.
_PASSING = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    pg.ReadOnlySqlTransaction,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.DiskFull,
)
# Another migration is on its way, or none ran yet.
_NOT_MIGRATED = (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedFunction)


class PostgresUnavailable(Transient):
    """Postgres did not answer, lost the connection (maybe during COMMIT), or asked for another try. Field: sqlstate."""


class PostgresRefused(SinkFailed):
    """Postgres answered, and its answer will stay the same. Field: sqlstate."""


def explain_postgres_error(error: psycopg2.Error, doing: str, **fields: object) -> HolisticError:
    """The project's error for one of psycopg2's, saying what was being done."""
    sqlstate = error.pgcode
    said = str(error).strip()
    message = f"{doing}: {said or type(error).__name__}"
    hint: str | None = hint_at_database(said)
    if isinstance(error, _PASSING):
        return PostgresUnavailable(message, sqlstate=sqlstate, hint=hint, **fields)
    if isinstance(error, psycopg2.DatabaseError) and sqlstate is None:
        # libpq's words for a connection that ended in the middle of an answer carry no code.
        return PostgresUnavailable(message, sqlstate=None, hint=hint, **fields)
    hint = "`holistic archive` migrates the database when it starts" if isinstance(error, _NOT_MIGRATED) else None
    return PostgresRefused(message, sqlstate=sqlstate, hint=hint, **fields)
