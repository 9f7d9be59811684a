"""What a user of the runtime counts on, the same on the broker in memory and on a real one."""

from __future__ import annotations

import io
import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

import fastavro
import pytest

from connect_runtime.service import ConnectorSpec
from connect_runtime.sink import TopicPartition
from keypoints.avro import SINGLE_OBJECT_MARKER
from keypoints.errors import Terminal
from keypoints.schemas import FRAME_SCHEMA, Schema, SchemaUnknown, fingerprint_schema
from tests.connect_runtime.harness import (
    Broker,
    OnKafka,
    RecordingSink,
    Service,
    Store,
    encode_empty_frame,
    running,
    spec_for,
    wait_until,
)

NEVER_MS = "3600000"
DAMAGED: list[bytes | None] = [bytes(range(100, 200)), b"", None, b'{"keypoints": [1, 2]}', encode_empty_frame(0)[:20]]


def new_group() -> str:
    return f"group-{uuid.uuid4().hex[:8]}"


def frames(count: int, first: int = 0) -> list[bytes | None]:
    return [encode_empty_frame(first + index) for index in range(count)]


def labels(group: str) -> dict[str, str]:
    return {"connector": group, "task": "0"}


def test_every_record_reaches_the_store_once_and_is_committed(broker: Broker) -> None:
    topic, group, store = broker.make_topic(3), new_group(), Store()
    for partition in range(3):
        broker.publish(topic, partition, frames(700))
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 700, 1: 700, 2: 700})
        assert service.sample("kafka_connect_sink_task_sink_record_read_total", **labels(group)) == 2100
        assert service.sample("kafka_connect_sink_task_sink_record_send_total", **labels(group)) == 2100
        assert service.sample("kafka_connect_sink_task_partition_count", **labels(group)) == 3
        wait_until("lag 0", lambda: service.sample("holistic_task_lag_records", **labels(group)) == 0)
    assert service.exit_code == 0
    assert all(store.offsets(topic, partition) == list(range(700)) for partition in range(3))
    assert set(store.rows.values()) == {1}


def test_what_the_sink_has_not_made_durable_is_not_committed_until_a_stop_drains_it(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(50))
    spec = spec_for(group, topic, store, offset_flush_interval_ms=NEVER_MS)
    with running(broker, spec) as service:
        wait_until(
            "all put", lambda: service.sample("kafka_connect_sink_task_sink_record_send_total", **labels(group)) == 50
        )
        assert broker.committed(group, topic) == {}
        assert store.count() == 0
    assert service.exit_code == 0
    assert store.offsets(topic, 0) == list(range(50))
    assert broker.committed(group, topic) == {0: 50}
    assert store.events == ["open 1", "close 1", "stop"]


def test_a_joining_replica_makes_the_first_flush_and_commit_before_it_gives_partitions_up(broker: Broker) -> None:
    topic, group, store = broker.make_topic(2), new_group(), Store()
    for partition in range(2):
        broker.publish(topic, partition, frames(40))
    spec = spec_for(group, topic, store, offset_flush_interval_ms=NEVER_MS)
    with running(broker, spec) as first:
        wait_until(
            "all put", lambda: first.sample("kafka_connect_sink_task_sink_record_send_total", **labels(group)) == 80
        )
        with running(broker, spec) as second:
            wait_until(
                "the partitions are shared",
                lambda: (
                    [one.sample("kafka_connect_sink_task_partition_count", **labels(group)) for one in (first, second)]
                    == [1, 1]
                ),
            )
            assert broker.committed(group, topic) == {0: 40, 1: 40}
            assert store.count() == 80
            for partition in range(2):
                broker.publish(topic, partition, frames(10, first=40))
            wait_until(
                "both work",
                lambda: (
                    [
                        one.sample("kafka_connect_sink_task_sink_record_send_total", **labels(group))
                        for one in (first, second)
                    ]
                    == [90, 10]
                ),
            )
    assert all(store.offsets(topic, partition) == list(range(50)) for partition in range(2))
    assert broker.committed(group, topic) == {0: 50, 1: 50}
    assert set(store.rows.values()) == {1}


