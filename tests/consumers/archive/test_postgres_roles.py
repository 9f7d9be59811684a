"""What each role may do, tried with logins of its own, and databases whose roles cannot be made."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from psycopg2 import errors as pg
from sqlalchemy import make_url

from connect_runtime.sink import Assignment
from consumers.archive.postgres.errors import PostgresRefused
from consumers.archive.postgres.migrate import Migrated, find_newest_revision, migrate
from consumers.archive.postgres.rewriting import RewritingPostgresSink
from consumers.archive.postgres.roles import DAYS, MIGRATOR, READER, VIEWS, WRITER
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import (
    DAY_US,
    TEST,
    ask,
    open_sink,
    run,
    run_alone,
    store,
    stored_offsets,
    wait_until,
)
from tests.consumers.archive.test_postgres_days import KEEP_3_DAYS, OLD, days

pytestmark = pytest.mark.servers

LogIn = Callable[..., str]
DENIED = pytest.raises(pg.InsufficientPrivilege)
NEWEST = find_newest_revision()


@pytest.fixture
def log_in(database_url: str) -> Iterator[LogIn]:
    """`log_in("holistic_reader")` gives the URL of a login of this test's own, a member of that role."""
    made: list[tuple[str, str]] = []

    def make(role: str, options: str = "", url: str = database_url) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        membership = f"IN ROLE {role}" if role else ""
        run(database_url, f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {options} {membership}")
        made.append((name, url))
        return make_url(url).set(username=name, password="secret").render_as_string(hide_password=False)

    yield make
    for name, url in made:
        run(url, f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(
    "write",
    [
        "DELETE FROM frames_by_day",
        "UPDATE frames_out_of_range SET epoch = 1",
        "INSERT INTO archived_topics (name, kafka_id) VALUES ('a', 'b')",
        "TRUNCATE frames_by_day",
        "SELECT make_frames_day('2026-01-01')",
        "CREATE TABLE mine (x int)",
        f"SET ROLE {DAYS}",
    ],
)
def test_a_reader_reads_all_and_writes_nothing(database_url: str, log_in: LogIn, write: str) -> None:
    store(database_url, make_batch(10))
    reader = log_in(READER)
    for view in VIEWS:
        assert ask(reader, f"SELECT count(*) > 0 FROM {view}") == [(True,)], view
    assert ask(reader, "SELECT count((pose_landmark(pose, 'nose')).x), count(topic) FROM frames") == [(10, 10)]
    assert ask(reader, "SELECT count(*) FROM frames_by_day, retired_offsets, archived_topics") == [(0,)]
    with DENIED:
        run(reader, write)


def test_a_writer_runs_the_sink_from_migration_to_retention(database_url: str, log_in: LogIn) -> None:
    writer = log_in(WRITER)
    assert migrate(writer) == Migrated(NEWEST, NEWEST)
    store(writer, make_batch(10, starts_at_us=NOON_US - 10 * DAY_US), make_batch(10, first_offset=10))
    store(writer, make_batch(12, first_offset=10), make_batch(5, first_offset=22, starts_at_us=0))
    assert OLD in days(writer)
    with open_sink(writer, window=KEEP_3_DAYS) as sink:
        sink.tick()
        wait_until(lambda: OLD not in days(writer))
        wait_until(lambda: ask(writer, "SELECT count(*) FROM retired_offsets") == [(1,)])
    assert stored_offsets(writer) == list(range(10, 27))


def test_a_writer_replaces_a_range(database_url: str, log_in: LogIn) -> None:
    writer = log_in(WRITER)
    store(writer, make_batch(10), make_batch(3, first_offset=10, starts_at_us=0))
    again = make_batch(13, starts_at_us=NOON_US - DAY_US)
    sink = RewritingPostgresSink(writer, lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TEST,), 1, "member", 0))
    for batch in (again, make_batch(2, first_offset=13)):
        sink.put(batch)
        sink.flush()
    sink.stop()
    assert stored_offsets(writer) == list(range(15))
    assert ask(writer, "SELECT count(*) FROM frames WHERE captured_at < '2026-09-21'") == [(13,)]


