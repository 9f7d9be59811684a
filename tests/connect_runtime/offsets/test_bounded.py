"""A bounded replay reads its ranges and nothing else, and ends: whatever lies in them or at their end."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from kafka import KafkaProducer

from connect_runtime.offsets.bounded import BoundedReplay, ReplayUnfinished, run_bounded_replay
from connect_runtime.offsets.replay_plan import PlannedRange
from connect_runtime.sink import TopicPartition
from connect_runtime.spec import ConnectorSpec
from kafka_io.admin import create_topics, topic_end_offsets
from kafka_io.group_offsets import committed_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from keypoints.topics import SUITE_TOPICS
from tests.connect_runtime.harness import RecordingSink, Store, encode_empty_frame, spec_for, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(60)]


class DiskOnFire(Terminal):
    """Nothing can be written any more."""


class BurningSink(RecordingSink):
    """Takes nothing."""

    def put(self, batch: FrameBatch) -> None:
        raise DiskOnFire("the disk is on fire")


@dataclass
class Stage:
    kafka: KafkaSettings
    topic: str
    store: Store

    def spec(self) -> ConnectorSpec:
        return spec_for(f"bounded-{uuid.uuid4().hex[:8]}", self.topic, self.store)

    def publish(self, count: int, *, partition_key: bytes = b"ada", bad: tuple[int, ...] = ()) -> None:
        with BoundedPublisher(self.kafka) as publisher:
            for number in range(count):
                value = b"rubbish" if number in bad else encode_empty_frame(number)
                publisher.publish(self.topic, partition_key, value)

    def at(self, partition: int, first: int, end: int) -> PlannedRange:
        return PlannedRange(TopicPartition(self.topic, partition), first, end)


@pytest.fixture
def stage(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Stage:
    create_topics(kafka_settings, SUITE_TOPICS)
    return Stage(kafka_settings, make_topic(), Store())


def test_the_range_is_read_once_and_the_group_is_gone(stage: Stage) -> None:
    stage.publish(1500, bad=(700, 1199))
    told: list[int] = []
    spec = stage.spec()
    report = run_bounded_replay(spec, stage.kafka, [stage.at(0, 500, 1200)], told.append)
    assert stage.store.offsets(stage.topic, 0) == [offset for offset in range(500, 1200) if offset not in (700, 1199)]
    assert (report.group, report.records) == (spec.name, 700)
    assert told == sorted(told)
    assert told[-1] == 700
    assert committed_offsets(stage.kafka, spec.name) == {}


def test_partitions_and_topics_outside_of_the_ranges_are_not_read(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    stage = Stage(kafka_settings, make_topic(partitions=2), Store())
    for number in range(40):
        stage.publish(5, partition_key=f"performer-{number}".encode())
    ends = topic_end_offsets(stage.kafka, stage.topic)
    assert min(ends.values()) > 10
    run_bounded_replay(stage.spec(), stage.kafka, [stage.at(1, 3, 9), stage.at(0, 5, 5)])
    assert (stage.store.offsets(stage.topic, 0), stage.store.offsets(stage.topic, 1)) == ([], list(range(3, 9)))


def test_a_range_that_ends_in_a_transactions_mark_ends(stage: Stage) -> None:
    producer = KafkaProducer(
        bootstrap_servers=stage.kafka.bootstrap_servers, transactional_id=f"tx-{uuid.uuid4().hex}", acks="all"
    )
    try:
        producer.init_transactions()
        producer.begin_transaction()
        for number in range(20):
            producer.send(stage.topic, encode_empty_frame(number))
        producer.commit_transaction()
    finally:
        producer.close()
    wait_until("the mark takes an offset", lambda: topic_end_offsets(stage.kafka, stage.topic) == {0: 21})
    run_bounded_replay(stage.spec(), stage.kafka, [stage.at(0, 0, 21)])
    assert stage.store.offsets(stage.topic, 0) == list(range(20))


def test_an_empty_range_is_done_at_once(stage: Stage) -> None:
    assert run_bounded_replay(stage.spec(), stage.kafka, [stage.at(0, 0, 0)]).records == 0
    assert stage.store.events == []


def test_a_replay_that_is_stopped_says_that_it_has_not_ended(stage: Stage) -> None:
    stage.publish(100)
    stage.store.hang.set()
    stop, raised = threading.Event(), list[BaseException]()
    spec = stage.spec()

    def run() -> None:
        try:
            run_bounded_replay(spec, stage.kafka, [stage.at(0, 0, 100)], stop=stop)
        except ReplayUnfinished as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("a put hangs", lambda: stage.store.put_calls > 0)
    stop.set()
    stage.store.hang.clear()
    thread.join(40)
    assert [type(error) for error in raised] == [ReplayUnfinished]
    assert committed_offsets(stage.kafka, spec.name) == {}


def test_what_the_sink_fails_with_ends_the_replay(stage: Stage) -> None:
    stage.publish(10)
    spec = stage.spec()
    burning = ConnectorSpec(spec.name, {**spec.config, "errors.tolerance": "none"}, lambda: BurningSink(stage.store))
    with pytest.raises(DiskOnFire):
        run_bounded_replay(burning, stage.kafka, [stage.at(0, 0, 10)])
    assert stage.store.count() == 0


def test_ranges_are_cut_at_what_the_sink_may_be_given() -> None:
    at = TopicPartition("t", 0)
    bounded = BoundedReplay(ConnectorSpec("x", {}, lambda: RecordingSink(Store())), lambda _: 50, "the live one does")
    [cut, empty, whole] = bounded.keep_within(
        [PlannedRange(at, 0, 100, ("clamped",)), PlannedRange(at, 70, 100), PlannedRange(at, 0, 50)]
    )
    assert (cut.first, cut.end) == (0, 50)
    assert cut.warnings == ("clamped", "from 50 on is not replayed: the live one does")
    assert (empty.first, empty.end, empty.records) == (70, 70, 0)
    assert whole == PlannedRange(at, 0, 50)
