"""`holistic gestures` teach, list, remove, export, import: on files, on a stream, and on what nothing is learned of."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from consumers.analytics.database import connect
from consumers.analytics.taught.store import TaughtStore
from holistic_cli.main import app
from holistic_cli.recordings.container import Recorded, RecordingWriter
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode_avro, encode_json
from keypoints.errors import HolisticError
from keypoints.frame import FrameBatch
from tests.consumers.analytics.learning.made_rows import make_hands, write_rows
from tests.consumers.analytics.taught.own_gestures import draw_eight, shapes_held, show_shaka
from tests.holistic_cli.test_main import run_holistic

NOWHERE = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}
SHAKA_S = ("--start", "1.2", "--end", "3.2")


def gestures(*arguments: object, code: int = 0, **environment: str) -> str:
    """What is printed; what went wrong where it ends with another code."""
    settings = {"COLUMNS": "200", "TERM": "dumb", **NOWHERE, **environment}
    done = CliRunner().invoke(app, ["gestures", *map(str, arguments)], env=settings)
    ended, said = done.exit_code, done.stderr
    if isinstance(done.exception, HolisticError):
        ended, said = 1, f"{done.exception.message} {done.exception.hint}"
    assert ended == code, (done.output, done.exception)
    return " ".join(said.split()) if code else done.stdout


def learn(*arguments: object, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(gestures("teach", *arguments, "--json", code=0, **environment))
    return found


def record(path: Path, batch: FrameBatch) -> Path:
    with path.open("wb") as file:
        writer = RecordingWriter(file)
        for row in range(len(batch)):
            frame = batch.frame(row)
            at_ms = frame.captured_at_us // 1000
            writer.write(Recorded("t", 0, row, at_ms, frame.stream_id.encode(), encode_avro(frame), ()))
        writer.finish()
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return record(tmp_path / "shaka.holistic", show_shaka(1))


@pytest.mark.parametrize("verb", ["teach", "import", "remove"])
def test_help_says_when_services_take_it_up(verb: str) -> None:
    assert "when they next open" in " ".join(gestures(verb, "--help").split())


def test_a_recording_teaches_a_shape(recording: Path) -> None:
    lesson = learn("shaka", "--from", recording, *SHAKA_S, "--dry-run")
    assert (lesson["kept"], lesson["taken"], lesson["left_out"]) == (False, 61, 0)
    assert lesson["resembles"] == lesson["missing"] == []
    assert "61 examples" in gestures("teach", "shaka", "--from", recording, *SHAKA_S, "--dry-run")


def test_lines_of_json_teach_the_same(recording: Path, tmp_path: Path) -> None:
    lines = tmp_path / "shaka.jsonl"
    batch = show_shaka(1)
    lines.write_bytes(b"\n".join(encode_json(batch.frame(row)) for row in range(len(batch))) + b"\n")
    taught = [learn("shaka", "--from", path, *SHAKA_S, "--dry-run") for path in (recording, lines)]
    assert taught[0]["version"] == taught[1]["version"]


def test_a_file_of_poses_teaches_a_shape(shared_data: Path) -> None:
    path = shared_data / "recordings" / "example.pose"
    assert learn("sign", "--from", path, "--hand", "right", "--dry-run")["taken"] > 20


def test_segments_teach_a_movement(tmp_path: Path) -> None:
    performances = [draw_eight(1), draw_eight(2), draw_eight(3)]
    for number, batch in enumerate(performances):
        batch.captured_at_us[:] += number * 6_000_000
        batch.stream_id[:] = "ada"
    path = record(tmp_path / "eights.holistic", FrameBatch.concat(performances))
    segments = ("--segment", "0-5.5", "--segment", "6-11.5", "--segment", "12-17.5")
    lesson = learn("eight", "--kind", "movement", "--from", path, *segments, "--dry-run")
    assert (lesson["taken"], lesson["missing"], lesson["resembles"]) == (3, [], [])


def test_labelled_rows_teach_a_shape_apart_from_the_other_labels(tmp_path: Path) -> None:
    rows = make_hands(("open", "closed", "pointing"), 12, seed=5)
    path = write_rows(tmp_path / "rows.csv", rows)
    lesson = learn("my_point", "--from", path, "--label", "pointing", "--dry-run")
    assert (lesson["taken"], lesson["resembles"]) == (12, ["pointing"])
    assert learn("my_point", "--from", path, "--label", "2", "--dry-run")["version"] == lesson["version"]
    assert "which rows: open, closed, pointing" in gestures("teach", "x", "--from", path, "--dry-run", code=2)


@pytest.mark.servers
def test_what_is_taught_is_listed_taken_elsewhere_and_removed(
    recording: Path, make_database: Callable[[], str], tmp_path: Path
) -> None:
    here, there = make_database(), make_database()
    assert "nothing is taught" in gestures("list", DATABASE_URL=here)
    assert gestures("export", code=1, DATABASE_URL=here) == "nothing is taught"
    lesson = learn("shaka", "--from", recording, *SHAKA_S, DATABASE_URL=here)
    assert lesson["kept"]
    (listed,) = orjson.loads(gestures("list", "--json", DATABASE_URL=here))
    assert (listed["name"], listed["version"], listed["source"]) == ("shaka", lesson["version"], "shaka.holistic")
    assert lesson["version"] in gestures("list", DATABASE_URL=here)

    file = tmp_path / "gestures.json"
    file.write_text(gestures("export", "shaka", DATABASE_URL=here))
    assert "1 imported: shaka" in gestures("import", file, DATABASE_URL=there)
    engine = connect(there)
    try:
        taught = TaughtStore(engine).read()
    finally:
        engine.dispose()
    assert [finding.kind for finding in shapes_held(show_shaka(2), taught)] == ["shaka"]

    learn("shaka", "--from", recording, "--start", "1.5", "--end", "2", DATABASE_URL=there)
    assert "taught otherwise here: shaka" in gestures("import", file, code=1, DATABASE_URL=there)
    assert "imported" in gestures("import", file, "--replace", DATABASE_URL=there)
    assert "not taught: eight" in gestures("export", "eight", code=2, DATABASE_URL=there)
    assert "eight is not taught" in gestures("remove", "shaka", "eight", code=1, DATABASE_URL=there)
    assert orjson.loads(gestures("list", "--json", DATABASE_URL=there)) == []


@pytest.mark.servers
def test_the_last_seconds_of_a_stream_teach_a_shape(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic, batch = make_topic(partitions=2), show_shaka(1)
    # The first two seconds are too old, and the arm that goes down at the end is left out for being unlike the rest.
    batch.captured_at_us[:] += round(time.time() * 1e6) - 4_000_000 - 1_000_000
    with BoundedPublisher(kafka_settings) as publisher:
        for row in range(len(batch)):
            frame = replace(batch.frame(row), stream_id="ada")
            publisher.publish(topic, b"ada", encode_avro(frame), timestamp_ms=frame.captured_at_us // 1000)
    servers = {"KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers}
    lesson = learn("shaka", "--from", "ada", "--topic", topic, "--since", "60", "--dry-run", **servers)
    assert lesson["taken"] + lesson["left_out"] == int(np.sum(batch.right_hand_present))
    assert lesson["left_out"] > 0
    nobody = gestures("teach", "shaka", "--from", "eve", "--topic", topic, "--dry-run", code=1, **servers)
    assert "holds no records of eve" in nobody


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("my-shape",), 1, "'my-shape' is no name for a gesture"),
        (("victory",), 1, "victory is a built-in gesture"),
        (("Squat",), 1, "squat is a built-in gesture"),
        (("half_curl",), 1, "half_curl is a built-in gesture"),
        (("shaka", "--start", "3", "--end", "2"), 2, "2 is not after 3"),
        (("shaka", "--segment", "4-3"), 2, "'4-3' is no segment"),
        (("shaka", "--segment", "1-2", "--end", "3"), 2, "either --start and --end, or segments"),
        (("shaka", "--start", "100"), 1, "has no frames from 100 to"),
        (("shaka", "--stream", "eve"), 1, "has no frames of eve"),
        (("shaka", "--hand", "third"), 2, "third"),
        (("shaka", "--kind", "movement", *SHAKA_S, "--hand", "left"), 1, "example 1: the hand hardly moves"),
        (("shaka", "--hand", "left"), 1, "hangs relaxed"),
    ],
)
def test_what_cannot_be_learned_from_is_said(arguments: tuple[str, ...], code: int, said: str, recording: Path) -> None:
    assert said in gestures("teach", *arguments, "--from", recording, "--dry-run", code=code)


def test_a_recording_of_several_streams_asks_for_one(tmp_path: Path) -> None:
    path = record(tmp_path / "two.holistic", FrameBatch.concat([show_shaka(1), show_shaka(2)]))
    said = gestures("teach", "shaka", "--from", path, "--dry-run", code=1)
    assert "has 2 streams: shaka-1, shaka-2" in said
    assert learn("shaka", "--from", path, "--stream", "shaka-2", "--dry-run")["taken"]


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    gone = tmp_path / "gone.holistic"
    assert "there is no file" in gestures("teach", "shaka", "--from", gone, "--dry-run", code=1)
    gone.write_bytes(b"no recording")
    assert "is no recording" in gestures("teach", "shaka", "--from", gone, "--dry-run", code=1)
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"{}\nno json\n")
    assert "lines.jsonl, line 1" in gestures("teach", "shaka", "--from", lines, "--dry-run", code=1)
    assert "is no file of taught gestures" in gestures("import", lines, code=1)
    squats = tmp_path / "rows.csv"
    squats.write_text("label,nose_x,nose_y,nose_z,nose_v\nup,0,0,0,1\n")
    assert "shapes are taught from labelled hands" in gestures("teach", "x", "--from", squats, "--dry-run", code=2)


def test_a_database_that_is_away_is_said_in_a_sentence(recording: Path) -> None:
    for arguments in (("remove", "x"), ("teach", "shaka", "--from", recording)):
        assert "is Postgres up" in gestures(*arguments, code=1)
    done = run_holistic("gestures", "list", **NOWHERE)
    assert done.returncode == 1
    assert "is Postgres up" in done.stderr
    assert "Traceback" not in done.stderr
