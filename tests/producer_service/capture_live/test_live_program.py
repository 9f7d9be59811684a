"""`python -m producer_service rtsp://…` as a person runs it: until Ctrl-C, and without telling anybody the password."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from tests.producer_service.capture_live.rtsp_camera import RtspCamera
from tests.producer_service.conftest import Position

pytestmark = pytest.mark.servers

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    """A camera with a password."""
    made = RtspCamera("ada", "s3cret")
    yield made
    made.listener.close()


def start(topic: str, kafka: KafkaSettings, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "producer_service", *arguments, "--topic", topic, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, **environment},
    )


@pytest.mark.mediapipe
def test_a_camera_is_published_until_ctrl_c_through_a_loss_and_the_ledger_adds_up(
    camera: RtspCamera,
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    read_topic: Callable[[str], dict[Position, HolisticFrame]],
) -> None:
    topic = make_topic()
    program = start(topic, kafka_settings, camera.url_with("ada", "s3cret"), HOLISTIC_PICTURE_TIMEOUT_S="120")
    deadline_s = time.monotonic() + 60
    while len({frame.epoch for frame in read_topic(topic).values()}) < 2:
        assert time.monotonic() < deadline_s
        assert program.poll() is None
        if len(read_topic(topic)) > 5 and camera.listener.connections == 1:
            camera.listener.hang_up()
        time.sleep(0.2)
    camera.moods.stalled.set()
    asked_s = time.monotonic()
    program.send_signal(signal.SIGINT)
    output, said = program.communicate(timeout=120)
    assert time.monotonic() - asked_s < 5
    ledger = orjson.loads(output)
    assert ledger["adds_up"]
    assert program.returncode == (1 if ledger["dropped"] else 130)
    assert set(ledger["dropped"]) <= {"overtaken"}
    frames = list(read_topic(topic).values())
    assert ledger["acknowledged"] == len(frames) > 0
    assert {frame.stream_id for frame in frames} == {"127.0.0.1-door"}
    assert "connected again" in said
    assert "rtsp://***@127.0.0.1" in said
    assert "s3cret" not in output + said


def test_a_wrong_password_ends_it_with_that_word_and_without_the_password(
    camera: RtspCamera, make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    program = start(make_topic(), kafka_settings, camera.url_with("ada", "hunter2"))
    output, said = program.communicate(timeout=120)
    ledger = orjson.loads(output)
    assert program.returncode == 1
    assert ledger["rejected"] == {"wrong_credentials": 1}
    assert ledger["adds_up"]
    assert "refuses the user or the password" in said
    assert "hunter2" not in output + said


def test_an_address_that_is_none_is_refused_without_showing_what_was_meant_to_be_a_password(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    program = start(make_topic(), kafka_settings, "rtsp://ada:s3@cret@127.0.0.1/door")
    output, said = program.communicate(timeout=120)
    assert program.returncode == 1
    assert "refused_address" in said
    assert "write @ as %40" in said
    assert "s3" not in output + said
