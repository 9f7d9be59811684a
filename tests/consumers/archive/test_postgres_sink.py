"""Rows in Postgres: what is in them, and that each is there once whatever happens to the server."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from consumers.archive.postgres.errors import PostgresUnavailable
from consumers.archive.postgres.migrate import VERSION_TABLE, migrate
from consumers.archive.postgres.tables import METADATA
from keypoints.errors import Terminal
from keypoints.landmarks import PART_SHAPES, Part, PoseLandmark
from tests.consumers.archive.made_frames import NOON_US, make_batch, with_identity, without_irises
from tests.consumers.archive.postgres_under_test import (
    DAY_US,
    TEST,
    ask,
    open_sink,
    repeat,
    run,
    store,
    stored_offsets,
)

pytestmark = pytest.mark.servers


def test_the_tables_are_what_the_code_takes_them_for(database_url: str) -> None:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables,
            },
        )
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_replicas_that_start_together_migrate_once(make_database: Callable[[], str]) -> None:
    url = make_database()
    with ThreadPoolExecutor(4) as replicas:
        list(replicas.map(migrate, [url] * 4))
    assert ask(url, f"SELECT count(*) FROM {VERSION_TABLE}") == [(1,)]


@pytest.mark.parametrize("first_half_without", [True, False])
def test_hands_that_appear_or_vanish_within_a_backlog_all_land(database_url: str, first_half_without: bool) -> None:
    absent = [(Part.LEFT_HAND,), ()] if first_half_without else [(), (Part.LEFT_HAND,)]
    store(
        database_url,
        make_batch(200, absent=absent[0]),
        make_batch(200, first_offset=200, absent=absent[1]),
        make_batch(50, first_offset=400, absent=tuple(PART_SHAPES)),
    )
    assert ask(database_url, "SELECT count(*), count(left_hand), count(right_hand) FROM frames") == [(450, 200, 400)]
    assert ask(database_url, "SELECT count(*) FROM hand_landmarks WHERE side = 'left'") == [(200 * 21,)]


def test_names_find_the_points_they_name(database_url: str) -> None:
    batch = without_irises(make_batch(10), np.arange(10) < 4)
    store(database_url, batch)
    wrist = batch.pose[:, PoseLandmark.LEFT_WRIST]
    asked = [
        """SELECT x, y, z, visibility FROM pose_landmarks WHERE name = 'left_wrist' ORDER BY "offset\"""",
        """SELECT (pose_landmark(pose, 'Left_Wrist')).* FROM frames ORDER BY "offset\"""",
        'SELECT left_wrist_x, left_wrist_y, left_wrist_z, left_wrist_visibility FROM joints ORDER BY "offset"',
    ]
    for sql in asked:
        np.testing.assert_array_equal(np.array(ask(database_url, sql), dtype=np.float32), wrist)
    irises = ask(database_url, """SELECT "offset" FROM face_landmarks WHERE name = 'left_iris_center' ORDER BY 1""")
    assert [offset for (offset,) in irises] == list(range(4, 10))
    with pytest.raises(psycopg2.errors.RaiseException, match='no pose landmark named "left_wrst"'):
        ask(database_url, "SELECT pose_landmark(pose, 'left_wrst') FROM frames")


def test_key_headers_and_times_are_kept_so_that_a_record_can_be_made_again(database_url: str) -> None:
    batch = make_batch(2)
    headers = ((("content-type", b"avro/binary"), ("traceparent", b"\x00\xff"), ("empty", b""), ("null", None)), ())
    store(database_url, replace(batch, headers=headers, keys=(b"\x00key", None)))
    rows = ask(
        database_url,
        "SELECT record_key, header_names, header_values, extract(epoch FROM record_timestamp) * 1000, topic, topic_id "
        'FROM frames ORDER BY "offset"',
    )
    first, second = rows
    assert bytes(first[0]) == b"\x00key"
    assert list(zip(first[1], [None if value is None else bytes(value) for value in first[2]], strict=True)) == list(
        headers[0]
    )
    assert (second[0], second[1], second[2]) == (None, [], [])
    assert [int(row[3]) for row in rows] == batch.timestamp_ms.tolist()
    assert first[4:] == ("test", "id-of-test")


def test_a_replay_adds_nothing(database_url: str) -> None:
    store(database_url, make_batch(700))
    store(database_url, make_batch(700), make_batch(700, first_offset=350))
    assert stored_offsets(database_url) == list(range(1050))


