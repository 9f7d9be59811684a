"""The analytics' roles, tried with logins of a test's own on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors as pg
from sqlalchemy import make_url

from consumers.analytics.database import connect, migrate
from consumers.analytics.taught.store import taught_gestures
from consumers.archive.postgres.roles import READER as ARCHIVE_READER
from consumers.archive.postgres.roles import WRITER as ARCHIVE_WRITER
from deploy.security.postgres_roles import MIGRATOR, READER, TEACHER, VIEWS, WRITER, apply_roles, main

pytestmark = pytest.mark.servers

LogIn = Callable[[str], str]
RESULT = (
    "INSERT INTO analytics.results (result_id, stream_id, epoch, category, kind, subject, started_at, confidence, "
    "observed, evidence, rules_version, source_topic, source_partition, first_offset, last_offset) "
    "VALUES (gen_random_uuid(), 's', 1, 'movement', 'wave', 'left', now(), 1, 1, '{}', 'v', 't', 0, 1, 2)"
)


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def find_allowed(url: str, statements: list[str]) -> list[str]:
    """Those of the statements that this login may run; any other failure than a refusal is raised."""
    allowed = []
    for statement in statements:
        try:
            run(url, statement)
        except pg.InsufficientPrivilege:
            continue
        allowed.append(statement)
    return allowed


@pytest.fixture
def log_in(make_database: Callable[[], str]) -> Iterator[LogIn]:
    """`log_in(role)` gives a login's URL of one database that has all roles; without a role the administrator's."""
    url = make_database()
    apply_roles(url)
    made: list[str] = []

    def make(role: str) -> str:
        if not role:
            return url
        name = f"test_{uuid.uuid4().hex[:12]}"
        run(url, f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {role}")
        made.append(name)
        return make_url(url).set(username=name, password="secret").render_as_string(hide_password=False)

    yield make
    for name in made:
        run(url, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_the_service_sees_no_frames_and_changes_no_table(log_in: LogIn) -> None:
    harms = [
        "SELECT count(*) FROM frames",
        "SELECT count(*) FROM frames_out_of_range",
        "INSERT INTO archived_topics (name, kafka_id) VALUES ('a', 'b')",
        "DROP TABLE analytics.results CASCADE",
        "TRUNCATE analytics.results",
        "ALTER TABLE analytics.results DROP COLUMN evidence",
        "CREATE TABLE analytics.mine (x int)",
        "CREATE TABLE mine (x int)",
        "DELETE FROM analytics.taught_gestures",
        "UPDATE analytics.alembic_version SET version_num = '0001'",
        f"SET ROLE {MIGRATOR}",
        f"SET ROLE {ARCHIVE_WRITER}",
    ]
    assert find_allowed(log_in(WRITER), harms) == []


def test_a_reader_writes_nothing_and_sees_neither_state_nor_messages(log_in: LogIn) -> None:
    harms = [
        RESULT,
        "DELETE FROM analytics.results",
        "UPDATE analytics.sources SET next_offset = 0",
        "SELECT state FROM analytics.streams",
        "SELECT * FROM analytics.snapshot_streams",
        "SELECT event FROM analytics.outbox",
        "SELECT * FROM analytics.webhooks",
        "SELECT count(*) FROM frames",
        "DROP VIEW anomalies",
    ]
    assert find_allowed(log_in(READER), harms) == []


def test_a_reader_sees_what_was_found(log_in: LogIn) -> None:
    run(log_in(WRITER), RESULT)
    reader = log_in(READER)
    for view in VIEWS:
        run(reader, f"SELECT * FROM {view}")
    assert run(reader, "SELECT count(*) FROM analytics.results") == [(1,)]
    assert run(reader, "SELECT kind FROM gesture_events") == [("wave",)]
    run(reader, "SELECT stream_id, frames, seen_at FROM analytics.streams")
    run(reader, "SELECT * FROM analytics.windows, analytics.sources, analytics.taught_gestures")


def test_the_archives_roles_see_nothing_of_the_analytics(log_in: LogIn) -> None:
    for role in (ARCHIVE_READER, ARCHIVE_WRITER):
        assert find_allowed(log_in(role), ["SELECT * FROM analytics.results"]) == []


def test_a_teacher_teaches_and_does_nothing_else(log_in: LogIn) -> None:
    teacher = log_in(TEACHER)
    columns = ", ".join(column.name for column in taught_gestures.columns)
    assert run(teacher, f"SELECT {columns} FROM analytics.taught_gestures") == []
    run(teacher, "DELETE FROM analytics.taught_gestures")
    harms = [RESULT, "SELECT * FROM analytics.results", "DROP TABLE analytics.taught_gestures"]
    assert find_allowed(teacher, harms) == []


def test_a_service_that_may_change_no_table_starts_where_they_are_up_to_date(log_in: LogIn) -> None:
    engine = connect(log_in(WRITER))
    try:
        migrate(engine)
    finally:
        engine.dispose()


def test_every_table_and_view_is_the_migrators_and_every_column_of_streams_is_spoken_for(log_in: LogIn) -> None:
    url = log_in("")
    apply_roles(url)
    owned = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'analytics'::regnamespace"
    assert run(url, owned) == [(MIGRATOR,)]
    views = "SELECT viewname FROM pg_views WHERE definition LIKE '%analytics.%' AND schemaname = 'public' ORDER BY 1"
    assert [name for (name,) in run(url, views)] == sorted(VIEWS)
    hidden = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'analytics' "
        "AND table_name = 'streams' "
        f"AND NOT has_column_privilege('{READER}', 'analytics.streams', column_name, 'SELECT')"
    )
    assert run(url, hidden) == [("state",)]


def test_statements_are_printed_for_who_runs_them_by_hand(log_in: LogIn, capsys: pytest.CaptureFixture[str]) -> None:
    url = log_in("")
    assert main(["--print"]) == 0
    run(url, capsys.readouterr().out)


def test_a_login_that_may_not_make_roles_is_told_so(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", log_in(WRITER))
    assert main(["--apply"]) == 1
    assert "holistic_migrator" in capsys.readouterr().err
