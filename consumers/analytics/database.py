"""The connection to Postgres: made one way, migrated once, its errors told apart."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, exc, make_url, text

from connect_runtime.database_words import hint_at_database
from connect_runtime.sink import SinkFailed
from consumers.analytics.tables import SCHEMA
from keypoints.errors import HolisticError, Transient

_VERSION_TABLE: Final = f"{SCHEMA}.alembic_version"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any fixed number will do, as long as nobody else in the database locks the same.
_MIGRATION_LOCK: Final = 0x686F6C_616E61
# SQLSTATE classes of what may work the next time: connection, transaction rollback, resources, operator intervention,
# a server that is read-only until a failover is over, and a transaction that was idle for too long.
_TRANSIENT_STATES: Final = ("08", "40", "53", "57", "55P03", "25006", "25P03")


class StoreUnavailable(Transient):
    """Postgres did not answer, or asked to be asked again. Fields: sqlstate."""


class StoreRefused(SinkFailed):
    """Postgres answered, and will answer the same again. Fields: sqlstate."""


def connect(database_url: str) -> Engine:
    """An engine with one connection, tested before use. Raises StoreRefused for a URL that is none."""
    try:
        # Both spellings of a Postgres URL mean the driver that is installed.
        url = make_url(database_url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg2")
    except exc.ArgumentError as error:
        raise StoreRefused("DATABASE_URL is not a Postgres URL", hint="postgresql://user:password@host/name") from error
    return create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        json_serializer=_write_json,
        # Rows of one statement go in one round trip instead of one each.
        executemany_mode="values_plus_batch",
        connect_args={
            "application_name": "holistic-analytics",
            "connect_timeout": 10,
            # A server that is gone without a word is noticed, so that the write is tried again elsewhere.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            # A process that is stopped in the middle of a save would hold its locks, and its successor, for as long.
            "options": "-c idle_in_transaction_session_timeout=3s",
        },
    )


def _write_json(value: object) -> str:
    """What is no finite number becomes null: Postgres refuses it, and with it all that is saved beside it."""
    return orjson.dumps(value).decode()


@contextmanager
def transaction(engine: Engine, doing: str) -> Iterator[Connection]:
    """One transaction, all or nothing. Raises StoreUnavailable or StoreRefused, saying what was being done."""
    try:
        with engine.begin() as connection:
            yield connection
    except exc.SQLAlchemyError as error:
        raise _explain(error, doing) from error


def migrate(engine: Engine) -> None:
    """Bring the tables to their newest form; replicas that start together do it one after another.

    Nothing is asked for where they have it, so that a service need not be allowed to change tables. Raises
    StoreUnavailable, and StoreRefused also for tables of a newer version.
    """
    with _migrating(engine) as (connection, config):
        if _read_revision(connection) == ScriptDirectory.from_config(config).get_current_head():
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str, *, execute: bool = True) -> list[str]:
    """Undo the steps after `revision`, newest first, in one transaction, and return what each had done.

    Without `execute` they are only named. Raises StoreUnavailable, and StoreRefused when there is no such step below.
    """
    with _migrating(engine) as (connection, config):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        current = _read_revision(connection)
        steps = list(ScriptDirectory.from_config(config).walk_revisions("base", current)) if current else []
        numbers = [step.revision for step in steps]
        if revision not in numbers:
            raise StoreRefused(
                f"the tables of analytics were never at {revision}", hint=f"they are at {current or 'nothing'}"
            )
        undone = [f"{step.revision} {step.doc}" for step in steps[: numbers.index(revision)]]
        if execute and undone:
            command.downgrade(config, revision)
    return undone


@contextmanager
def _migrating(engine: Engine) -> Iterator[tuple[Connection, Config]]:
    # Its steps are of interest when they fail, and then they are in the error.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with transaction(engine, "migrating the tables of analytics") as connection:
            config.attributes["connection"] = connection
            yield connection, config
    except CommandError as error:
        raise StoreRefused(
            f"migrating the tables of analytics: {error}",
            hint="was the database migrated by a newer version than this one?",
        ) from error


def _read_revision(connection: Connection) -> str | None:
    """Number of the last step that was applied; None: none, or this login may not see it."""
    seen = "SELECT has_table_privilege(to_regclass(:table), 'SELECT')"
    if not connection.scalar(text(seen), {"table": _VERSION_TABLE}):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608 - our own name
    return found


def _explain(error: exc.SQLAlchemyError, doing: str) -> HolisticError:
    original = getattr(error, "orig", None)
    state: str | None = getattr(original, "pgcode", None)
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    message = f"{doing}: {str(original or error).strip()}"
    # Without a state it was the network, or the server that went away in the middle.
    if (
        lost
        or isinstance(error, exc.TimeoutError)
        or (isinstance(error, exc.OperationalError | exc.InterfaceError) and state is None)
        or (state is not None and state.startswith(_TRANSIENT_STATES))
    ):
        return StoreUnavailable(message, hint=hint_at_database(message), sqlstate=state)
    return StoreRefused(message, sqlstate=state)
