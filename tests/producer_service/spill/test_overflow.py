"""Live frames while Kafka is away: they wait on disk, and arrive in order, each once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints import decode
from keypoints.topics import TopicSpec
from producer_service.settings import ProducerSettings
from producer_service.spill.errors import KeptInSpill, SpillFull
from producer_service.spill.overflow import MOST_DRAINING
from tests.producer_service.publishing import Service, broker_stopped, kill_broker, make_frame
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

OwnStack = tuple[Path, KafkaSettings]
_IN_FLIGHT = 50_000
"""Room for seven frames in memory."""


def start_service(kafka: KafkaSettings, topic: str, spill_dir: Path, max_bytes: int = 50_000_000) -> Service:
    create_topics(kafka, [TopicSpec(topic, 3)])
    settings = ProducerSettings(
        topic=topic,
        spill_dir=spill_dir,
        spill_max_bytes=max_bytes,
        max_in_flight_bytes=_IN_FLIGHT,
        delivery_timeout_s=2,
    )
    return Service(kafka, settings)


def sequences_on_topic(kafka: KafkaSettings, topic: str) -> dict[str, list[int]]:
    """Of each stream, in the order of the topic."""
    found: dict[str, list[int]] = {}
    for record in read_whole_topic(kafka, topic):
        frame = decode(record.value, key=record.key)
        found.setdefault(frame.stream_id, []).append(frame.sequence)
    return found


def frame_files(spill_dir: Path) -> list[Path]:
    return list(spill_dir.glob("*.spill"))


def test_frames_that_came_while_kafka_was_away_for_longer_than_the_delivery_timeout_arrive_in_order_and_once(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "spilled", tmp_path)
    streams = ("ada", "bob", "cy")
    for sequence in range(10):
        for stream_id in streams:
            service.send(make_frame(stream_id, sequence), may_spill=True)
    with broker_stopped(data_dir):
        for sequence in range(10, 60):
            for stream_id in streams:
                service.send(make_frame(stream_id, sequence), may_spill=True)
        counts = service.ledger.counts()
        assert counts.spilled > 100
        assert counts.in_flight >= counts.spilled
        assert frame_files(tmp_path)
        time.sleep(3.0)
        assert service.news.failed() == []
    for sequence in range(60, 80):
        for stream_id in streams:
            service.send(make_frame(stream_id, sequence), may_spill=True)
    service.news.wait_until(lambda: len(service.news.delivered()) == 240)
    service.publisher.finish()
    assert service.news.all_told_once()
    assert service.ledger.clean
    assert service.ledger.counts().spilled == 0
    assert sequences_on_topic(kafka, "spilled") == {stream_id: list(range(80)) for stream_id in streams}
    assert frame_files(tmp_path) == []


def test_frames_that_came_while_a_killed_broker_was_down_arrive_in_order_and_once(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "broker-killed", tmp_path)
    most_spilled = 0
    for sequence in range(400):
        if sequence == 50:
            kill_broker(data_dir)
        service.send(make_frame("ada", sequence), may_spill=True)
        most_spilled = max(most_spilled, service.ledger.counts().spilled)
        time.sleep(0.005)
    service.news.wait_until(lambda: len(service.news.delivered()) == 400, timeout_s=60)
    service.publisher.finish()
    assert most_spilled > 50
    assert service.ledger.clean
    assert sequences_on_topic(kafka, "broker-killed") == {"ada": list(range(400))}


def test_frames_that_may_not_spill_are_refused_as_ever(own_stack: OwnStack, tmp_path: Path) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "uploads", tmp_path)
    with broker_stopped(data_dir):
        for sequence in range(20):
            service.send(make_frame("ada", sequence))
        assert service.ledger.counts().dropped["publisher_full"] > 10
        assert service.ledger.counts().spilled == 0
    service.publisher.finish()
    assert service.ledger.counts().adds_up


def test_a_full_spill_drops_the_newest_by_name(own_stack: OwnStack, tmp_path: Path) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "full", tmp_path, max_bytes=200_000)
    with broker_stopped(data_dir):
        for sequence in range(100):
            service.send(make_frame("ada", sequence), may_spill=True)
        assert all(isinstance(error, SpillFull) for error in service.news.failed())
        dropped = service.ledger.counts().dropped
        assert dropped == {"spill_full": len(service.news.failed())}
        assert 50 < dropped["spill_full"] < 70
        space = service.publisher.spill_space()
        assert 180_000 < space.bytes <= space.limit_bytes == 200_000
    arrived = 100 - dropped["spill_full"]
    service.news.wait_until(lambda: len(service.news.delivered()) == arrived)
    service.publisher.finish()
    assert service.ledger.counts().adds_up
    assert sequences_on_topic(kafka, "full") == {"ada": list(range(arrived))}


def test_what_waits_on_disk_at_the_end_is_said_and_sent_first_at_the_next_start(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "restarted", tmp_path)
    with broker_stopped(data_dir):
        for sequence in range(50):
            service.send(make_frame("ada", sequence), may_spill=True)
        service.publisher.finish(0.5)
        counts = service.ledger.counts()
        kept = [error for error in service.news.failed() if isinstance(error, KeptInSpill)]
        assert service.news.all_told_once()
        assert counts.adds_up
        assert counts.spilled == len(kept)
        assert len(kept) == 50 - sum(counts.dropped.values()) > 40
    again = start_service(kafka, "restarted", tmp_path)
    assert again.ledger.counts().recovered == len(kept)
    again.send(make_frame("ada", 50), may_spill=True)
    wait_until(lambda: again.ledger.counts().acknowledged == len(kept) + 1)
    again.publisher.finish()
    assert again.ledger.clean
    [sequences] = sequences_on_topic(kafka, "restarted").values()
    # What was in memory at the end may have arrived: it is counted as not acknowledged, for nobody knows.
    first_kept = 50 - len(kept)
    assert sequences[-len(kept) - 1 :] == list(range(first_kept, 51))
    assert frame_files(tmp_path) == []


_SPILL_UNTIL_KILLED = """
import os, signal, sys, time
from pathlib import Path
from kafka_io.settings import KafkaSettings
from tests.producer_service.publishing import make_frame
from tests.producer_service.spill.test_overflow import start_service
servers, spill_dir, frames = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
service = start_service(KafkaSettings(bootstrap_servers=servers), "killed", spill_dir)
print("started", flush=True)
sys.stdin.readline()
for sequence in range(frames):
    service.send(make_frame("ada", sequence), may_spill=True)
print(service.ledger.counts().spilled, flush=True)
while service.ledger.counts().acknowledged < frames // 4:
    time.sleep(0.001)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_producer_killed_while_it_drains_loses_none_that_was_on_disk_and_doubles_few(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    data_dir, kafka = own_stack
    frames = 2_000
    command = [sys.executable, "-c", _SPILL_UNTIL_KILLED, kafka.bootstrap_servers, str(tmp_path), str(frames)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        with broker_stopped(data_dir):
            process.stdin.write("go\n")
            process.stdin.flush()
            spilled = int(process.stdout.readline())
            assert spilled > frames - 20
        assert process.wait(60) == -signal.SIGKILL
    again = start_service(kafka, "killed", tmp_path)
    recovered = again.ledger.counts().recovered
    assert 0 < recovered < frames
    wait_until(lambda: again.ledger.counts().acknowledged == recovered)
    again.publisher.finish()
    assert again.ledger.clean
    [sequences] = sequences_on_topic(kafka, "killed").values()
    assert set(sequences) == set(range(frames))
    doubled = [sequence for sequence, times in Counter(sequences).items() if times > 1]
    assert len(doubled) <= MOST_DRAINING
    assert frame_files(tmp_path) == []
