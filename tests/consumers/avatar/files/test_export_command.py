"""`holistic avatar export` writes what a recording or the topic holds."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from consumers.archive.export.files import FileExists
from consumers.avatar.files.export import NobodySeen
from holistic_cli.avatar_export import export
from holistic_cli.recordings.container import Recorded, RecordingWriter
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode_avro
from keypoints.frame import HolisticFrame
from keypoints.topics import TRACKING_TOPIC, frame_headers, record_key
from tests.consumers.avatar.files.opened import Gltf, open_bvh
from tests.consumers.avatar.puppet import film, turn

FRAMES = 45
BEGAN_US = 1_790_000_000_000_000
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(export)


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


def answer(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def film_wave(stream_id: str) -> list[HolisticFrame]:
    frames = [
        film({"LeftUpperArm": turn("z", 3.0 * index - 60.0)}, sequence=index, stream_id=stream_id)
        for index in range(FRAMES)
    ]
    return [replace(frame, captured_at_us=BEGAN_US + frame.captured_at_us) for frame in frames]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two streams, one after the other in turns, and a record that is no frame."""
    path = tmp_path / "two.holistic"
    with path.open("wb") as file:
        writer = RecordingWriter(file)
        both = zip(film_wave("ada"), film_wave("bob"), strict=True)
        values = [
            (frame.stream_id, encode_avro(frame), frame.captured_at_us // 1000) for pair in both for frame in pair
        ]
        values.insert(7, ("ada", b"no frame", values[7][2]))
        for offset, (stream, value, at_ms) in enumerate(values):
            headers = tuple(frame_headers())
            writer.write(Recorded(TRACKING_TOPIC, 0, offset, at_ms, record_key(stream), value, headers))
        writer.finish()
    return path


def test_a_recording_becomes_all_files_that_are_asked_for(recording: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"ada.{ending}" for ending in ("bvh", "glb", "vrma", "vmc")]
    options = [word for path in outputs for word in ("-o", path)]

    report = answer(run("ada", *options, "--recording", recording, "--rate", "60", "--json"))

    assert report["frames"] == FRAMES
    assert report["states"] == pytest.approx(2 * FRAMES, abs=2)
    assert [Path(file["path"]) for file in report["files"]] == outputs
    assert [file["bytes"] for file in report["files"]] == [path.stat().st_size for path in outputs]
    assert len(open_bvh(outputs[0].read_text()).rows) == report["states"]
    assert Gltf(outputs[1].read_bytes()).document["animations"][0]["name"] == "ada"
    assert "VRMC_vrm_animation" in Gltf(outputs[2].read_bytes()).document["extensions"]
    assert report["first_captured_at"].startswith("2026")


def test_a_part_of_a_recording_is_cut_out_by_time(recording: Path, tmp_path: Path) -> None:
    report = answer(
        run("bob", "-o", tmp_path / "bob.bvh", "--recording", recording, "--from", "2026-09-21T14:13:21.5Z", "--json")
    )

    assert 0 < report["frames"] < FRAMES


def test_a_file_that_is_there_is_not_replaced_unasked(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "ada.bvh"
    output.write_text("mine")

    result = run("ada", "-o", output, "--recording", recording)

    assert isinstance(result.exception, FileExists)
    assert output.read_text() == "mine"
    assert run("ada", "-o", output, "--recording", recording, "--force").exit_code == 0
    assert output.read_text().startswith("HIERARCHY")


def test_nothing_of_a_stream_that_nobody_knows_leaves_no_file(recording: Path, tmp_path: Path) -> None:
    result = run("zoe", "-o", tmp_path / "zoe.bvh", "--recording", recording)

    assert isinstance(result.exception, NobodySeen)
    assert [path.name for path in tmp_path.iterdir()] == [recording.name]


@pytest.mark.parametrize(
    "arguments",
    [("-o", "take.fbx"), ("-o", "a.bvh", "-o", "b.glb", "--as", "bvh"), ("-o", "a.bvh", "--rate", "0")],
    ids=["unknown form", "one form for two files", "no rate"],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...]) -> None:
    assert run("ada", *arguments).exit_code == 2


@pytest.mark.servers
def test_a_stream_is_read_off_the_topic_without_a_group(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], tmp_path: Path
) -> None:
    topic, output = make_topic(partitions=2), tmp_path / "take.glb"
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.prepare(topic)
        for stream in ("ada", "bob"):
            for frame in film_wave(stream):
                publisher.publish(topic, record_key(stream), encode_avro(frame), frame_headers())

    result = run(
        "ada", "-o", output, "--topic", topic, "--json", KAFKA_BOOTSTRAP_SERVERS=kafka_settings.bootstrap_servers
    )

    assert answer(result)["frames"] == FRAMES
    assert Gltf(output.read_bytes()).document["animations"][0]["name"] == "ada"
