"""The service as it runs: frames on a real Kafka topic become packets on a UDP port."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from vmcp import events

from consumers.avatar.cast.book import RoleBook
from consumers.avatar.run import Theatre
from consumers.avatar.settings import START_KEY, read_avatar_settings
from kafka_io.admin import group_lag, topic_end_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame, encode
from keypoints.errors import Terminal
from keypoints.topics import frame_headers, record_key
from observability.metrics import Metrics
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.avatar.receiver import open_receiver, read_events, take_all
from tests.full_disk import no_file_larger_than

REPOSITORY = Path(__file__).resolve().parents[3]
WAIT_S = 60.0


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s until {what}"
        time.sleep(0.05)


def performer_frames(count: int) -> list[HolisticFrame]:
    """A wave, captured and processed now."""
    now_us = time.time_ns() // 1000
    batch = Performer("dancer", [Act(ActKind.WAVE, 0.0, 30.0)], seed=4).batch(
        np.arange(count) / 30.0, start_us=now_us, epoch=1
    )
    return [replace(batch.frame(row), processed_at_us=now_us) for row in range(count)]


def publish(kafka: KafkaSettings, topic: str, frames: list[HolisticFrame]) -> None:
    with BoundedPublisher(kafka) as publisher:
        for frame in frames:
            publisher.publish(
                topic,
                record_key(frame.stream_id),
                encode(frame),
                frame_headers(),
                frame.captured_at_us // 1000,
            )
        publisher.flush(WAIT_S)


@pytest.fixture
def start_service(kafka_settings: KafkaSettings, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start_service(topic, group, port, *arguments)`: `python -m consumers.avatar` in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(topic: str, group: str, port: int, *arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
            "HOLISTIC_TOPIC": topic,
            "HOLISTIC_VMC_TARGETS": f"127.0.0.1:{port}",
            "HOLISTIC_HTTP_PORT": "0",
            "HOLISTIC_AVATAR_LATENCY_LOG": str(tmp_path / "latency.jsonl"),
        }
        command = [sys.executable, "-m", "consumers.avatar", *arguments, f"name={group}"]
        with (tmp_path / "service.log").open("ab") as log:
            started.append(subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=log))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def read_log(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.mark.servers
def test_a_performer_on_the_topic_moves_the_avatar_and_a_restart_goes_on_from_there(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    start_service: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    topic, group = make_topic(), f"avatar-{uuid.uuid4().hex[:8]}"
    frames = performer_frames(90)
    publish(kafka_settings, topic, frames[:60])
    with open_receiver() as receiver:
        port = receiver.getsockname()[1]
        service = start_service(topic, group, port, "--from", "earliest")
        wait_until(lambda: group_lag(kafka_settings, group, topic) == {0: 0}, "the service has caught up")
        publish(kafka_settings, topic, frames[60:])
        wait_until(lambda: group_lag(kafka_settings, group, topic) == {0: 0}, "the service has caught up again")
        check_packets(receiver)
        sent = read_log(tmp_path / "latency.jsonl")
        assert sent[-1]["offset"] == 89
        assert sent[-1]["captured_at_us"] == frames[89].captured_at_us
        assert all(0 <= line["sent_at_us"] - line["received_at_us"] < 5_000_000 for line in sent)
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0
        # Nobody sends on behalf of a service that has gone.
        take_all(receiver)
        with pytest.raises(TimeoutError):
            receiver.recv(2000)
        again = start_service(topic, group, port, "--from", "earliest")
        more = performer_frames(100)[90:]
        publish(kafka_settings, topic, more)
        wait_until(lambda: len(read_log(tmp_path / "latency.jsonl")) > len(sent), "frames are shown again")
        assert read_log(tmp_path / "latency.jsonl")[len(sent)]["offset"] >= 90
        again.kill()
    assert topic_end_offsets(kafka_settings, topic) == {0: 100}


def check_packets(receiver: socket.socket) -> None:
    """What comes in now is the whole state, again and again, as the keep-alive sends it."""
    take_all(receiver)
    received: list[Any] = []
    wait_until(lambda: received.extend(read_events(take_all(receiver))) or len(received) > 200, "packets come in")  # type: ignore[func-returns-value]
    bones = {event.joint.value for event in received if isinstance(event, events.BoneTransformEvent)}
    shapes = {event.key for event in received if isinstance(event, events.BlendShapeEvent)}
    assert {"Head", "RightUpperArm", "RightHand", "RightIndexProximal", "LeftUpperLeg"} <= bones
    assert {"A", "I", "U", "E", "O", "Blink_L", "Blink_R", "Joy"} <= shapes
    assert any(isinstance(event, events.StateEvent) for event in received)


def test_a_live_service_begins_with_the_latest_and_a_replay_with_the_earliest() -> None:
    live, replay = read_avatar_settings(), read_avatar_settings(avatar_from="earliest")
    assert live.connector_config({})[START_KEY] == "latest"
    assert live.stage_options().stale_after_s == 2.0
    assert replay.connector_config({})[START_KEY] == "earliest"
    assert replay.stage_options().stale_after_s is None
    assert read_avatar_settings(avatar_speed=2.0).stage_options().stale_after_s is None
    assert read_avatar_settings(avatar_rate_hz=30.0).stage_options().period_s == 1 / 30


def test_several_targets_are_read_from_one_line() -> None:
    written = "127.0.0.1:39539, vmc://studio:39540?profile=warudo&parts=body,face, ifm://phone"
    assert read_avatar_settings(vmc_targets=written).default_targets().targets == (
        "127.0.0.1:39539", "vmc://studio:39540?profile=warudo&parts=body,face", "ifm://phone",
    )  # fmt: skip


def test_where_nothing_can_be_kept_and_beside_another_process_avatars_are_moved_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theatre = Theatre(read_avatar_settings(vmc_targets=""), Metrics(), RoleBook(None))
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "poses", tmp_path / "poses"):
        first = theatre.make_sink(memory=path)
        second = theatre.make_sink(memory=path)
        first.stop()
        second.stop()
    said = [line.message for line in caplog.records if "cannot be kept" in line.message]
    assert len(said) == 3, "twice of what is no directory, once of a file in use"


def test_on_a_full_disk_avatars_are_moved_all_the_same_and_nothing_is_left_half_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theatre = Theatre(read_avatar_settings(vmc_targets=""), Metrics(), RoleBook(None))
    with no_file_larger_than(4096):
        theatre.make_sink(memory=tmp_path / "poses").stop()
    assert [line.message for line in caplog.records if "cannot be kept" in line.message] == [
        "what is shown last cannot be kept: File too large"
    ]
    assert (tmp_path / "poses").stat().st_size == 0
    caplog.clear()
    # There is room again.
    theatre.make_sink(memory=tmp_path / "poses").stop()
    assert not caplog.records


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(Terminal, match="HOLISTIC_AVATAR_FROM"):
        read_avatar_settings(avatar_from="yesterday")


def test_a_target_nobody_knows_stops_the_service_with_a_sentence() -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [sys.executable, "-m", "consumers.avatar", "--targets", "no-such-host.invalid:39539"],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "no-such-host.invalid" in done.stderr
    assert "Traceback" not in done.stderr
