"""`python -m producer_service` as a person runs it: real video, real MediaPipe, real Kafka."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import orjson
import pytest
from skimage.data import astronaut

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from tests.producer_service.conftest import Position
from tests.producer_service.made_media import encode_picture, write_video

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe]

REPOSITORY = Path(__file__).resolve().parents[2]

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(kafka_settings: KafkaSettings, tmp_path: Path) -> Start:
    """`start(*arguments)`: the program, in a home it cannot write to."""

    def start_program(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "producer_service", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path / "no" / "home"),
                "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
                **environment,
            },
        )

    return start_program


def finish(program: "subprocess.Popen[str]") -> tuple[int, Mapping[str, object], str]:
    """Exit code, the ledger it printed, and what it said on standard error."""
    output, said = program.communicate(timeout=120)
    return program.returncode, orjson.loads(output) if output else {}, said


def test_a_real_video_is_on_the_topic_frame_by_frame(
    shared_data: Path, start: Start, make_topic: Callable[..., str], read_topic: ReadTopic
) -> None:
    topic = make_topic(partitions=6)
    began_at = time.time() - 60
    video = shared_data / "videos" / "hoy_001.mp4"
    program = start(
        video, "--stream", "signer", "--topic", topic, "--captured-at", str(round(began_at * 1000)), "--json"
    )
    code, ledger, said = finish(program)
    assert code == 0
    assert (ledger["received"], ledger["acknowledged"], ledger["frames_with_person"]) == (64, 64, 64)
    frames = list(read_topic(topic).values())
    assert [frame.sequence for frame in frames] == list(range(64))
    assert {(frame.stream_id, frame.width, frame.height) for frame in frames} == {("signer", 1280, 720)}
    assert frames[0].captured_at_us == round(began_at * 1000) * 1000
    assert 2_000_000 < frames[-1].captured_at_us - frames[0].captured_at_us < 2_200_000
    assert all(frame.pose is not None and frame.pose_world is not None for frame in frames)
    assert sum(frame.right_hand is not None for frame in frames) > 50
    assert np.diff([frame.processed_at_us for frame in frames]).min() > 0
    for noise in ("W0000", "XNNPACK", "GetPrototype", "absl", "matplotlib"):
        assert noise not in said


def test_a_folder_with_a_person_nobody_and_a_damaged_file_ends_1_and_tells_which(
    tmp_path: Path, start: Start, make_topic: Callable[..., str], read_topic: ReadTopic
) -> None:
    topic = make_topic()
    folder = tmp_path / "crew"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(encode_picture(astronaut(), "JPEG", quality=92))
    (folder / "2.png").write_bytes(encode_picture(np.full((200, 300, 3), 90, np.uint8)))
    (folder / "3.jpg").write_bytes(encode_picture(astronaut(), "JPEG")[:5_000])
    code, ledger, said = finish(start(folder, "--topic", topic, "--json"))
    assert code == 1
    assert ledger["rejected"] == {"damaged_image": 1}
    assert (ledger["acknowledged"], ledger["frames_with_person"], ledger["adds_up"]) == (2, 1, True)
    assert "3.jpg: damaged_image" in said
    person, nobody = read_topic(topic).values()
    assert person.face is not None
    assert not nobody.has_person


@pytest.mark.parametrize(("number", "expected_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_it_publishes_what_it_captured_and_says_so(
    tmp_path: Path,
    start: Start,
    make_topic: Callable[..., str],
    read_topic: ReadTopic,
    number: signal.Signals,
    expected_code: int,
) -> None:
    topic = make_topic()
    program = start(write_video(tmp_path / "long.mp4", frames=3_000), "--topic", topic, "--json")
    deadline_s = time.monotonic() + 60
    while not read_topic(topic):
        assert time.monotonic() < deadline_s
        assert program.poll() is None
        time.sleep(0.2)
    program.send_signal(number)
    code, ledger, _ = finish(program)
    assert code == expected_code
    assert ledger["adds_up"]
    acknowledged = ledger["acknowledged"]
    assert isinstance(acknowledged, int)
    assert 0 < acknowledged < 3_000
    assert len(read_topic(topic)) == acknowledged


def test_without_a_broker_it_ends_1_within_its_bound_with_a_clear_error(start: Start, tmp_path: Path) -> None:
    began_s = time.monotonic()
    code, ledger, said = finish(start(tmp_path, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1"))
    assert time.monotonic() - began_s < 40
    assert code == 1
    assert not ledger
    assert "error: " in said
    assert "KAFKA_BOOTSTRAP_SERVERS" in said
    assert "Traceback" not in said


def test_a_wrong_capture_time_is_an_error_before_anything_starts(start: Start, tmp_path: Path) -> None:
    code, _, said = finish(start(tmp_path, "--captured-at", "yesterday"))
    assert code == 1
    assert "yesterday" in said
    assert "2025-03-01T09:30:00Z" in said
