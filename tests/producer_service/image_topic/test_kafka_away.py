"""Kafka that is away for longer than a frame may wait: what it did not take is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.producer_service.image_topic.conftest import ImageTopic
from tests.producer_service.publishing import broker_stopped, kill_broker
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(150)]

STREAMS: list[str | None] = ["ada", "bob", "cy"]


@pytest.fixture
def own_images(own_stack: tuple[Path, KafkaSettings], request: pytest.FixtureRequest) -> ImageTopic:
    _, kafka = own_stack
    name = request.node.name.replace("_", "-")[:60]
    create_topics(kafka, [TopicSpec(f"images-of-{name}", 3), TopicSpec(f"frames-of-{name}", 2)])
    return ImageTopic(kafka, f"images-of-{name}", f"frames-of-{name}", f"group-of-{name}")


def test_a_broker_that_answers_late_costs_no_frame(
    own_stack: tuple[Path, KafkaSettings], own_images: ImageTopic
) -> None:
    own_images.send(STREAMS * 150)
    with own_images.running(delivery_timeout_s=2):
        wait_until(lambda: len(own_images.frames()) > 30)
        with broker_stopped(own_stack[0]):
            stalled = wait_for_seconds(5.0)
        assert stalled
        wait_until(lambda: is_done(own_images), 60)
    frames = own_images.frames()
    assert {one.origin for one in frames} == own_images.sent.keys()
    # Requests the broker had in hand, given up here, and taken by it afterwards.
    assert len(frames) - len(own_images.sent) <= 4 * len(STREAMS)


def test_a_killed_broker_costs_no_frame_and_doubles_none(
    own_stack: tuple[Path, KafkaSettings], own_images: ImageTopic
) -> None:
    own_images.send(STREAMS * 150)
    with own_images.running(delivery_timeout_s=3):
        wait_until(lambda: len(own_images.frames()) > 30)
        kill_broker(own_stack[0])
        wait_until(lambda: is_done(own_images), 90)
    frames = own_images.frames()
    assert sorted(one.origin for one in frames) == sorted(own_images.sent)
    # A frame that was given up comes after those of its stream that were under way with it.
    for name in STREAMS:
        numbers = [own_images.sent[one.origin][1] for one in frames if one.frame.stream_id == name]
        assert all(abs(number - place) < 4 for place, number in enumerate(numbers))


def is_done(images: ImageTopic) -> bool:
    """Asked again when the broker is not there to say."""
    try:
        return images.all_committed()
    except Exception:  # noqa: BLE001 - every question to it may fail now
        return False


def wait_for_seconds(seconds: float) -> bool:
    """A broker that answers late is one that is waited for."""
    import time

    began_s = time.monotonic()
    wait_until(lambda: time.monotonic() - began_s >= seconds)
    return True