def test_frames_of_another_century_are_put_aside_and_seen(database_url: str) -> None:
    long_ago = make_batch(3, starts_at_us=0)
    tomorrow_week = make_batch(3, first_offset=3, starts_at_us=NOON_US + 9 * DAY_US)
    absurd = make_batch(1, first_offset=6, starts_at_us=2**63 - 10_000_000)
    store(database_url, long_ago, tomorrow_week, make_batch(3, first_offset=7), absurd)
    assert stored_offsets(database_url) == list(range(10))
    assert stored_offsets(database_url, "frames_out_of_range") == [0, 1, 2, 3, 4, 5, 6]
    assert ask(database_url, 'SELECT captured_at_us FROM frames_out_of_range WHERE "offset" = 6') == [
        (int(absurd.captured_at_us[0]),)
    ]


def test_a_frame_put_aside_is_kept_once_when_its_day_has_come(database_url: str) -> None:
    ahead = make_batch(5, starts_at_us=NOON_US + 9 * DAY_US)
    with open_sink(database_url) as sink:
        sink.put(ahead)
        sink.flush()
    assert stored_offsets(database_url, "frames_out_of_range") == list(range(5))
    with open_sink(database_url, now_us=lambda: NOON_US + 9 * DAY_US) as sink:
        sink.put(ahead)
        sink.flush()
    assert stored_offsets(database_url) == list(range(5))
    assert stored_offsets(database_url, "frames_out_of_range") == []
    with open_sink(database_url) as sink:
        sink.put(ahead)
        sink.flush()
    assert stored_offsets(database_url) == list(range(5))


def test_records_published_again_are_the_records_they_were(database_url: str) -> None:
    store(database_url, make_batch(10))
    store(database_url, with_identity(make_batch(15, topic="restored"), "test", 0, np.arange(15)))
    assert ask(database_url, "SELECT topic, count(*) FROM frames GROUP BY 1") == [("test", 15)]


def test_a_topic_made_anew_is_another_topic(database_url: str) -> None:
    for life in ("first", "second"):
        with open_sink(database_url, topic_ids=lambda _, life=life: life) as sink:  # type: ignore[misc]
            sink.put(make_batch(10))
            sink.flush()
    assert ask(database_url, "SELECT topic_id, count(*) FROM frames GROUP BY 1 ORDER BY 1") == [
        ("first", 10),
        ("second", 10),
    ]


def test_connections_cut_in_the_middle_of_writing_cost_no_row_and_double_none(database_url: str) -> None:
    batches = [make_batch(250, first_offset=first) for first in range(0, 10_000, 250)]
    cut = threading.Event()

    def cut_connections() -> None:
        """Again and again, but not before something was written since."""
        before = -1
        while not cut.wait(0.15):
            [(written,)] = ask(database_url, "SELECT count(*) FROM frames")
            if written == before:
                continue
            before = written
            run(
                database_url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'holistic-archive' AND datname = current_database()",
            )

    cutter = threading.Thread(target=cut_connections)
    failures = 0
    with open_sink(database_url) as sink:
        cutter.start()
        try:
            for number, batch in enumerate(batches):
                if number == len(batches) * 3 // 4:
                    cut.set()
                failures += repeat(lambda batch=batch: sink.put(batch))  # type: ignore[misc]
            failures += repeat(sink.flush)
        finally:
            cut.set()
            cutter.join()
        assert sink.durable_offsets() == {TEST: 10_000}
    assert failures > 0, "no connection was cut while it wrote"
    assert stored_offsets(database_url) == list(range(10_000))


def test_a_day_that_retention_dropped_is_made_again(database_url: str) -> None:
    with open_sink(database_url, connections=1) as sink:
        sink.put(make_batch(5))
        sink.flush()
        [(table,)] = ask(database_url, "SELECT tableoid::regclass::text FROM frames_by_day LIMIT 1")
        run(database_url, f"DROP TABLE {table}")
        sink.put(make_batch(5, first_offset=5))
        assert repeat(sink.flush) == 1
    assert stored_offsets(database_url) == [5, 6, 7, 8, 9]


def test_a_database_that_is_away_is_worth_another_try() -> None:
    with pytest.raises(PostgresUnavailable, match="connecting"), open_sink("postgresql://u@127.0.0.1:1/none"):
        pass


def test_an_unmigrated_database_is_not(make_database: Callable[[], str]) -> None:
    with pytest.raises(Terminal, match="frames_by_day"), open_sink(make_database()):
        pass


def test_days_ahead_exist_before_their_first_frame(database_url: str) -> None:
    with open_sink(database_url):
        days = ask(database_url, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'frames_by_day'::regclass")
    assert days == [(3,)]


def test_faces_are_stored_as_they_are_and_not_analysed(database_url: str) -> None:
    store(database_url, make_batch(1))
    settings_of_parts = ask(
        database_url,
        "SELECT DISTINCT attstorage::text, attstattarget FROM pg_attribute JOIN pg_inherits ON inhrelid = attrelid "
        "WHERE inhparent = 'frames_by_day'::regclass AND attname IN ('face', 'pose', 'left_hand')",
    )
    assert settings_of_parts == [("e", 0)]
