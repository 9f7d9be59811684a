"""The service as a process of its own, reading a real topic: results, events, latency, and kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaConsumer

from consumers.analytics.streams import PartitionStreams
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import encode
from keypoints.frame import FrameBatch
from keypoints.topics import frame_headers, record_key
from tests.consumers.analytics.conftest import query
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.made_streams import busy_minute
from tests.consumers.analytics.working_out import work_out

pytestmark = pytest.mark.servers

WAIT_S = 60.0
RESULTS = "SELECT * FROM analytics.results ORDER BY result_id"
STREAMS = "SELECT * FROM analytics.streams ORDER BY partition, stream_id, epoch, first_offset"
PROGRESS = "SELECT coalesce(sum(greatest(next_offset, quiet_until)), 0) FROM analytics.sources"
"""How far it has come: state, or what was told since."""
SAVED = "SELECT coalesce(sum(next_offset), 0) FROM analytics.sources"
"""How far its state has come."""


def publish(kafka: KafkaSettings, topic: str, batch: FrameBatch) -> None:
    with BoundedPublisher(kafka) as publisher:
        for row in range(len(batch)):
            frame = batch.frame(row)
            publisher.publish(topic, record_key(frame.stream_id), encode(frame), frame_headers())


@contextmanager
def running(
    topic: str, events_topic: str, database_url: str, kafka: KafkaSettings
) -> Iterator[subprocess.Popen[bytes]]:
    """The service in a group named like the topic of its events; killed at the end when it still runs."""
    arguments = [f"name={events_topic}", f"topics={topic}", f"events.topic={events_topic}"]
    arguments += ["consumer.override.max.poll.records=41", "consumer.override.session.timeout.ms=6000"]
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": database_url,
        "HOLISTIC_HTTP_PORT": "0",
    }
    process = subprocess.Popen([sys.executable, "-m", "consumers.analytics", *arguments], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until(database_url: str, statement: str, least: int, most: int | None = None) -> None:
    """Wait until the statement's one number is at least `least`, and `most` at most."""
    deadline_s = time.monotonic() + WAIT_S
    while True:
        # Before the service's first migration there is no table to ask.
        there = query(database_url, "SELECT to_regclass('analytics.sources') IS NOT NULL")[0][0]
        value = query(database_url, statement)[0][0] if there else None
        if value is not None and least <= value and (most is None or value <= most):
            return
        assert time.monotonic() < deadline_s, f"{statement} is still {value}"
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(30)


def read_events(kafka: KafkaSettings, topic: str) -> list[dict[str, Any]]:
    """All events on the topic, as JSON."""
    return [json.loads(record.value or b"") for record in read_whole_topic(kafka, topic)]


def test_killed_again_and_again_the_tables_are_those_of_an_undisturbed_run(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    topic, events_topic = make_topic(2, name="frames"), make_topic(2, name="events")
    disturbed, undisturbed = make_database(), make_database()
    batch = busy_minute(streams=6, frames=400)
    publish(kafka_settings, topic, batch)
    for killed_after in (1, 500, 1_100):
        with running(topic, events_topic, disturbed, kafka_settings) as process:
            wait_until(disturbed, PROGRESS, killed_after)
            process.send_signal(signal.SIGKILL)
            process.wait()
    with running(topic, events_topic, disturbed, kafka_settings) as process:
        wait_until(disturbed, PROGRESS, len(batch))
        wait_until(disturbed, "SELECT count(*) FROM analytics.outbox", 0, most=0)
        assert stop(process) == 0
    other_events = make_topic(1, name="events")
    with running(topic, other_events, undisturbed, kafka_settings) as process:
        wait_until(undisturbed, PROGRESS, len(batch))
        wait_until(undisturbed, "SELECT count(*) FROM analytics.outbox", 0, most=0)
        assert stop(process) == 0
    gestures = query(disturbed, RESULTS)
    assert len(gestures) > 50
    assert gestures == query(undisturbed, RESULTS)
    assert query(disturbed, STREAMS) == query(undisturbed, STREAMS)
    events = read_events(kafka_settings, events_topic)
    expected = {event["event_id"] for event in read_events(kafka_settings, other_events)}
    assert {event["event_id"] for event in events} == expected
    by_id = {event["event_id"]: event for event in events}
    assert all(by_id[event["event_id"]] == event for event in events), "one id, two stories"


def test_a_member_stopped_past_its_session_and_a_second_one_give_each_result_once(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    topic, events_topic, database_url = make_topic(2, name="frames"), make_topic(1, name="events"), make_database()
    batch = busy_minute(streams=6, frames=300)
    half = len(batch) // 2
    publish(kafka_settings, topic, batch.take(range(half)))
    with running(topic, events_topic, database_url, kafka_settings) as sleeper:
        wait_until(database_url, SAVED, half)
        sleeper.send_signal(signal.SIGSTOP)
        publish(kafka_settings, topic, batch.take(range(half, len(batch))))
        with running(topic, events_topic, database_url, kafka_settings) as successor:
            wait_until(database_url, SAVED, len(batch))
            gestures, streams = query(database_url, RESULTS), query(database_url, STREAMS)
            sleeper.send_signal(signal.SIGCONT)
            assert stop(sleeper) == 0
            assert stop(successor) == 0
    assert (query(database_url, RESULTS), query(database_url, STREAMS)) == (gestures, streams)
    ids = {event.result.result_id for event in work_out(PartitionStreams(), batch)}
    assert {row[0] for row in gestures} == ids
    assert {event["gesture_id"] for event in read_events(kafka_settings, events_topic)} == {str(each) for each in ids}


@pytest.mark.alone
def test_a_gesture_is_on_the_topic_well_within_120_ms_of_the_frame_that_decides_it(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    topic, events_topic, database_url = make_topic(1, name="frames"), make_topic(1, name="events"), make_database()
    consumer = KafkaConsumer(
        events_topic, **kafka_settings.client_options(), auto_offset_reset="earliest", group_id=None
    )
    latencies_ms = []
    with running(topic, events_topic, database_url, kafka_settings), BoundedPublisher(kafka_settings) as publisher:
        for number in range(8):
            stream_id = f"performer-{number}"
            publish(
                kafka_settings, topic, FrameBatch.from_frames(make_frames([make_hand("open")] * 5, stream_id=stream_id))
            )
            wait_until(database_url, PROGRESS, number * 6 + 5)
            [last] = make_frames([make_hand("open")] * 6, stream_id=stream_id)[5:]
            published_s = time.monotonic()
            publisher.publish(topic, record_key(stream_id), encode(last), frame_headers())
            while not (records := consumer.poll(timeout_ms=WAIT_S * 1_000)):
                assert time.monotonic() < published_s + WAIT_S
            latencies_ms.append((time.monotonic() - published_s) * 1_000)
            [event] = [json.loads(record.value) for each in records.values() for record in each]
            assert (event["stream_id"], event["phase"], event["kind"]) == (stream_id, "start", "open")
    consumer.close()
    # The first event also waits for the clients' metadata.
    assert sorted(latencies_ms[1:])[len(latencies_ms) // 2] < 120.0, latencies_ms