def test_a_store_outage_is_retried_and_costs_no_membership(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    on_kafka = isinstance(broker, OnKafka)
    spec = spec_for(
        group,
        topic,
        store,
        consumer_override_session_timeout_ms="6000",
        consumer_override_heartbeat_interval_ms="1000",
        consumer_override_max_poll_interval_ms="6000",
        consumer_override_max_poll_records="10",
    )
    store.down.set()
    broker.publish(topic, 0, frames(100))
    with running(broker, spec) as service:
        retries = "kafka_connect_task_error_total_retries_total"
        enough = 45 if on_kafka else 3  # on Kafka that is longer than the session and the poll interval
        wait_until("retried", lambda: service.sample(retries, **labels(group)) >= enough)
        assert broker.committed(group, topic) == {}
        store.down.clear()
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 100})
        assert service.sample("kafka_connect_connector_task_status", **labels(group), state="RUNNING") == 1
    assert store.events == ["open 1", "close 1", "stop"]
    assert store.offsets(topic, 0) == list(range(100))


def test_a_put_that_hangs_past_the_poll_interval_costs_no_membership(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    spec = spec_for(
        group, topic, store, consumer_override_session_timeout_ms="6000", consumer_override_max_poll_interval_ms="6000"
    )
    store.hang.set()
    broker.publish(topic, 0, frames(10))
    with running(broker, spec) as service:
        wait_until("put begun", lambda: store.put_calls == 1)
        threading.Event().wait(8.0 if isinstance(broker, OnKafka) else 0.2)
        store.hang.clear()
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 10})
        assert service.sample("kafka_connect_sink_task_partition_count", **labels(group)) == 1
    assert store.put_calls == 1
    assert store.events == ["open 1", "close 1", "stop"]


def test_damaged_records_are_skipped_logged_with_their_place_and_counted(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, [*frames(5), *DAMAGED, *frames(5), DAMAGED[0]])
    with running(broker, spec_for(group, topic, store)) as service:
        wait_until("all passed", lambda: broker.committed(group, topic) == {0: 16})
        assert service.sample("kafka_connect_task_error_total_record_failures_total", **labels(group)) == 6
        assert service.sample("kafka_connect_task_error_total_records_skipped_total", **labels(group)) == 6
    assert store.offsets(topic, 0) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    places = [
        (vars(line)["topic"], vars(line)["partition"], vars(line)["offset"])
        for line in caplog.records
        if line.name == "connect_runtime.rejections"
    ]
    assert places == [(topic, 0, offset) for offset in (5, 6, 7, 8, 9, 15)]


def test_without_tolerance_the_task_fails_at_the_first_damaged_record_and_says_so(broker: Broker) -> None:
    topic, group, store = broker.make_topic(2), new_group(), Store()
    broker.publish(topic, 0, [*frames(7), DAMAGED[0], *frames(3), DAMAGED[0]])
    broker.publish(topic, 1, [*frames(4), DAMAGED[0], *frames(4)])
    with running(broker, spec_for(group, topic, store, errors_tolerance="none"), http_port=0) as service:
        wait_until(
            "failed",
            lambda: service.sample("kafka_connect_connector_task_status", **labels(group), state="FAILED") == 1,
        )
        wait_until("both partitions are before their bad record", lambda: store.count() == 11)
        # It starts again and fails again: what is told changes from one answer to the next.
        wait_until("why is told", lambda: "cannot be used" in told_unready(service.port))
        wait_until("committed up to them", lambda: broker.committed(group, topic) == {0: 7, 1: 4})
    assert store.offsets(topic, 0) == list(range(7))
    assert store.offsets(topic, 1) == list(range(4))