@pytest.mark.parametrize(
    "harm",
    [
        *(f"DROP VIEW {view} CASCADE" for view in VIEWS),
        "DROP TABLE frames_by_day CASCADE",
        "DROP TABLE archived_topics CASCADE",
        "DROP FUNCTION make_frames_day(date)",
        "DELETE FROM frames_by_day",
        "DELETE FROM archived_topics",
        "DELETE FROM retired_offsets",
        "UPDATE frames_by_day SET epoch = 1",
        "CREATE OR REPLACE VIEW frames AS SELECT 1 AS topic",
        "ALTER TABLE frames_by_day DROP COLUMN face",
        f"SET ROLE {MIGRATOR}",
    ],
)
def test_a_writer_changes_neither_what_is_kept_nor_how_it_is_read(database_url: str, log_in: LogIn, harm: str) -> None:
    with DENIED:
        run(log_in(WRITER), harm)


def test_a_migrator_owns_what_there_is_and_changes_it(database_url: str, log_in: LogIn) -> None:
    store(database_url, make_batch(1))
    owners = ask(
        database_url,
        "SELECT DISTINCT pg_get_userbyid(relowner), relname LIKE 'frames_by_day%' FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace",
    )
    assert sorted(owners) == [(DAYS, True), (MIGRATOR, False)]
    migrator = log_in(MIGRATOR)
    assert migrate(migrator, grant_again=True) == Migrated(NEWEST, NEWEST)
    run(migrator, "ALTER TABLE frames_by_day ADD COLUMN note text; DROP VIEW streams")


def test_a_migrator_brings_an_older_database_up(database_url: str, log_in: LogIn) -> None:
    run(database_url, "DROP VIEW streams, world_joints; DROP FUNCTION pose_angle, pose_distance;"
                      "UPDATE archive_alembic_version SET version_num = '0003'")  # fmt: skip
    with pytest.raises(PostgresRefused) as refused:
        migrate(log_in(WRITER))
    assert "holistic_migrator" in (refused.value.hint or "")
    assert migrate(log_in(MIGRATOR)) == Migrated("0003", NEWEST)
    store(log_in(WRITER), make_batch(3))
    assert ask(log_in(READER), "SELECT sum(frames) FROM streams") == [(3,)]


def test_databases_of_one_cluster_that_migrate_together_share_the_roles(make_database: Callable[[], str]) -> None:
    urls = [make_database() for _ in range(4)]
    with ProcessPoolExecutor(4, get_context("spawn")) as services:
        assert list(services.map(migrate, urls)) == [Migrated(None, NEWEST)] * 4
    for url in urls:
        assert ask(url, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'frames'") == [(MIGRATOR,)]


def test_an_owner_who_may_make_no_roles_migrates_and_is_told_who_may(
    make_database: Callable[[], str], log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_database()
    owner = log_in("", url=url)
    run_alone(url, f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO {make_url(owner).username}")
    migrated = migrate(owner)
    assert (migrated.before, migrated.after) == (None, NEWEST)
    assert migrated.without
    assert "`holistic database migrate`" in caplog.text
    with open_sink(owner, window=KEEP_3_DAYS) as sink:
        sink.put(make_batch(10))
        sink.flush()
    assert stored_offsets(owner) == list(range(10))
    assert migrate(url, grant_again=True).without == ()
    assert ask(url, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'frames'") == [(MIGRATOR,)]
    store(log_in(WRITER, url=url), make_batch(15))
    assert stored_offsets(url) == list(range(15))


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    run(database_url, "UPDATE archive_alembic_version SET version_num = '9999'")
    with pytest.raises(PostgresRefused, match="9999") as refused:
        migrate(database_url)
    assert "newer version" in (refused.value.hint or "")


def test_logins_that_are_members_of_nothing_read_nothing(database_url: str, log_in: LogIn) -> None:
    with DENIED:
        ask(log_in(""), "SELECT count(*) FROM frames")


def test_a_role_of_the_cluster_is_made_with_no_way_to_log_in(database_url: str) -> None:
    rights = ask(
        database_url,
        "SELECT rolname, rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = ANY(%s)",
        ([MIGRATOR, DAYS, WRITER, READER],),
    )
    assert sorted(rights) == sorted((role, False) for role in (MIGRATOR, DAYS, WRITER, READER))
