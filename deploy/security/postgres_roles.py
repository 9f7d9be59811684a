"""`python -m deploy.security.postgres_roles`: brings the tables up to date and gives the suite's roles their rights.

    python -m deploy.security.postgres_roles --print         # the analytics' roles as SQL, to be read or run
    python -m deploy.security.postgres_roles --apply         # in DATABASE_URL, as a superuser or with CREATEROLE

The archive makes its own roles when it migrates (docs/postgres.md); these are the analytics' and the people's who look
at what it found. Harmless when repeated, and to be repeated after an upgrade: a step may have made tables. Logins are
granted the roles by whoever runs the database.
"""

import argparse
import os
import sys
from contextlib import closing
from typing import Final

import psycopg2

from consumers.analytics.database import connect, migrate
from consumers.analytics.tables import SCHEMA
from consumers.archive.postgres.migrate import migrate as migrate_archive
from keypoints.errors import HolisticError, Terminal

MIGRATOR: Final = "holistic_analytics_migrator"
WRITER: Final = "holistic_analytics_writer"
READER: Final = "holistic_analytics_reader"
TEACHER: Final = "holistic_teacher"

_ROLES: Final = {
    MIGRATOR: "Owns the tables and views of analytics",
    WRITER: "Keeps results, state, outbox and webhooks; reads what was taught",
    READER: "Reads results, windows, streams and what was taught, but neither state nor messages on their way",
    TEACHER: "Teaches gestures and takes them back",
}
VIEWS: Final = ("gesture_events", "movement_counts", "anomalies", "activity_by_minute", "webhook_deliveries")
RESULTS: Final = ("results", "windows", "sources", "taught_gestures")
TAUGHT: Final = "taught_gestures"
VERSION: Final = "alembic_version"
_STREAM_COLUMNS: Final = (
    "topic", "partition", "stream_id", "epoch", "first_offset", "frames", "body_observed", "face_observed",
    "left_observed", "right_observed", "late_frames", "seen_at",
)  # fmt: skip
"""All but the state, from which movements could be seen."""


def write_statements() -> list[str]:
    """The statements, in order; each may be repeated."""
    everyone = ", ".join(_ROLES)
    views = ", ".join(VIEWS)
    return [
        *(_make_role(name, comment) for name, comment in _ROLES.items()),
        _in_place(f"GRANT CONNECT ON DATABASE %I TO {everyone}", "current_database()"),
        _in_place(f"GRANT CREATE ON DATABASE %I TO {MIGRATOR}", "current_database()"),
        _in_place(f"GRANT USAGE ON SCHEMA %I TO {everyone}", "current_schema()"),
        _in_place(f"GRANT CREATE ON SCHEMA %I TO {MIGRATOR}", "current_schema()"),
        f"ALTER SCHEMA {SCHEMA} OWNER TO {MIGRATOR}",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {everyone}",
        _hand_over(),
        *(f"ALTER VIEW {view} OWNER TO {MIGRATOR}" for view in VIEWS),
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {WRITER}, {READER}, {TEACHER}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {WRITER}",
        f"REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.{TAUGHT}, {SCHEMA}.{VERSION} FROM {WRITER}",
        f"GRANT SELECT ON {', '.join(f'{SCHEMA}.{name}' for name in (*RESULTS, VERSION))} TO {READER}",
        f"GRANT SELECT ({', '.join(_STREAM_COLUMNS)}) ON {SCHEMA}.streams TO {READER}",
        f"GRANT SELECT ON {views} TO {READER}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.{TAUGHT} TO {TEACHER}",
        f"GRANT SELECT ON {SCHEMA}.{VERSION} TO {TEACHER}",
    ]


def apply_roles(database_url: str) -> None:
    """Migrate archive and analytics as this login, then make the roles. Raises HolisticError."""
    migrate_archive(database_url, grant_again=True)
    engine = connect(database_url)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    try:
        with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
            for statement in write_statements():
                cursor.execute(statement)
    except psycopg2.Error as error:
        raise Terminal(
            f"making the roles of analytics: {str(error).strip()}",
            hint="run it as a superuser, or as the database's owner with CREATEROLE",
        ) from error


def _make_role(name: str, comment: str) -> str:
    return f"""DO $body$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
        CREATE ROLE {name} NOLOGIN;
        COMMENT ON ROLE {name} IS '{comment}';
    END IF;
    -- Whoever hands tables over must be able to act for their new owner; a superuser is.
    IF '{name}' = '{MIGRATOR}' AND NOT pg_has_role(current_user, '{name}', 'USAGE') THEN
        EXECUTE format('GRANT {name} TO %I', current_user);
    END IF;
END $body$"""


def _in_place(statement: str, name: str) -> str:
    return f"DO $body$ BEGIN EXECUTE format('{statement}', {name}); END $body$"


def _hand_over() -> str:
    # Only where it is another's: changing an owner waits for everyone who reads the table.
    theirs = f"relnamespace = '{SCHEMA}'::regnamespace AND relkind IN ('r', 'p') AND relowner <> '{MIGRATOR}'::regrole"
    return f"""DO $body$ DECLARE relation regclass; BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE {theirs} LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {MIGRATOR}', relation);
    END LOOP;
END $body$"""  # noqa: S608 - names of this file


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 refused."""
    description = __doc__.split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m deploy.security.postgres_roles", description=description)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", dest="show", help="print the statements; ask nobody")
    what.add_argument("--apply", action="store_true", help="migrate, then make the roles, in DATABASE_URL")
    options = parser.parse_args(arguments)
    if options.show:
        print(";\n".join(write_statements()) + ";")
        return 0
    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        print("no database is configured: set DATABASE_URL", file=sys.stderr)
        return 1
    try:
        apply_roles(database_url)
    except HolisticError as error:
        print(error.message.strip(), *((f"hint: {error.hint}",) if error.hint else ()), sep="\n", file=sys.stderr)
        return 1
    print(f"{', '.join(_ROLES)} have their rights; the archive's roles, too")
    return 0


if __name__ == "__main__":
    sys.exit(main())
