"""Retention that passes a connector by: an alarm and a record, never a silent jump."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest

from connect_runtime.client import Gap
from connect_runtime.gap_topic import read_gaps, write_gap
from connect_runtime.sink import TopicPartition
from kafka_io.admin import topic_id
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.topics import GAPS_TOPIC
from tests.connect_runtime.harness import Broker, Service, Store, running, spec_for, wait_until
from tests.connect_runtime.test_behaviour import frames, labels, new_group

LOST = "holistic_task_gap_records_total"


def read_first(broker: Broker, group: str, topic: str, store: Store, count: int) -> None:
    """Have the group read and commit so many records, and stop."""
    with running(broker, spec_for(group, topic, store)):
        wait_until("read", lambda: broker.committed(group, topic) == {0: count})


def alarms(caplog: pytest.LogCaptureFixture) -> list[tuple[int, int]]:
    """What was logged as lost: first offset, and where reading went on."""
    lines = [line for line in caplog.records if line.name == "connect_runtime.gaps" and line.levelno == logging.ERROR]
    return [(vars(line)["offset"], vars(line)["next_offset"]) for line in lines]


def ranges(gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    return [(gap.first, gap.next_offset) for gap in gaps]


def lost(service: Service, group: str) -> float:
    return service.sample(LOST, **labels(group))


def test_records_that_went_while_the_connector_was_away_are_said_and_put_on_record(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(20))
    read_first(broker, group, topic, store, 20)
    broker.publish(topic, 0, frames(80, first=20))
    broker.delete_records(topic, 0, before=50)
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until("the rest is read", lambda: broker.committed(group, topic) == {0: 100})
        assert lost(service, group) == 30
    assert store.offsets(topic, 0) == [*range(20), *range(50, 100)]
    assert alarms(caplog) == [(20, 50)]
    [gap] = broker.gaps(topic)
    assert (gap.connector, gap.partition, gap.first, gap.next_offset) == (group, TopicPartition(topic, 0), 20, 50)
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until(
            "running again", lambda: service.sample("kafka_connect_sink_task_partition_count", **labels(group)) == 1
        )
    assert alarms(caplog) == [(20, 50)], "what was passed is not said again"


def test_a_topic_emptied_under_a_connector_is_an_alarm_though_no_record_comes(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(10))
    read_first(broker, group, topic, store, 10)
    broker.publish(topic, 0, frames(15, first=10))
    broker.delete_records(topic, 0, before=25)
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until("said", lambda: lost(service, group) == 15)
        wait_until("committed past it", lambda: broker.committed(group, topic) == {0: 25})
    assert alarms(caplog) == [(10, 25)]
    assert ranges(broker.gaps(topic)) == [(10, 25)]


def test_retention_that_overtakes_a_slow_connector_loses_no_record_in_silence(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    spec = spec_for(
        group,
        topic,
        store,
        buffer_memory="400000",
        consumer_override_max_poll_records="20",
        consumer_override_max_partition_fetch_bytes="1000",
        consumer_override_fetch_max_bytes="1000",
    )
    store.hang.set()
    broker.publish(topic, 0, frames(2_000))
    with running(broker, spec) as service:
        wait_until("put begun", lambda: store.put_calls == 1)
        broker.delete_records(topic, 0, before=1_900)
        store.hang.clear()
        wait_until("the rest is read", lambda: broker.committed(group, topic) == {0: 2_000})
        [(first, next_offset)] = alarms(caplog)
        assert next_offset == 1_900
        assert lost(service, group) == next_offset - first > 0
    assert store.offsets(topic, 0) == [*range(first), *range(next_offset, 2_000)]
    assert ranges(broker.gaps(topic)) == [(first, next_offset)]


def test_a_sink_that_keeps_its_own_offsets_is_told_of_no_record_it_will_not_get(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(60))
    broker.delete_records(topic, 0, before=40)
    store.next_offsets[TopicPartition(topic, 0)] = 25
    with running(broker, spec_for(group, topic, store, keeps_offsets=True)) as service:
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 60})
        broker.disturb(group, topic)
        wait_until("opened again", lambda: store.events.count("open 1") > 1)
        assert lost(service, group) == 15
    assert alarms(caplog) == [(25, 40)]
    assert store.offsets(topic, 0) == list(range(40, 60))


def test_a_connector_new_to_a_topic_has_lost_nothing(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(30))
    broker.delete_records(topic, 0, before=12)
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 30})
        assert lost(service, group) == 0
    assert alarms(caplog) == []
    assert broker.gaps(topic) == []
    assert store.offsets(topic, 0) == list(range(12, 30))


def test_offsets_no_record_ever_had_make_the_partition_start_over(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(8))
    store.next_offsets[TopicPartition(topic, 0)] = 500
    with running(broker, spec_for(group, topic, store, keeps_offsets=True)) as service:
        wait_until("all read", lambda: store.offsets(topic, 0) == list(range(8)))
        assert lost(service, group) == 0
    assert broker.gaps(topic) == []


@pytest.mark.servers
def test_a_gap_is_read_back_as_it_was_put_on_record(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=2)
    archived, analysed = TopicPartition(topic, 1), TopicPartition(topic, 0)
    for gap in (
        Gap("archive-postgres", archived, 7, 9, 1_700_000_000_000),
        Gap("archive-postgres", archived, 7, 12, 1_700_000_000_500),
        Gap("analytics", analysed, 0, 3, 1),
    ):
        write_gap(kafka_settings, gap)
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.publish(GAPS_TOPIC, b"of somebody else", b"rubbish")
    life = topic_id(kafka_settings, topic)
    assert read_gaps(kafka_settings, topic) == [
        Gap("analytics", analysed, 0, 3, 1, life),
        Gap("archive-postgres", archived, 7, 12, 1_700_000_000_500, life),
    ]
