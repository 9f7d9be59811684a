"""`holistic sql` and `holistic audit`, as a person types them, on both stores."""

import csv
import io
import json
import time
from pathlib import Path

import numpy as np
import psycopg2
import pytest

from consumers.archive.sql import ask_parquet, ask_postgres
from kafka_io.settings import KafkaSettings
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import make_batch, publish, without_irises

pytestmark = pytest.mark.servers

QUESTIONS = [
    "SELECT count(*), count(left_hand), min(captured_at), max(width) FROM frames",
    """SELECT stream_id, avg((pose_landmark(pose, 'left_wrist')).y) AS y FROM frames
       GROUP BY 1 ORDER BY 1""",
    """SELECT name, count(*), min(x), max(z), min(visibility) FROM pose_landmarks GROUP BY 1 ORDER BY 1""",
    "SELECT name, min(x), max(y) FROM pose_world_landmarks WHERE name LIKE '%_knee' GROUP BY 1 ORDER BY 1",
    "SELECT side, name, count(*), max(x) FROM hand_landmarks GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT name, count(*), max(z) FROM face_landmarks GROUP BY 1 ORDER BY 1",
    'SELECT "offset", left_knee_x, nose_visibility FROM joints ORDER BY 1 LIMIT 20',
    'SELECT "offset", right_ankle_z, left_shoulder_visibility FROM world_joints ORDER BY 1 LIMIT 20',
    "SELECT * FROM streams ORDER BY 1",
    """SELECT "offset", pose_angle(pose_world, 'left_shoulder', 'left_elbow', 'left_wrist'),
       pose_distance(pose, 'nose', 'right_hip') FROM frames ORDER BY 1""",
    """SELECT "offset", (face_landmark(face, 'chin')).z, (hand_landmark(right_hand, 'thumb_tip')).x
       FROM frames ORDER BY 1 LIMIT 20""",
    'SELECT topic, "partition", stream_id, mirrored, model FROM frames WHERE left_hand IS NULL ORDER BY "offset"',
]


def make_mixture(topic: str) -> FrameBatch:
    """Frames with and without a left hand, irises, or anything at all."""
    batches = [
        without_irises(make_batch(40, topic=topic), np.arange(40) % 3 == 0),
        make_batch(20, topic=topic, first_offset=40, absent=(Part.LEFT_HAND,)),
        make_batch(3, topic=topic, first_offset=60, absent=tuple(Part)),
    ]
    return FrameBatch.concat(batches)


def test_both_stores_give_the_same_answer(archived: Archived) -> None:
    archived.keep(make_mixture(archived.topic))
    for question in QUESTIONS:
        with (
            ask_postgres(archived.database_url, question) as postgres,
            ask_parquet(archived.root, question) as parquet,
        ):
            ours, theirs = list(postgres.rows), list(parquet.rows)
        assert ours, question
        assert len(ours) == len(theirs), question
        for our_row, their_row in zip(ours, theirs, strict=True):
            for our_value, their_value in zip(our_row, their_row, strict=True):
                close = isinstance(our_value, float)
                assert our_value == (pytest.approx(their_value, rel=1e-6) if close else their_value), question


@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_csv_leaves_absent_values_empty_and_keeps_every_digit(archived: Archived, store: str) -> None:
    batch = make_mixture(archived.topic)
    archived.keep(batch)
    printed = archived.run(
        "sql", "SELECT \"offset\", (pose_landmark(pose, 'nose')).x AS x FROM frames ORDER BY 1", "--on", store, "--csv"
    )
    header, *rows = list(csv.reader(io.StringIO(printed)))
    assert header == ["offset", "x"]
    assert [row[1] for row in rows[60:]] == ["", "", ""]
    np.testing.assert_allclose([float(row[1]) for row in rows[:60]], batch.pose[:60, 0, 0], rtol=1e-7)