def told_unready(port: int) -> str:
    """Why the first task failed, as /readyz tells it; nothing while it has not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=15):
            return ""
    except urllib.error.HTTPError as refused:
        with refused:
            return str(json.loads(refused.read())["tasks"][0].get("trace", "")) if refused.code == 503 else ""


def test_a_failed_task_starts_again_with_a_new_sink_and_reads_again_what_was_not_durable(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(30))

    class StoreCorrupt(Terminal):
        pass

    class FailsAtFirst(RecordingSink):
        def flush(self) -> None:
            if store.flush_calls == 0:
                store.flush_calls += 1
                raise StoreCorrupt("the first flush breaks")
            super().flush()

    spec = ConnectorSpec(group, {"topics": topic, "offset.flush.interval.ms": 100}, lambda: FailsAtFirst(store))
    with running(broker, spec) as service:
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 30})
        assert service.sample("kafka_connect_worker_connector_task_restart_total", **labels(group)) == 1
        assert service.sample("kafka_connect_connector_task_status", **labels(group), state="RUNNING") == 1
    assert store.events == ["open 1", "stop", "open 1", "close 1", "stop"]
    assert store.offsets(topic, 0) == list(range(30))


def test_a_sink_that_keeps_offsets_says_where_to_go_on(broker: Broker) -> None:
    topic, group, store = broker.make_topic(2), new_group(), Store()
    for partition in range(2):
        broker.publish(topic, partition, frames(20))
    store.next_offsets[TopicPartition(topic, 0)] = 15
    with running(broker, spec_for(group, topic, store, keeps_offsets=True)):
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 20, 1: 20})
    assert store.offsets(topic, 0) == [15, 16, 17, 18, 19]
    assert store.offsets(topic, 1) == list(range(20))


def test_rows_dropped_undurable_in_a_rebalance_are_read_again_by_a_member_that_keeps_its_partition(
    broker: Broker,
) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(25))
    spec = spec_for(group, topic, store, offset_flush_interval_ms=NEVER_MS, task_shutdown_graceful_timeout_ms="5000")
    sent = "kafka_connect_sink_task_sink_record_send_total"
    with running(broker, spec) as service:
        wait_until("all put", lambda: service.sample(sent, **labels(group)) == 25)
        store.down.set()
        broker.disturb(group, topic)
        wait_until("given up", lambda: "close 1" in store.events)
        assert store.count() == 0
        store.down.clear()
        wait_until("put again", lambda: service.sample(sent, **labels(group)) >= 50)
    assert store.offsets(topic, 0) == list(range(25))
    assert broker.committed(group, topic) == {0: 25}


class GrowingSchemas:
    """Schemas that somebody announces later."""

    def __init__(self) -> None:
        self.known: dict[bytes, Schema] = {}
        self.asked = 0

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        self.asked += 1
        if fingerprint not in self.known:
            raise SchemaUnknown("not announced", fingerprint=fingerprint.hex())
        return self.known[fingerprint]

    def by_registry_id(self, schema_id: int) -> Schema:
        raise SchemaUnknown("no registry", schema_id=schema_id)


def encode_with_new_field(sequence: int) -> tuple[bytes, Schema, bytes]:
    schema: Schema = {**FRAME_SCHEMA, "fields": [*FRAME_SCHEMA["fields"], {"name": "mood", "type": "string"}]}
    frame: Mapping[str, Any] = {
        "stream_id": "ada", "sequence": sequence, "epoch": 1, "captured_at": 1_700_000_000_000_000,
        "processed_at": 1_700_000_000_000_000, "width": 1, "height": 1, "mirrored": False, "model": "m",
        "pose": None, "pose_world": None, "face": None, "left_hand": None, "right_hand": None, "mood": "calm",
    }  # fmt: skip
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, frame)
    fingerprint = fingerprint_schema(schema)
    return SINGLE_OBJECT_MARKER + fingerprint + buffer.getvalue(), schema, fingerprint


def test_a_schema_announced_late_is_waited_for(broker: Broker) -> None:
    topic, group, store, schemas = broker.make_topic(1), new_group(), Store(), GrowingSchemas()
    value, schema, fingerprint = encode_with_new_field(1)
    broker.publish(topic, 0, [encode_empty_frame(0), value, encode_empty_frame(2)])
    with running(broker, spec_for(group, topic, store), schemas=schemas):
        wait_until("asked twice", lambda: schemas.asked >= 2)
        assert broker.committed(group, topic) == {}
        schemas.known[fingerprint] = schema
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 3})
    assert store.offsets(topic, 0) == [0, 1, 2]


def test_a_schema_nobody_announces_makes_bad_records_after_a_bounded_time(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    value, _, _ = encode_with_new_field(1)
    broker.publish(topic, 0, [encode_empty_frame(0), value, encode_empty_frame(2)])
    spec = spec_for(group, topic, store, errors_schema_retry_timeout_ms="500")
    with running(broker, spec, schemas=GrowingSchemas()) as service:
        wait_until("all passed", lambda: broker.committed(group, topic) == {0: 3})
        assert service.sample("kafka_connect_task_error_total_records_skipped_total", **labels(group)) == 1
    assert store.offsets(topic, 0) == [0, 2]


def test_a_replica_without_a_partition_is_ready_and_takes_over_when_the_other_stops(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    spec = spec_for(group, topic, store)

    def counts(*services: Service) -> list[float]:
        return [one.sample("kafka_connect_sink_task_partition_count", **labels(group)) for one in services]

    with running(broker, spec) as second:
        with running(broker, spec) as first:
            wait_until("one of the two has it", lambda: sorted(counts(first, second)) == [0, 1])
            for one in (first, second):
                wait_until(
                    "running",
                    lambda one=one: (
                        one.sample(  # type: ignore[misc]
                            "kafka_connect_connector_task_status", **labels(group), state="RUNNING"
                        )
                        == 1
                    ),
                )
        wait_until("taken over", lambda: counts(second) == [1])
        broker.publish(topic, 0, frames(5))
        wait_until("read on", lambda: broker.committed(group, topic) == {0: 5})


def test_topics_by_pattern_are_read_and_no_others(broker: Broker) -> None:
    one, two, store = broker.make_topic(1), broker.make_topic(2), Store()
    other, group = broker.make_topic(1), new_group()
    for topic in (one, two, other):
        broker.publish(topic, 0, frames(7))
    settings = {"topics.regex": f"{one}|{two}", "offset.flush.interval.ms": "100"}
    with running(broker, ConnectorSpec(group, settings, lambda: RecordingSink(store))):
        wait_until("one is read", lambda: broker.committed(group, one) == {0: 7})
        wait_until("two is read", lambda: broker.committed(group, two) == {0: 7})
    assert store.offsets(one, 0) == store.offsets(two, 0) == list(range(7))
    assert store.offsets(other, 0) == []


def test_a_pattern_matches_whole_names(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    broker.publish(topic, 0, frames(3))
    settings = {"topics.regex": topic[:-1], "offset.flush.interval.ms": "100"}
    with running(broker, ConnectorSpec(group, settings, lambda: RecordingSink(store))) as service:
        wait_until(
            "waiting for topics",
            lambda: service.sample("kafka_connect_connector_task_status", **labels(group), state="RUNNING") == 1,
        )
        assert broker.committed(group, topic) == {}
    assert store.count() == 0


def test_a_form_the_converter_does_not_take_is_no_frame(broker: Broker) -> None:
    topic, group, store = broker.make_topic(1), new_group(), Store()
    json_frame = b'{"timestamp": 1700000000000, "keypoints": {}}'
    broker.publish(topic, 0, [encode_empty_frame(0), json_frame, encode_empty_frame(2)])
    spec = spec_for(group, topic, store, value_converter="Avro")
    with running(broker, spec) as service:
        wait_until("all passed", lambda: broker.committed(group, topic) == {0: 3})
        assert service.sample("kafka_connect_task_error_total_records_skipped_total", **labels(group)) == 1
    assert store.offsets(topic, 0) == [0, 2]
