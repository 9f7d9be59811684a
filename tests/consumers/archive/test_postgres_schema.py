"""What `\\d+` and the query planner make of the archive."""

import re
from typing import Any

import pytest

from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import DAY_US, ask, run_alone, store, wait_until

pytestmark = pytest.mark.servers

OURS = "relnamespace = 'public'::regnamespace"
ONE_STREAM = "stream_id = 'performer-3' AND captured_at >= '2026-09-21' AND captured_at < '2026-09-22'"


def test_every_relation_explains_itself(database_url: str) -> None:
    store(database_url, make_batch(1))
    silent = ask(
        database_url,
        f"SELECT relkind, relname FROM pg_class WHERE {OURS} AND relkind IN ('r', 'p', 'v') "
        "AND obj_description(oid, 'pg_class') IS NULL",
    )
    assert silent == []


def test_every_column_of_every_table_view_and_type_explains_itself(database_url: str) -> None:
    store(database_url, make_batch(1))
    silent = ask(
        database_url,
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        f"WHERE {OURS} AND relkind IN ('r', 'p', 'v', 'c') AND attnum > 0 AND NOT attisdropped "
        "AND col_description(attrelid, attnum) IS NULL",
    )
    assert silent == []


def test_every_index_function_and_type_explains_itself(database_url: str) -> None:
    indexes = ask(
        database_url,
        f"SELECT relname FROM pg_class WHERE {OURS} AND relkind IN ('i', 'I') AND NOT relispartition "
        "AND relname NOT LIKE '%version%' AND obj_description(oid, 'pg_class') IS NULL",
    )
    functions = ask(
        database_url,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "AND obj_description(oid, 'pg_proc') IS NULL",
    )
    types = ask(
        database_url,
        "SELECT typname FROM pg_type JOIN pg_class ON pg_class.oid = typrelid WHERE typnamespace = "
        "'public'::regnamespace AND relkind = 'c' AND obj_description(pg_type.oid, 'pg_type') IS NULL",
    )
    assert (indexes, functions, types) == ([], [], [])


@pytest.fixture
def month(database_url: str) -> str:
    """A month of days, the newest with a few thousand frames of fifty streams in turn."""
    newest = make_batch(3000, first_offset=100)
    newest.stream_id[:] = [f"performer-{row % 50}" for row in range(len(newest))]
    store(
        database_url,
        *(make_batch(1, first_offset=day, starts_at_us=NOON_US - day * DAY_US) for day in range(30, 0, -1)),
        newest,
    )
    run_alone(database_url, "VACUUM ANALYZE frames_by_day")
    run_alone(database_url, "VACUUM ANALYZE frames_out_of_range")
    return database_url


OTHER_SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def explain(database_url: str, sql: str) -> str:
    return "\n".join(line for (line,) in ask(database_url, f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}"))


@pytest.mark.parametrize(
    "question",
    [
        f"SELECT captured_at, left_wrist_x FROM joints WHERE {ONE_STREAM}",
        f"SELECT captured_at, y FROM pose_landmarks WHERE name = 'left_wrist' AND {ONE_STREAM}",
        f"SELECT captured_at, (pose_landmark(pose, 'left_wrist')).x FROM frames WHERE {ONE_STREAM}",
        f"SELECT avg((pose_landmark(pose, 'left_wrist')).x * width) FROM frames WHERE {ONE_STREAM}",
    ],
    ids=["joints", "pose_landmarks", "pose_landmark()", "pixels"],
)
def test_one_joint_of_one_stream_is_read_from_the_index_of_its_day_alone(month: str, question: str) -> None:
    plan = explain(month, question)
    assert set(re.findall(r"frames_by_day_\d{8}", plan)) == {"frames_by_day_20260921"}, plan
    assert "Heap Fetches: 0" in plan, plan
    assert "Index Only Scan" in plan, plan
    assert "archived_topics" not in plan, "joined though no topic was asked for"


def test_newest_frames_of_a_stream_are_found_from_the_end_of_its_index(month: str) -> None:
    plan = explain(month, "SELECT captured_at, nose_y FROM joints WHERE stream_id = 'performer-3' "
                          "ORDER BY captured_at DESC LIMIT 5")  # fmt: skip
    assert "Sort Method" not in plan, plan
    assert "Index Only Scan Backward using frames_by_day_20260921" in plan, plan


def test_faces_stay_where_they_are_while_the_body_is_asked_for(month: str) -> None:
    toast = (
        "SELECT sum(toast_blks_read + toast_blks_hit) FROM pg_statio_user_tables WHERE relname LIKE 'frames_by_day_%'"
    )

    def blocks() -> list[tuple[Any, ...]]:
        """What sessions report that have ended."""
        wait_until(lambda: ask(month, OTHER_SESSIONS) == [(0,)])
        return ask(month, toast)

    before = blocks()
    ask(month, f"SELECT sum((pose_landmark(pose_world, 'nose')).x) FROM frames WHERE {ONE_STREAM}")
    assert blocks() == before
    ask(month, f"SELECT sum((face_landmark(face, 'chin')).x) FROM frames WHERE {ONE_STREAM}")
    assert blocks() > before, "the measure sees a face that is read"


def test_angles_and_distances_are_those_of_geometry(database_url: str) -> None:
    bent = (
        "ARRAY(SELECT CASE number WHEN 11 * 4 + 1 THEN 2 WHEN 15 * 4 + 2 THEN 3 WHEN 15 * 4 + 3 THEN 4 ELSE 0 END::real"
        " FROM generate_series(1, 132) AS number)"
    )
    assert ask(
        database_url,
        f"SELECT pose_angle({bent}, 'left_shoulder', 'left_elbow', 'left_wrist'), "
        f"pose_angle({bent}, 'left_wrist', 'left_elbow', 'left_wrist'), "
        f"pose_distance({bent}, 'left_elbow', 'left_wrist'), pose_distance(NULL, 'nose', 'left_wrist')",
    ) == [(90.0, 0.0, 5.0, None)]


def test_who_is_in_the_archive_is_told_by_stream(database_url: str) -> None:
    store(database_url, make_batch(50))
    assert ask(
        database_url,
        "SELECT stream_id, frames, epochs, pose_share, left_hand_share FROM streams ORDER BY stream_id LIMIT 1",
    ) == [("performer-0", 10, 1, 1.0, 1.0)]