@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_a_table_for_people_and_a_sentence_for_mistakes(archived: Archived, store: str) -> None:
    archived.keep(make_batch(3, topic=archived.topic))
    printed = archived.run("sql", "SELECT stream_id, model FROM frames ORDER BY 1", "--on", store)
    assert "performer-2" in printed
    assert "3 rows" in printed
    mistaken = archived.run("sql", "SELECT strem_id FROM frames", "--on", store, expected_code=1)
    assert "strem_id" in mistaken
    assert "Traceback" not in mistaken
    unknown = archived.run("sql", "SELECT pose_landmark(pose, 'left_wrst') FROM frames", "--on", store, expected_code=1)
    assert "left_wrst" in unknown
    no_view = archived.run("sql", "SELECT * FROM gesture_event", "--on", store, expected_code=1)
    assert "holistic sql --help" in no_view


@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_of_an_answer_too_large_for_memory_the_beginning_is_shown(archived: Archived, store: str) -> None:
    # Ten gigabytes.
    rows = {"postgres": "generate_series(1, 1000000)", "parquet": "range(1000000)"}[store]
    shown = archived.run("sql", f"SELECT repeat('x', 10000) AS long FROM {rows}", "--on", store)
    assert "the first 200 rows" in shown


@pytest.mark.parametrize("store", ["postgres", "parquet"])
def test_what_others_named_gives_a_terminal_no_orders(archived: Archived, store: str) -> None:
    shown = archived.run("sql", "SELECT chr(27) || '[31mred' AS name", "--on", store)
    assert "␛[31mred" in shown
    assert "\x1b" not in shown


def test_nothing_can_be_changed(archived: Archived) -> None:
    archived.keep(make_batch(3, topic=archived.topic))
    refused = archived.run("sql", "DELETE FROM frames_by_day", expected_code=1)
    assert "only read" in refused
    assert "3" in archived.run("sql", "SELECT count(*) FROM frames", "--csv")


def test_of_files_only_the_archives_are_read_and_none_is_written(archived: Archived, tmp_path: Path) -> None:
    archived.keep(make_batch(3, topic=archived.topic))
    secret, target = tmp_path / "secret.csv", next(archived.root.rglob("*.parquet"))
    secret.write_text("password\nsesame\n")
    before = target.read_bytes()
    assert "sesame" not in archived.run(
        "sql", f"SELECT * FROM read_csv('{secret}')", "--on", "parquet", expected_code=1
    )
    for place in (target, tmp_path / "new.csv"):
        for how in ("", "EXPLAIN ANALYZE "):
            copying = f"{how}COPY (SELECT 1) TO '{place}'"
            assert "only read" in archived.run("sql", copying, "--on", "parquet", expected_code=1)
    assert target.read_bytes() == before
    assert not (tmp_path / "new.csv").exists()
    question = "PIVOT (SELECT name, x FROM hand_landmarks) ON name USING max(x)"
    assert "thumb_tip" in archived.run("sql", question, "--on", "parquet", "--csv")


def test_audit_names_what_is_missing_doubled_or_unheard_of(archived: Archived, kafka_settings: KafkaSettings) -> None:
    everything = make_batch(30, topic=archived.topic, starts_at_us=time.time_ns() // 1000)
    publish(kafka_settings, archived.topic, everything)
    archived.keep(everything)
    assert json.loads(archived.run("audit", "--json"))["clean"]
    with psycopg2.connect(archived.database_url) as connection, connection.cursor() as cursor:
        cursor.execute('DELETE FROM frames_by_day WHERE "offset" BETWEEN 10 AND 12 OR "offset" = 20')
        cursor.execute('INSERT INTO frames_out_of_range SELECT *, 0 FROM frames_by_day WHERE "offset" IN (3, 4)')
    connection.close()
    beyond = make_batch(2, topic=archived.topic, first_offset=30)
    archived.keep(beyond, archived.parquet())
    audited = json.loads(archived.run("audit", "--json", expected_code=1).strip())
    [partition] = audited["partitions"]
    stores = {store["store"]: store for store in partition["stores"]}
    assert stores["postgres"]["gaps"] == [[10, 12], [20, 20]]
    assert stores["postgres"]["duplicates"] == 2
    assert stores["parquet"]["gaps"] == []
    assert stores["parquet"]["beyond"] == [[30, 31]]
    told = archived.run("audit", expected_code=1)
    assert "NOT clean" in told
    # Where nobody chose a width, nothing is cut.
    assert "…" not in told
    assert "range is empty" in archived.run("audit", "--from", "1m", "--to", "2m", expected_code=2)
