"""The archive's roles: who owns what, who may write and who may read. Logins are granted them by whoever runs it."""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, exc, text

from consumers.archive.postgres.tables import FRAMES_BY_DAY, FRAMES_OUT_OF_RANGE, METADATA, RETIRED_OFFSETS, TOPICS

MIGRATOR: Final = "holistic_migrator"
DAYS: Final = "holistic_days"
WRITER: Final = "holistic_writer"
READER: Final = "holistic_reader"

# A writer may act as the owner of the days, to remove frames, but only by saying so: SET ROLE.
_ROLES: Final = {
    MIGRATOR: ("", "Owns the archive: its views, functions and tables"),
    DAYS: ("", "Owns the tables of frames: makes days, and removes or replaces frames"),
    WRITER: ("NOINHERIT", "Adds frames, makes days, and may SET ROLE holistic_days to remove frames"),
    READER: ("", "Reads the archive"),
}
_MEMBERS: Final = ((DAYS, MIGRATOR), (DAYS, WRITER))

VIEWS: Final = (
    "frames", "pose_landmarks", "pose_world_landmarks", "hand_landmarks", "face_landmarks", "joints", "world_joints",
    "streams",
)  # fmt: skip
READ_FUNCTIONS: Final = (
    "pose_landmark_index", "hand_landmark_index", "face_landmark_index", "pose_landmark", "hand_landmark",
    "face_landmark", "pose_distance", "pose_angle",
)  # fmt: skip
MAKE_DAY: Final = "make_frames_day(date)"
_TYPES: Final = ("pose_point", "mesh_point")
_TABLES: Final = (*METADATA.tables, "archive_alembic_version")

# Changing an owner waits for everyone who reads the table: only where it is another's.
_NOT_THEIRS_YET: Final = """
    SELECT relation, owner
    FROM (
        SELECT c.oid::regclass::text AS relation, pg_get_userbyid(relowner) AS owner_now,
               CASE WHEN relname = :frames OR inhrelid IS NOT NULL THEN :days ELSE :migrator END AS owner
        FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid AND inhparent = to_regclass(:frames)
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')
          AND (relname = ANY(:names) OR inhrelid IS NOT NULL)
    ) AS relations
    WHERE owner <> owner_now
"""
_DENIED: Final = "42501"
_RACES: Final = frozenset({"42710", "23505", "XX000"})
"""Made by another database's migration meanwhile: roles are the whole cluster's, and so locks of one are none of it."""
_ATTEMPTS: Final = 5


def apply_roles(connection: Connection) -> list[str]:
    """Make the roles that are missing and give each what it needs; harmless when repeated.

    Returns what the role that is connected may not do, in words; the rest is done all the same.
    """
    denied = [word for name in _ROLES for word in _try(connection, f"making the role {name}", _make_role(name))]
    there = {
        name
        for name in _ROLES
        if connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :name)"), {"name": name})
    }
    for role, member in _MEMBERS:
        if {role, member} <= there:
            denied += _try(connection, f"making {member} a member of {role}", _add_member(role, member))
    for role in (MIGRATOR, DAYS):
        if role in there:
            denied += _try(connection, f"joining {role}", _join(role))
    if there == set(_ROLES):
        denied += _try(connection, "granting rights on the schema and the database", _grant_places())
        denied += _try(connection, "granting rights on tables, views and functions", _grant_objects(connection))
        denied += _try(connection, f"handing the archive over to {MIGRATOR} and {DAYS}", _hand_over(connection))
    return denied


def _try(connection: Connection, doing: str, statements: Iterable[str]) -> list[str]:
    wanted = list(statements)
    for attempt in range(_ATTEMPTS):
        try:
            with connection.begin_nested():
                for statement in wanted:
                    connection.exec_driver_sql(statement.replace("%", "%%"))
        except exc.DBAPIError as error:
            sqlstate = getattr(error.orig, "pgcode", None)
            if sqlstate == _DENIED:
                return [f"{doing}: {str(error.orig).strip()}"]
            if sqlstate not in _RACES or attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    return []


def _make_role(name: str) -> Iterator[str]:
    attributes, comment = _ROLES[name]
    yield f"""
        DO $body$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
                CREATE ROLE {name} NOLOGIN {attributes};
                COMMENT ON ROLE {name} IS '{comment}';
            END IF;
        END $body$
    """


def _add_member(role: str, member: str) -> Iterator[str]:
    yield f"""
        DO $body$ BEGIN
            IF NOT EXISTS (
                SELECT FROM pg_auth_members WHERE roleid = '{role}'::regrole AND member = '{member}'::regrole
            ) THEN
                GRANT {role} TO {member};
            END IF;
        END $body$
    """


def _join(role: str) -> Iterator[str]:
    """Whoever migrates must be able to act for the owners; a superuser is."""
    yield f"""
        DO $body$ BEGIN
            IF NOT pg_has_role(current_user, '{role}', 'USAGE') THEN
                EXECUTE format('GRANT {role} TO %I', current_user);
            END IF;
        END $body$
    """


def _grant_places() -> Iterator[str]:
    everyone = f"{MIGRATOR}, {DAYS}, {WRITER}, {READER}"
    yield f"""
        DO $body$ BEGIN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO {everyone}', current_schema());
            EXECUTE format('GRANT CREATE ON SCHEMA %I TO {MIGRATOR}, {DAYS}', current_schema());
            EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO {DAYS}, {WRITER}', current_database());
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO {MIGRATOR}, {READER}', current_database());
        END $body$
    """


def _grant_objects(connection: Connection) -> Iterator[str]:
    yield f"GRANT SELECT ON {', '.join((*_TABLES, *VIEWS))} TO {READER}, {WRITER}"
    yield f"GRANT INSERT ON {FRAMES_BY_DAY.name} TO {WRITER}"
    yield f"GRANT SELECT, INSERT ON {TOPICS.name} TO {WRITER}, {DAYS}"
    yield f"GRANT SELECT, INSERT, DELETE ON {FRAMES_OUT_OF_RANGE.name} TO {WRITER}, {DAYS}"
    yield f"GRANT SELECT, INSERT ON {RETIRED_OFFSETS.name} TO {DAYS}"
    yield f"REVOKE ALL ON FUNCTION {MAKE_DAY} FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION {MAKE_DAY} TO {WRITER}"
    for function in _signatures(connection, READ_FUNCTIONS):
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {READER}, {WRITER}"


def _hand_over(connection: Connection) -> Iterator[str]:
    names = [*_TABLES, *VIEWS]
    relations = connection.execute(
        text(_NOT_THEIRS_YET), {"frames": FRAMES_BY_DAY.name, "names": names, "days": DAYS, "migrator": MIGRATOR}
    )
    for relation, owner in relations:
        yield f"ALTER TABLE {relation} OWNER TO {owner}"
    yield f"ALTER FUNCTION {MAKE_DAY} OWNER TO {DAYS}"
    yield from (f"ALTER TYPE {name} OWNER TO {MIGRATOR}" for name in _TYPES)
    for function in _signatures(connection, READ_FUNCTIONS):
        yield f"ALTER FUNCTION {function} OWNER TO {MIGRATOR}"


def _signatures(connection: Connection, functions: Iterable[str]) -> list[str]:
    return list(
        connection.scalars(
            text(
                "SELECT oid::regprocedure::text FROM pg_proc "
                "WHERE proname = ANY(:names) AND pronamespace = current_schema()::regnamespace ORDER BY 1"
            ),
            {"names": list(functions)},
        )
    )
