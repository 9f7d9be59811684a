"""One service that the gateway's tests share, with limits of time small enough to meet them."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.producer_service.gateway.serving import Service, serving
from tests.producer_service.made_media import draw_quarters, encode_picture

Serve = Callable[..., AbstractContextManager[Service]]


@pytest.fixture(scope="session")
def service(kafka_settings: KafkaSettings) -> Iterator[Service]:
    """A service without keys, on a topic of its own."""
    topic = f"gateway-{uuid.uuid4().hex[:12]}"
    # Some pictures say that they are months old, and Kafka would drop them by that.
    create_topics(kafka_settings, [TopicSpec(topic, 3, {"retention.ms": "-1"})])
    quick: dict[str, object] = {
        "body_timeout_s": 3.0,
        "header_timeout_s": 0.5,
        "idle_stream_s": 60.0,
        "streams_a_key": 1000,
        "requests_per_s": 1e6,
    }
    with serving(kafka_settings, topic, quick) as running:
        yield running
    delete_topic(kafka_settings, topic)


@pytest.fixture
def serve(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Serve:
    """`with serve(setting=…) as service`: a service of the test's own."""
    return lambda **settings: serving(kafka_settings, make_topic(), settings)


@pytest.fixture(scope="session")
def person() -> bytes:
    """A PNG with somebody in it: the landmarker goes by its colour."""
    return encode_picture(draw_quarters())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where keys may be made."""
    return tmp_path / "keys.json"
