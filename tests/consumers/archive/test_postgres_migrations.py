"""Archives of earlier versions come along with all they hold, and the way back is there too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from consumers.archive.postgres import migrations
from consumers.archive.postgres.migrate import find_newest_revision, migrate
from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.postgres_under_test import ask, run, store, stored_offsets

pytestmark = pytest.mark.servers

A_FRAME = """
    INSERT INTO archived_topics (name, kafka_id) VALUES ('test', 'id-of-test');
    INSERT INTO {table} SELECT {offset}, '2026-09-21 14:00+00', now(), now(), now(), 0, 0, 1, 0, 1, 1, false,
        'ada', 'm', NULL, '{{}}', '{{}}', array_fill(0.5::real, ARRAY[132]), NULL, NULL, NULL, NULL {more};
"""


def move(database_url: str, revision: str) -> None:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)
    engine.dispose()


def test_an_archive_of_the_first_version_keeps_its_days_and_gets_what_is_new(make_database: Callable[[], str]) -> None:
    url = make_database()
    move(url, "0002")
    run(
        url,
        "CREATE TABLE frames_by_day_20260921 PARTITION OF frames_by_day "
        "FOR VALUES FROM ('2026-09-21 00:00+00') TO ('2026-09-22 00:00+00');"
        "CREATE VIEW theirs AS SELECT stream_id, left_wrist_x FROM joints;" + A_FRAME.format(
            table="frames_by_day", offset=1000, more=""
        ),
    )  # fmt: skip
    migrate(url)
    store(url, make_batch(10))
    assert stored_offsets(url) == [*range(10), 1000]
    assert ask(url, "SELECT count(left_wrist_x) FROM theirs") == [(11,)]
    assert ask(
        url,
        "SELECT obj_description('frames_by_day_20260921'::regclass), array_to_string(reloptions, ',') LIKE "
        "'%insert_threshold%', pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'frames_by_day_20260921'",
    ) == [("Frames captured on 2026-09-21 (UTC)", True, "holistic_days")]


def test_the_way_back_leads_to_an_empty_database_and_forth_again(database_url: str) -> None:
    store(database_url, make_batch(10))
    move(database_url, "base")
    left = ask(database_url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
                             "relkind IN ('r', 'p', 'v', 'c') UNION SELECT proname FROM pg_proc "
                             "WHERE pronamespace = 'public'::regnamespace")  # fmt: skip
    assert left == [("archive_alembic_version",)]
    assert migrate(database_url).after == find_newest_revision()
    store(database_url, make_batch(10))
    assert stored_offsets(database_url) == list(range(10))
