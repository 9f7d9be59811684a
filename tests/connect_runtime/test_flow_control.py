"""A slow store: its backlog stays in Kafka and not in memory, and the group never notices."""

from __future__ import annotations

import threading
import time

import pytest

from connect_runtime.config import read_config
from connect_runtime.membership import consumer_settings
from connect_runtime.memory_budget import MemoryBudget
from connect_runtime.service import ConnectorSpec
from keypoints.frame import allocate_batch
from tests.connect_runtime.harness import Broker, OnKafka, Store, running, spec_for, wait_until
from tests.connect_runtime.test_behaviour import frames, labels, new_group

FRAME_BYTES = allocate_batch("frames", 1).coordinate_bytes


def test_what_waits_for_a_slow_store_stays_within_its_share_of_memory(broker: Broker) -> None:
    topic, group, store = broker.make_topic(2), new_group(), Store()
    budget = MemoryBudget(400 * FRAME_BYTES)
    for partition in range(2):
        broker.publish(topic, partition, frames(1_000))
    store.hang.set()
    spec = spec_for(group, topic, store, buffer_memory=str(budget.total_bytes), consumer_override_max_poll_records="30")
    waiting: list[float] = []
    with running(broker, spec) as service:

        def look() -> float:
            waiting.append(service.sample("holistic_task_waiting_bytes", **labels(group)))
            return waiting[-1]

        wait_until("the share is used", lambda: look() > budget.waiting_bytes - 30 * FRAME_BYTES)
        full_at = time.monotonic()
        wait_until("it stays full a while", lambda: look() > 0 and time.monotonic() > full_at + 1.5)
        # What was polled before the partitions were paused is held, and nothing is read after it.
        read = service.sample("kafka_connect_sink_task_sink_record_read_total", **labels(group))
        assert read <= budget.waiting_bytes / FRAME_BYTES + 2 * 30
        store.hang.clear()
        wait_until("all committed", lambda: (look(), broker.committed(group, topic))[1] == {0: 1_000, 1: 1_000})
        wait_until("nothing waits", lambda: look() == 0)
    assert max(waiting) <= budget.waiting_bytes
    assert store.count() == 2_000
    assert store.events == ["open 2", "close 2", "stop"]


def test_a_flush_longer_than_the_session_costs_no_membership(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    spec = spec_for(
        group,
        topic,
        store,
        consumer_override_session_timeout_ms="6000",
        consumer_override_heartbeat_interval_ms="1000",
        consumer_override_max_poll_interval_ms="6000",
    )
    store.flush_hangs.set()
    broker.publish(topic, 0, frames(50))
    with running(broker, spec) as service:
        sent = "kafka_connect_sink_task_sink_record_send_total"
        wait_until("put", lambda: service.sample(sent, **labels(group)) == 50)
        broker.publish(topic, 0, frames(50, first=50))
        threading.Event().wait(9.0 if isinstance(broker, OnKafka) else 0.3)
        assert broker.committed(group, topic) == {}
        store.flush_hangs.clear()
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 100})
        assert service.sample("kafka_connect_connector_task_status", **labels(group), state="RUNNING") == 1
    assert store.events == ["open 1", "close 1", "stop"], "the partitions were taken away"
    assert store.offsets(topic, 0) == list(range(100))


def test_one_setting_bounds_what_is_fetched_what_waits_and_what_the_sink_holds() -> None:
    config = read_config({"name": "archive", "topics": "frames", "buffer.memory": 1_000_000})
    budget = MemoryBudget(config.buffer_bytes)
    assert (budget.fetched_bytes, budget.waiting_bytes, budget.sink_bytes) == (250_000, 250_000, 500_000)
    assert consumer_settings(config, 0) == {"fetch_max_bytes": 250_000}


def test_a_named_process_has_a_name_for_each_of_its_tasks() -> None:
    given = {"name": "archive", "topics": "frames", "consumer.override.group.instance.id": "archive-a"}
    config = read_config(given)
    assert [consumer_settings(config, task)["group_instance_id"] for task in range(2)] == ["archive-a-0", "archive-a-1"]


SESSION_S = 30


@pytest.mark.servers
@pytest.mark.parametrize("named", [True, False])
def test_a_quick_restart_of_a_named_replica_makes_the_others_give_nothing_up(
    named: bool, request: pytest.FixtureRequest
) -> None:
    broker = OnKafka(request.getfixturevalue("kafka_settings"), request.getfixturevalue("make_topic"))
    topic, group, steady, restarted = broker.make_topic(2), new_group(), Store(), Store()

    def spec(store: Store, instance: str) -> ConnectorSpec:
        if not named:
            return spec_for(group, topic, store)
        return spec_for(
            group,
            topic,
            store,
            consumer_override_group_instance_id=instance,
            consumer_override_session_timeout_ms=f"{SESSION_S}000",
        )

    def partitions() -> list[float]:
        return [one.sample("kafka_connect_sink_task_partition_count", **labels(group)) for one in services]

    with running(broker, spec(steady, "steady")) as first:
        with running(broker, spec(restarted, "restarted")) as second:
            services = [first, second]
            wait_until("shared", lambda: partitions() == [1, 1])
            wait_until("opened", lambda: "open 1" in steady.events and "open 1" in restarted.events)
            opened = steady.events.count("open 1")
        stopped_at = time.monotonic()
        for partition in range(2):
            broker.publish(topic, partition, frames(100))
        with running(broker, spec(restarted, "restarted")) as second:
            services = [first, second]
            wait_until("shared again", lambda: partitions() == [1, 1])
            assert not named or time.monotonic() - stopped_at < SESSION_S, "it was over before it was back"
            wait_until("all committed", lambda: broker.committed(group, topic) == {0: 100, 1: 100})
    assert steady.count() + restarted.count() == 200
    if named:
        assert steady.events.count("open 1") == opened, "the restart was a rebalance for the other replica"
        assert (steady.count(), restarted.count()) == (100, 100)
    else:
        assert steady.events.count("open 1") > opened
