"""What is said of each frame that is published: where it is, or why it is not there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kafka_io.errors import RecordTooLarge
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints import HolisticFrame
from keypoints.topics import parse_origin
from producer_service.reachability import Reachability
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered
from tests.producer_service.conftest import Position
from tests.producer_service.publishing import Service, make_frame

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]


def test_whoever_publishes_a_frame_is_told_once_where_it_is_and_so_is_every_watcher(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic(partitions=3)
    service = Service(kafka_settings, ProducerSettings(topic=topic))
    frames = [make_frame(stream_id, sequence) for sequence in range(20) for stream_id in ("ada", "bob")]
    for frame in frames:
        service.send(frame, wait=frame.stream_id == "ada")
    service.publisher.finish()
    assert service.news.all_told_once()
    on_topic = read_topic(topic)
    assert len(on_topic) == len(service.news.watched) == 40
    for frame in frames:
        [told] = service.news.said[frame.stream_id, frame.sequence]
        assert isinstance(told, Delivered)
        assert on_topic[told.partition, told.offset].equals(frame)
    assert service.ledger.clean


def test_a_frame_made_from_a_record_says_from_which(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    topic = make_topic()
    service = Service(kafka_settings, ProducerSettings(topic=topic))
    service.send(make_frame("ada", 0), origin=("holistic-images", 3, 77))
    service.send(make_frame("ada", 1))
    service.publisher.finish()
    records = list(read_whole_topic(kafka_settings, topic))
    assert [parse_origin(record.headers) for record in records] == [("holistic-images", 3, 77), None]


def test_a_frame_kafka_will_not_take_is_told_before_publishing_returns_and_ends_nothing(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    service = Service(kafka_settings, ProducerSettings(topic=make_topic(max_message_bytes="2000")))
    large, small = make_frame("ada", 0), make_frame("ada", 1, with_face=False)
    service.send(large)
    [told] = service.news.said["ada", 0]
    assert isinstance(told, RecordTooLarge)
    assert service.publisher.failure is None
    service.send(small)
    service.publisher.finish()
    assert [delivered.sequence for delivered in service.news.delivered()] == [1]
    counts = service.ledger.counts()
    assert counts.adds_up
    assert (counts.acknowledged, counts.dropped) == (1, {"record_too_large": 1})


def test_a_frame_that_breaks_what_publishes_it_is_booked_and_ends_nothing(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    service = Service(kafka_settings, ProducerSettings(topic=make_topic()))
    nothing_utf8_can_hold = "\ud800"
    service.send(make_frame("ada", 0), origin=(nothing_utf8_can_hold, 0, 0))
    assert len(service.news.said["ada", 0]) == 1
    service.send(make_frame("ada", 1))
    service.publisher.finish()
    counts = service.ledger.counts()
    assert counts.adds_up
    assert (counts.acknowledged, counts.dropped) == (1, {"unpublished": 1})


def test_the_first_frame_of_a_service_waits_for_nothing_but_its_acknowledgement(
    make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    handed_over_s = []
    for _ in range(3):  # a processor that others have is no wait of the service's own, and hardly meets all three
        service = Service(kafka_settings, ProducerSettings(topic=make_topic()))
        began_s = time.monotonic()
        service.send(make_frame("ada", 0))
        handed_over_s.append(time.monotonic() - began_s)
        service.publisher.finish()
        assert service.publisher.reachable
    assert min(handed_over_s) < 0.02


def test_reachable_is_what_was_heard_last_and_not_for_long() -> None:
    now_s = [100.0]
    reachability = Reachability(lambda: None, ask_every_s=1_000.0, clock_s=lambda: now_s[0])

    def reachable_after(seconds: float) -> bool:
        now_s[0] += seconds
        return reachability.reachable

    try:
        assert reachable_after(0.0)
        assert not reachable_after(16.0)
        reachability.note_acknowledged(others_waiting=False)
        assert reachable_after(0.0)
        reachability.note_sent()
        now_s[0] += 10.0
        reachability.note_sent()
        assert reachable_after(0.0)
        assert not reachable_after(6.0), "a frame has waited for 16 s"
        reachability.note_acknowledged(others_waiting=True)
        assert reachable_after(0.0)
    finally:
        reachability.close()
