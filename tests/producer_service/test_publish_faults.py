"""Kafka that does not answer, or dies: each frame is told its fate in time, and publishing goes on afterwards."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from statistics import median

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from kafka_io.admin import create_topics, open_admin, topic_partitions
from kafka_io.errors import KafkaUnavailable, PublisherFull
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import TopicSpec
from producer_service.reachability import Reachability
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered
from tests.producer_service.publishing import Service, broker_stopped, kill_broker, make_frame
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

OwnStack = tuple[Path, KafkaSettings]


def start_service(kafka: KafkaSettings, topic: str, **settings: float) -> Service:
    create_topics(kafka, [TopicSpec(topic, 3)])
    return Service(kafka, ProducerSettings(topic=topic, **settings))  # type: ignore[arg-type]


def test_frames_kafka_does_not_answer_for_are_told_after_the_delivery_timeout_and_those_after_are_taken(
    own_stack: OwnStack,
) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "unanswered", delivery_timeout_s=6)
    service.send(make_frame("ada", 0))
    service.news.wait_until(lambda: len(service.news.delivered()) == 1)
    with broker_stopped(data_dir):
        began_s = time.monotonic()
        for sequence in range(1, 41):
            service.send(make_frame("ada" if sequence % 2 else "bob", sequence))
        service.news.wait_until(lambda: len(service.news.failed()) == 40)
        assert 5.5 < time.monotonic() - began_s < 8
    assert all(isinstance(error, KafkaUnavailable) for error in service.news.failed())
    for sequence in range(41, 61):
        service.send(make_frame("ada" if sequence % 2 else "bob", sequence), wait=True)
    service.news.wait_until(lambda: len(service.news.delivered()) + len(service.news.failed()) == 61)
    later = [service.news.said["ada" if sequence % 2 else "bob", sequence][0] for sequence in range(41, 61)]
    assert all(isinstance(what, Delivered) for what in later), later
    service.publisher.finish()
    counts = service.ledger.counts()
    assert counts.adds_up
    assert (counts.acknowledged, counts.dropped) == (21, {"kafka_unavailable": 40})
    assert service.news.all_told_once()
    assert service.publisher.failure is None


def test_without_room_a_frame_that_does_not_wait_is_dropped_at_once(own_stack: OwnStack) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "without-room", max_in_flight_bytes=50_000)
    service.send(make_frame("ada", 0))
    service.news.wait_until(lambda: len(service.news.delivered()) == 1)
    with broker_stopped(data_dir):
        took_s = []
        for sequence in range(1, 101):
            began_s = time.monotonic()
            service.send(make_frame("ada", sequence))
            took_s.append(time.monotonic() - began_s)
        assert median(took_s) < 0.01
        full = service.news.failed()
        assert all(isinstance(error, PublisherFull) for error in full)
        assert 90 < len(full) < 97
    service.publisher.finish()
    counts = service.ledger.counts()
    assert counts.adds_up
    assert counts.dropped == {"publisher_full": len(full)}
    assert counts.acknowledged == 101 - len(full)
    assert service.news.all_told_once()


def test_a_killed_broker_costs_no_frame_it_comes_back_for(own_stack: OwnStack) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "killed")
    for sequence in range(300):
        if sequence == 100:
            kill_broker(data_dir)
        service.send(make_frame("ada", sequence), wait=True)
        time.sleep(0.005)
    service.publisher.finish()
    assert service.ledger.clean
    offsets = [(told.partition, told.offset) for told in service.news.delivered()]
    assert len(set(offsets)) == 300
    assert len(list(read_whole_topic(kafka, "killed"))) == 300


def test_after_frames_expired_while_the_broker_was_killed_publishing_goes_on(own_stack: OwnStack) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "expired", delivery_timeout_s=2)
    sequence = 0

    def is_over() -> bool:
        nonlocal sequence
        said = len(service.news.delivered()) + len(service.news.failed())
        while sequence < said + 4:
            service.send(make_frame("ada", sequence, with_face=False), wait=True)
            sequence += 1
        last_failed = max((sent for (_, sent), what in service.news.said.items() if is_failure(what)), default=None)
        return last_failed is not None and any(one.sequence > last_failed + 50 for one in service.news.delivered())

    wait_until(lambda: is_over() or len(service.news.delivered()) > 50)
    kill_broker(data_dir)
    wait_until(is_over, 60)
    service.publisher.finish()
    assert service.news.all_told_once()
    assert service.ledger.counts().adds_up


def is_failure(what: list[Delivered | HolisticError]) -> bool:
    return bool(what) and isinstance(what[0], HolisticError)


def test_a_publisher_that_finishes_while_kafka_is_away_tells_every_frame_that_it_was_not_acknowledged(
    own_stack: OwnStack,
) -> None:
    data_dir, kafka = own_stack
    service = start_service(kafka, "finished")
    with broker_stopped(data_dir):
        for sequence in range(10):
            service.send(make_frame("ada", sequence))
        service.publisher.finish(0.5)
        assert service.news.all_told_once()
        counts = service.ledger.counts()
        assert counts.adds_up
        assert sum(counts.dropped.values()) == 10


def test_a_service_nobody_publishes_through_knows_whether_kafka_is_there(own_stack: OwnStack) -> None:
    data_dir, kafka = own_stack
    create_topics(kafka, [TopicSpec("asked", 1)])
    reachability = Reachability(lambda: topic_partitions(kafka, "asked"), ask_every_s=0.1, trust_s=1.0)
    try:
        wait_until(lambda: reachability.reachable)
        with broker_stopped(data_dir):
            wait_until(lambda: not reachability.reachable)
        wait_until(lambda: reachability.reachable)
    finally:
        reachability.close()


def test_a_topic_s_limits_are_read_again_beside_the_frames_that_do_not_wait(own_stack: OwnStack) -> None:
    data_dir, kafka = own_stack
    create_topics(kafka, [TopicSpec("limited", 1, {"max.message.bytes": "5000"})])
    now_s = [0.0]
    limits = TopicLimitsReader(kafka, clock=lambda: now_s[0])
    known = limits.read("limited")
    assert known.max_message_bytes == 5_000
    with open_admin(kafka, "widening the topic") as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "limited", {"max.message.bytes": "9000"})])
    now_s[0] += 3_600.0
    with broker_stopped(data_dir):
        for _ in range(2):
            assert limits.read("limited", wait=False) == known
            # Who asks is back before Kafka has answered.
            assert "limits of limited" in [thread.name for thread in threading.enumerate()]
    wait_until(lambda: limits.read("limited", wait=False).max_message_bytes == 9_000)
