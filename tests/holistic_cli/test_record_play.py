"""What was recorded from a topic is on another one after it was played."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holistic_cli.load import run_load
from holistic_cli.main import app
from holistic_cli.recordings.container import Recorded, RecordingWriter
from holistic_cli.recordings.take import survey_recording
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.avro import SINGLE_OBJECT_MARKER, write_frame_body
from keypoints.codec import decode
from keypoints.errors import HolisticError
from keypoints.frame import HolisticFrame
from keypoints.schemas import FRAME_SCHEMA, fingerprint_schema
from performers.acts import ActKind
from performers.load_plan import LoadPlan

REPOSITORY = Path(__file__).parents[2]
PLAN = LoadPlan(rate=100.0, streams=3, seconds=4.0, acts=(ActKind.LEAVE, ActKind.WAVE), as_fast_as_possible=True)
DEADLINE_S = 60.0


def command(settings: KafkaSettings | None, *arguments: str) -> tuple[list[str], dict[str, str]]:
    servers = settings.bootstrap_servers if settings else "127.0.0.1:9"
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers, "DATABASE_URL": "postgresql://unused",
                   "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120", "TERM": "dumb"}  # fmt: skip
    return [sys.executable, "-m", "holistic_cli", *arguments], environment


def run(settings: KafkaSettings | None, *arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    program, environment = command(settings, *arguments)
    return subprocess.run(
        program, env=environment, cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def frames_of(settings: KafkaSettings, topic: str) -> dict[str, list[HolisticFrame]]:
    frames: dict[str, list[HolisticFrame]] = {}
    for record in read_whole_topic(settings, topic):
        frame = decode(record.value)
        assert record.key == frame.stream_id.encode()
        assert record.timestamp == frame.captured_at_us // 1000
        frames.setdefault(frame.stream_id, []).append(frame)
    return frames


@pytest.fixture
def danced(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> str:
    """A topic of 3 partitions with 400 frames of three streams, who are not always there."""
    topic = make_topic(partitions=3)
    report, _ = run_load(replace(PLAN, topic=topic, name="dancer"), kafka_settings)
    assert report.complete
    return topic


@pytest.mark.servers
def test_everything_recorded_and_played_with_its_times_is_the_same_again(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], danced: str, tmp_path: Path
) -> None:
    path, other = tmp_path / "all.holistic", make_topic(partitions=2)
    recorded = answer(run(kafka_settings, "record", "--all", "--topic", danced, "--to", str(path),
                          "--from", "earliest", "--until", "now", "--json"))  # fmt: skip
    assert recorded["records"] == 400
    assert recorded["bytes"] == path.stat().st_size
    played = answer(run(kafka_settings, "play", str(path), "--topic", other, "--keep-times", "--as-fast-as-possible",
                        "--json"))  # fmt: skip
    assert played["planned"] == played["acknowledged"] == 400
    before, after = frames_of(kafka_settings, danced), frames_of(kafka_settings, other)
    assert before.keys() == after.keys()
    assert any(not frame.has_person for frame in before["dancer-000"])
    for stream, frames in before.items():
        assert len(after[stream]) == len(frames)
        assert all(ours.equals(theirs) for ours, theirs in zip(after[stream], frames, strict=True))
    headers = {tuple(record.headers) for record in read_whole_topic(kafka_settings, other)}
    assert headers == {(("content-type", b"avro/binary"), ("schema-version", b"1"))}


@pytest.mark.servers
def test_one_stream_is_played_as_another_that_happens_now(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], danced: str, tmp_path: Path
) -> None:
    other = make_topic()
    done = run(kafka_settings, "record", "dancer-001", "--topic", danced, "--from", "earliest", "--until", "now",
               cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    path = tmp_path / "dancer-001.holistic"
    began_us = time.time_ns() // 1000
    answer(run(kafka_settings, "play", str(path), "--topic", other, "--speed", "4", "--loop", "2", "--stream", "star",
               "--json"))  # fmt: skip
    [(name, frames)] = frames_of(kafka_settings, other).items()
    assert name == "star"
    assert [frame.sequence for frame in frames] == [*range(133), *range(133)]
    assert len({frame.epoch for frame in frames}) == 2
    assert began_us < frames[0].captured_at_us < frames[-1].captured_at_us < time.time_ns() // 1000
    was = frames_of(kafka_settings, danced)["dancer-001"]
    for now, then in zip(frames[:133], was, strict=True):
        same = replace(now, stream_id=then.stream_id, epoch=then.epoch, captured_at_us=then.captured_at_us,
                       processed_at_us=then.processed_at_us)  # fmt: skip
        assert same.equals(then)


@pytest.mark.servers
def test_a_pose_file_is_played_with_absent_hands_null(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], shared_data: Path
) -> None:
    topic = make_topic()
    answer(run(kafka_settings, "play", str(shared_data / "recordings" / "example.pose"), "--topic", topic,
               "--as-fast-as-possible", "--json"))  # fmt: skip
    [frames] = frames_of(kafka_settings, topic).values()
    assert len(frames) == 97
    assert [sum(hand is not None for hand in hands) for hands in
            ([frame.left_hand for frame in frames], [frame.right_hand for frame in frames])] == [45, 44]  # fmt: skip


@pytest.mark.servers
def test_another_writers_schema_comes_with_the_recording(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], danced: str, tmp_path: Path
) -> None:
    schema = {**FRAME_SCHEMA, "fields": [*FRAME_SCHEMA["fields"], {"name": "mood", "type": "string"}]}
    fingerprint = fingerprint_schema(schema)
    announce_schema(kafka_settings, schema, fingerprint)
    frame = frames_of(kafka_settings, danced)["dancer-000"][0]
    value = write_frame_body(frame, SINGLE_OBJECT_MARKER + fingerprint) + b"\x06sad"
    topic, other, path = make_topic(), make_topic(), tmp_path / "moody.holistic"
    with BoundedPublisher(kafka_settings) as publisher:
        for _ in range(2):
            publisher.publish(topic, b"dancer-000", value, timestamp_ms=frame.captured_at_us // 1000)
    answer(run(kafka_settings, "record", "--all", "--topic", topic, "--from", "earliest", "--until", "now", "--to",
               str(path), "--json"))  # fmt: skip
    [taken] = survey_recording(path).schemas.by_header.values()
    assert fingerprint_schema(taken) == fingerprint
    played = answer(run(kafka_settings, "play", str(path), "--topic", other, "--json", "--as-fast-as-possible"))
    assert played["unchanged"] == 0
    assert len(frames_of(kafka_settings, other)["dancer-000"]) == 2


@pytest.mark.servers
def test_ctrl_c_ends_a_recording_well(kafka_settings: KafkaSettings, danced: str, tmp_path: Path) -> None:
    path = tmp_path / "live.holistic"
    program, environment = command(
        kafka_settings, "record", "dancer-000", "--topic", danced, "--from", "earliest", "--to", str(path), "--json"
    )
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as recording:
        deadline_s = time.monotonic() + DEADLINE_S
        while not any(part.stat().st_size > 100_000 for part in tmp_path.glob(".*.part")):
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        assert not path.exists(), "a file that is not whole has another name"
        recording.send_signal(signal.SIGINT)
        said, _ = recording.communicate(timeout=DEADLINE_S)
    assert recording.returncode == 0
    assert json.loads(said)["records"] == survey_recording(path).records == 134
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.servers
def test_a_recording_from_now_on_holds_what_comes_and_nothing_else(
    kafka_settings: KafkaSettings, danced: str, tmp_path: Path
) -> None:
    path, done = tmp_path / "live.holistic", threading.Event()

    def dance_on() -> None:
        while not done.is_set():
            run_load(LoadPlan(rate=50.0, streams=1, seconds=0.5, topic=danced, name="late"), kafka_settings)

    dancing = threading.Thread(target=dance_on)
    dancing.start()
    try:
        recorded = answer(run(kafka_settings, "record", "--all", "--topic", danced, "--seconds", "3", "--to", str(path),
                              "--json"))  # fmt: skip
    finally:
        done.set()
        dancing.join()
    assert recorded["streams"].keys() == {"late-000"}
    assert 0 < recorded["seconds"] < 3


@pytest.mark.servers
def test_an_unknown_stream_is_said_and_leaves_no_file(
    kafka_settings: KafkaSettings, danced: str, tmp_path: Path
) -> None:
    where = ("--topic", danced, "--from", "earliest", "--until", "now")
    done = run(kafka_settings, "record", "nobody", *where, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{danced} holds no records of nobody" in done.stderr
    assert list(tmp_path.iterdir()) == []
    some = run(kafka_settings, "record", "nobody", "dancer-002", *where, cwd=tmp_path)
    assert some.returncode == 1
    assert "There was nothing of nobody." in some.stderr
    assert survey_recording(tmp_path / "recording.holistic").streams == {b"dancer-002"}


@pytest.mark.servers
def test_a_topic_that_is_not_there_is_said(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    done = run(kafka_settings, "record", "ada", "--topic", "no-such-topic", cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no topic no-such-topic" in done.stderr


def write_recording(path: Path, streams: int = 1) -> None:
    with path.open("wb") as file:
        writer = RecordingWriter(file)
        for number in range(20):
            key = f"ada-{number % streams}".encode()
            writer.write(Recorded("t", 0, number, 1_000 + number, key, os.urandom(30_000), ()))
        writer.finish()


def test_nothing_of_a_damaged_recording_is_played(tmp_path: Path) -> None:
    path = tmp_path / "cut.holistic"
    write_recording(path)
    path.write_bytes(path.read_bytes()[:400_000])
    done = run(None, "play", str(path))
    assert done.returncode == 1
    assert "cut.holistic cannot be read from record" in done.stderr
    assert "What to do: --up-to" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("record",), 2, "name the streams to record, or say --all"),
        (("record", "ada", "--all"), 2, "name the streams to record, or say --all"),
        (("record", "ada", "--seconds", "3", "--until", "now"), 2, "either --seconds or --until"),
        (("record", "ada", "--until", "now"), 2, "now is not before now"),
        (("record", "ada", "--from", "yesterdayish"), 1, "'yesterdayish' says no time"),
        (("play", "two.holistic", "--stream", "x"), 1, "holds 2 streams (ada-0, ada-1): one name does not fit all"),
        (("play", "two.holistic", "--speed", "0"), 1, "speed must be above 0"),
        (("play", "nothing.holistic"), 2, "does not exist"),
        (("play", "some.pose", "--keep-times"), 2, "does not say when it was captured"),
        (("load", "--ramp", "fast"), 2, "'fast' is no ramp: write it as 100..800"),
        (("load", "--ramp", "1..5", "--rate", "5"), 2, "either a --rate or a --ramp"),
        (("load", "--burst", "3x"), 2, "'3x' is no burst"),
        (("load", "--burst", "3x9s/2s"), 1, "a burst cannot be 3 times the rate for 9 s of every 2 s"),
        (("load", "--mix", "idle:many"), 2, "'idle:many' needs a number after a colon"),
        (("load", "--mix", "idle:0"), 1, "a weight above 0"),
        (("load", "--mix", "idle", "--acts", "wave"), 2, "either --acts of all or a --mix"),
        (("load", "--fault", "sneeze:0.1"), 2, "unknown: sneeze; known are dropout"),
        (("load", "--fault", "limb:2"), 1, "from 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    write_recording(tmp_path / "two.holistic", streams=2)
    (tmp_path / "some.pose").touch()
    monkeypatch.chdir(tmp_path)
    done = CliRunner(env={"COLUMNS": "120", "TERM": "dumb"}).invoke(app, arguments)
    assert done.exit_code == code
    said = done.exception.message if isinstance(done.exception, HolisticError) else done.stderr
    assert sentence in " ".join(said.replace("│", " ").split())
