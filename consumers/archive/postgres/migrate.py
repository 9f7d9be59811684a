"""Brings the database to the shape this version needs, and its roles to their rights."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, exc, make_url, text
from sqlalchemy.pool import NullPool

from connect_runtime.database_words import FORM, hint_at_database, is_database_address
from consumers.archive.postgres.errors import PostgresRefused, PostgresUnavailable
from consumers.archive.postgres.roles import MIGRATOR, apply_roles

log = logging.getLogger(__name__)

VERSION_TABLE: Final = "archive_alembic_version"
# An arbitrary number all replicas agree on: they migrate one after the other.
_MIGRATION_LOCK: Final = 4_812_930_000
_DENIED: Final = "42501"
_STATUS: Final = "`holistic database status` says where they are"


@dataclass(frozen=True, slots=True)
class Migrated:
    """Number of the last step before (None: there was nothing) and after, and what could not be done for the roles."""

    before: str | None
    after: str
    without: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the tables have changed."""
        return self.before != self.after


def migrate(database_url: str, *, grant_again: bool = False) -> Migrated:
    """Apply the steps that are missing, and then give the roles their rights; nothing is done when none is missing.

    Replicas that start together wait for each other. A role that may not make roles migrates all the same, with a
    warning. `grant_again` has the roles looked at in any case. Raises PostgresUnavailable when the database cannot be
    reached, PostgresRefused when this role may not change it or a newer version has.
    """
    with _connect(database_url) as connection:
        config = _configure(connection)
        newest = find_newest_revision()
        if not grant_again and read_revision(connection) == newest:
            return Migrated(newest, newest)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        before = read_revision(connection)
        command.upgrade(config, "head")
        without = tuple(apply_roles(connection)) if grant_again or before != newest else ()
    if without:
        log.warning(
            "the archive's roles are not complete (%s): have `holistic database migrate` run once by a superuser, "
            "or by the database's owner with CREATEROLE",
            "; ".join(without),
        )
    return Migrated(before, newest, without)


def downgrade(database_url: str, revision: str, *, execute: bool = True) -> list[str]:
    """Undo the steps after `revision`, newest first, in one transaction, and return what each had done.

    For an older version that is to run again. Without `execute` they are only named. Raises PostgresUnavailable, and
    PostgresRefused when there is no such step below, or when this role may not undo them.
    """
    with _connect(database_url) as connection:
        config = _configure(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        steps = list_steps_after(ScriptDirectory.from_config(config), read_revision(connection), revision)
        if steps is None:
            raise PostgresRefused(f"the archive's tables were never at {revision}", hint=_STATUS)
        if execute and steps:
            command.downgrade(config, revision)
    return steps


def list_steps_after(scripts: ScriptDirectory, current: str | None, revision: str) -> list[str] | None:
    """The steps from `current` back to `revision`, newest first, as text; None when it is not on the way."""
    if current is None:
        return None
    steps = list(scripts.walk_revisions("base", current))
    numbers = [script.revision for script in steps]
    if revision not in numbers:
        return None
    return [f"{script.revision} {script.doc}" for script in steps[: numbers.index(revision)]]


def read_revision(connection: Connection) -> str | None:
    """Number of the last step that was applied, or None."""
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": VERSION_TABLE}) is None:
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a name from this file
    return None if found is None else str(found)


def find_newest_revision() -> str:
    """Number of the last step this version knows."""
    return str(ScriptDirectory.from_config(_configure(None)).get_current_head())


def _configure(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connect(database_url: str) -> Iterator[Connection]:
    if not is_database_address(database_url):
        raise PostgresRefused("DATABASE_URL is no address of a Postgres", hint=FORM)
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.begin() as connection:
            yield connection
    except CommandError as error:
        raise PostgresRefused(
            f"migrating the archive: {error}", hint="was the database migrated by a newer version than this one?"
        ) from error
    except exc.OperationalError as error:
        said = str(error.orig).strip()
        raise PostgresUnavailable(f"migrating the archive: {said}", hint=hint_at_database(said)) from error
    except exc.DBAPIError as error:
        denied = getattr(error.orig, "pgcode", None) == _DENIED
        hint = f"run `holistic database migrate` as a member of {MIGRATOR}" if denied else None
        raise PostgresRefused(f"migrating the archive: {error.orig}", hint=hint) from error
    finally:
        engine.dispose()
