"""A feed whose topic is not there, or whose Kafka is away, says so and goes on when it is."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from consumers.analytics.feed.run import run_feed
from consumers.analytics.feed.settings import FeedSettings, read_feed_settings
from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal
from keypoints.topics import TopicSpec
from observability.port import take_port
from tests.consumers.analytics.feed.reading import Said, SseReader, next_said, read_socket, read_sse
from tests.consumers.analytics.feed.serving import PATIENCE_S, Publisher, await_true, has_begun, made_event, serve

pytestmark = pytest.mark.servers


@pytest.fixture
def later_topic(kafka_settings: KafkaSettings) -> Iterator[str]:
    """A name that no topic has yet; removed after the test."""
    name = f"later-{uuid.uuid4().hex[:12]}"
    yield name
    delete_topic(kafka_settings, name)


def await_state(reader: SseReader, state: str) -> Said:
    said = reader.first
    while said.event != "state" or said.data["events"]["state"] != state:
        said = reader.next()
    return said


def test_a_topic_that_is_not_there_yet_is_waited_for(
    settings: FeedSettings, publisher: Publisher, later_topic: str
) -> None:
    early = settings.model_copy(update={"events_topic": later_topic})
    with serve(early, publisher.kafka, ready=False) as address, read_sse(address) as reader:
        absent = await_state(reader, "topic_absent")
        assert later_topic in absent.data["events"]["message"]
        answer = httpx.get(f"{address}/readyz")
        assert answer.status_code == 503
        assert later_topic in answer.json()["reasons"][0]
        create_topics(publisher.kafka, [TopicSpec(later_topic, 1)])
        await_state(reader, "following")
        replace(publisher, events_topic=later_topic).events(made_event(1))
        assert [said.number for said in reader.take(1)] == [1]
        assert httpx.get(f"{address}/readyz").json() == {
            "ready": True,
            "reasons": [],
            "events": "following",
            "skeletons": "following",
        }


def test_without_frames_events_are_served_all_the_same(settings: FeedSettings, publisher: Publisher) -> None:
    with serve(settings.model_copy(update={"topic": "no-such-frames"}), publisher.kafka) as address:
        await_true(lambda: httpx.get(f"{address}/readyz").json()["skeletons"] == "topic_absent")
        with read_socket(address, "/v1/events/ws") as socket:
            told = next_said(socket).data
        assert told["events"]["state"] == "following"
        assert "no-such-frames" in told["skeletons"]["message"]


def test_a_feed_without_kafka_serves_its_page_and_says_what_is_wrong() -> None:
    with take_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    nobody = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}")
    with serve(FeedSettings(http_port=0), nobody, ready=False) as address:
        with read_sse(address, headers={"Last-Event-ID": "0:5"}) as reader:
            assert "is the broker up" in await_state(reader, "kafka_away").data["events"]["message"]
        assert httpx.get(f"{address}/livez").status_code == 200
        assert httpx.get(f"{address}/readyz").status_code == 503
        assert httpx.get(f"{address}/page/").status_code == 200


def test_the_program_ends_in_order(settings: FeedSettings, publisher: Publisher) -> None:
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": publisher.kafka.bootstrap_servers,
        "HOLISTIC_EVENTS_TOPIC": settings.events_topic,
        "HOLISTIC_TOPIC": settings.topic,
        "HOLISTIC_LOG_FORMAT": "json",
    }
    program = [sys.executable, "-m", "consumers.analytics.feed", "--port", "0"]
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = next(line for line in running.stderr if "listening on port" in line)
        address = line.split('"page":"')[1].split('"')[0].rstrip("/")
        await_true(lambda: has_begun(address))
        with read_sse(address) as reader:
            running.send_signal(signal.SIGTERM)
            assert reader.next().event == "cut"
        assert running.wait(PATIENCE_S) == 0
        assert "Traceback" not in running.stderr.read()


def test_a_port_that_is_taken_is_named(settings: FeedSettings, publisher: Publisher) -> None:
    with take_port("127.0.0.1", 0) as taken:
        same = settings.model_copy(update={"http_port": taken.getsockname()[1]})
        with pytest.raises(Terminal, match="cannot listen") as refused:
            run_feed(same, publisher.kafka)
    assert "HOLISTIC_HTTP_PORT" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"feed_key": "guessable"}, "HOLISTIC_FEED_KEY"),
        ({"http_port": 70_000}, "HOLISTIC_HTTP_PORT"),
        ({"feed_history_s": -1}, "HOLISTIC_FEED_HISTORY_S"),
        ({"tls_keyfile": "key.pem"}, "HOLISTIC_TLS_CERTFILE"),
    ],
)
def test_a_wrong_setting_is_named_and_no_key_shown(given: dict[str, object], named: str) -> None:
    with pytest.raises(Terminal, match=named) as refused:
        read_feed_settings(**given)
    assert "guessable" not in str(refused.value)
