"""`/connectors/{name}/offsets` of a running service, as Kafka Connect answers for a sink."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from connect_runtime.sink import TopicPartition
from kafka_io.group_offsets import committed_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from tests.connect_runtime.harness import Store, encode_empty_frame, spec_for, wait_until
from tests.connect_runtime.offsets.served import Served, serving

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

STARTED_MS = int(time.time() * 1000) - 60_000


@dataclass
class Connector:
    name: str
    topic: str
    store: Store
    kafka: KafkaSettings
    served: Served

    @property
    def path(self) -> str:
        return f"/connectors/{self.name}/offsets"

    def entry(self, partition: object, offset: object, key: str = "kafka_topic") -> dict[str, object]:
        return {
            "partition": {key: self.topic, "kafka_partition": partition},
            "offset": None if offset is None else {"kafka_offset": offset},
        }

    def patch(self, *entries: object) -> tuple[int, object]:
        return self.served.call("PATCH", self.path, {"offsets": list(entries)})

    def shown(self) -> dict[int, int]:
        status, answer = self.served.call("GET", self.path)
        assert status == 200
        assert all(set(one) == {"partition", "offset"} for one in answer["offsets"])
        return {one["partition"]["kafka_partition"]: one["offset"]["kafka_offset"] for one in answer["offsets"]}

    def in_store(self) -> dict[int, int]:
        return {at.partition: offset for at, offset in self.store.next_offsets.items()}


@pytest.fixture
def connector(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> Iterator[Connector]:
    """A running connector whose sink keeps offsets of its own, with 10 records of each of two partitions behind it."""
    topic, store = make_topic(partitions=2), Store()
    with BoundedPublisher(kafka_settings) as publisher:
        for sequence in range(60):
            key = f"performer-{sequence}".encode()
            publisher.publish(topic, key, encode_empty_frame(sequence), timestamp_ms=STARTED_MS + sequence * 1000)
    name = f"offsets-{uuid.uuid4().hex[:8]}"
    with serving(kafka_settings, [spec_for(name, topic, store, keeps_offsets=True)]) as served:
        found = Connector(name, topic, store, kafka_settings, served)
        wait_until("all is committed", lambda: sum(found.shown().values()) == 60)
        yield found


def test_offsets_are_shown_altered_and_reset_as_in_kafka_connect(connector: Connector) -> None:
    before = connector.shown()
    assert set(before) == {0, 1}
    for method in ("PATCH", "DELETE"):
        body = {"offsets": [connector.entry(0, 1)]} if method == "PATCH" else None
        status, answer = connector.served.call(method, connector.path, body)
        assert (status, answer["error_code"]) == (400, 400), "a running connector is not altered"
        assert "STOPPED" in answer["message"]
    connector.served.stop_connector(connector.name)

    assert connector.patch(connector.entry(0, 1))[0] == 200
    assert connector.shown() == connector.in_store() == {0: 1, 1: before[1]}
    assert connector.patch(connector.entry("0", "2"))[0] == 200
    assert connector.shown() == connector.in_store() == {0: 2, 1: before[1]}
    assert connector.patch(connector.entry(0, None))[0] == 200
    assert connector.shown() == connector.in_store() == {1: before[1]}
    status, answer = connector.served.call("DELETE", connector.path)
    assert (status, set(answer)) == (200, {"message"})
    assert connector.shown() == connector.in_store() == {}

    rows = connector.store.count()
    assert connector.served.call("PUT", f"/connectors/{connector.name}/resume")[0] == 202
    wait_until("all was read again", lambda: connector.shown() == before)
    assert connector.store.count() == rows == 60
    assert max(connector.store.rows.values()) == 1


def test_what_cannot_be_is_a_bad_request_and_moves_nothing(connector: Connector) -> None:
    connector.served.stop_connector(connector.name)
    before = connector.shown()
    bodies: list[object] = [
        {"offsets": []},
        {},
        [],
        "{oops",
        {"offsets": [connector.entry(0, 1, key="topic")]},
        {"offsets": [connector.entry(0, -5)]},
        {"offsets": [connector.entry(0, "abc")]},
        {"offsets": [connector.entry(0, 1), connector.entry(7, 1)]},
        {"offsets": [{**connector.entry(0, 1), "partition": {"kafka_topic": "no-such-topic", "kafka_partition": 0}}]},
        {"to": "banana"},
        {"shift_by": "x"},
    ]
    for body in bodies:
        status, answer = connector.served.call("PATCH", connector.path, body)
        assert (status, answer["error_code"]) == (400, 400), (body, answer)
        assert isinstance(answer["message"], str)
    assert connector.shown() == connector.in_store() == before
    for method in ("GET", "DELETE", "PATCH"):
        sent = {"offsets": [connector.entry(0, 1)]} if method == "PATCH" else None
        status, answer = connector.served.call(method, "/connectors/nosuch/offsets", sent)
        assert (status, set(answer)) == (404, {"error_code", "message"})


def test_a_stopped_connector_goes_to_a_time_an_edge_or_some_records_back(connector: Connector) -> None:
    connector.served.stop_connector(connector.name)
    ends = connector.shown()
    for wish, expected in (
        ({"to": "earliest"}, {0: 0, 1: 0}),
        ({"shift_by": 3}, {0: 3, 1: 3}),
        ({"shift_by": -9}, {0: 0, 1: 0}),
        ({"to": "latest"}, ends),
        ({"timestamp_ms": STARTED_MS}, {0: 0, 1: 0}),
        ({"timestamp_ms": STARTED_MS + 60_000}, ends),
    ):
        status, answer = connector.served.call("PATCH", connector.path, wish)
        assert status == 200, answer
        assert connector.shown() == connector.in_store() == expected, wish
        moved = {one["partition"]["kafka_partition"]: one["offset"]["kafka_offset"] for one in answer["offsets"]}
        assert moved == expected
    status, _ = connector.served.call("PATCH", connector.path, {"timestamp_ms": STARTED_MS + 30_000})
    assert status == 200
    assert sum(ends.values()) - sum(connector.shown().values()) == 30


def test_a_group_somebody_else_reads_is_not_moved(connector: Connector) -> None:
    from kafka_io.consumer import make_consumer

    connector.served.stop_connector(connector.name)
    before = connector.shown()
    stranger = make_consumer(connector.kafka, connector.name)
    try:
        stranger.subscribe([connector.topic])
        wait_until("the stranger is in", lambda: stranger.poll(200) is not None and bool(stranger.assignment()))
        for method, body in (("PATCH", {"offsets": [connector.entry(0, 1)]}), ("DELETE", None)):
            status, answer = connector.served.call(method, connector.path, body)
            assert status == 400, answer
            assert "member" in answer["message"]
    finally:
        stranger.close()
    assert connector.in_store() == before
    assert committed_offsets(connector.kafka, connector.name) == {
        TopicPartition(connector.topic, partition): offset for partition, offset in before.items()
    }
