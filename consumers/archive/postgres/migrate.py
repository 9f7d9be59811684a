"""Brings the database to the shape this version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, exc, make_url, text
from sqlalchemy.pool import NullPool

from consumers.archive.postgres.errors import PostgresRefused, PostgresUnavailable

VERSION_TABLE: Final = "archive_alembic_version"
# An arbitrary number all replicas agree on: they migrate one after the other.
_MIGRATION_LOCK: Final = 4_812_930_000


def migrate(database_url: str) -> None:
    """Apply the steps that are missing. Replicas that start together wait for each other.

    Raises PostgresUnavailable when the database cannot be reached.
    """
    with _locked(database_url) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            yield connection
    except exc.OperationalError as error:
        raise PostgresUnavailable(
            f"migrating the archive: {error.orig}", hint="is Postgres up, and DATABASE_URL right?"
        ) from error
    except exc.DBAPIError as error:
        raise PostgresRefused(f"migrating the archive: {error.orig}") from error
    finally:
        engine.dispose()
