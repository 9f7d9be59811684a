"""Two brokers that look alike to a test, a sink whose store remembers everything, and a service run in a thread."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from kafka import TopicPartition as KafkaTopicPartition

from connect_runtime.client import Gap, PositionsGone, TaskConsumer
from connect_runtime.config import ConnectorConfig
from connect_runtime.dead_letters import LetterBox
from connect_runtime.gap_topic import read_gaps
from connect_runtime.kafka_client import KafkaTaskConsumer
from connect_runtime.membership import consumer_settings
from connect_runtime.memory_broker import MemoryBroker
from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import RestSettings
from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors_on
from connect_runtime.sink import Assignment, TopicPartition
from kafka_io.admin import group_offsets, open_admin
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode_avro
from keypoints.errors import Transient
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.schemas import SchemaLookup
from observability.metrics import Metrics

PATIENCE_S = 40.0
Identity = tuple[str, int, int]


def encode_empty_frame(sequence: int, stream_id: str = "ada") -> bytes:
    """A frame in which nobody is seen: the smallest record there is."""
    return encode_avro(
        HolisticFrame(
            stream_id=stream_id,
            sequence=sequence,
            epoch=1,
            captured_at_us=1_700_000_000_000_000 + sequence,
            processed_at_us=1_700_000_000_000_000 + sequence,
            width=1280,
            height=720,
        )
    )


def wait_until(what: str, holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait for something that happens by itself; fails saying what did not."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"did not happen in {timeout_s:g} s: {what}"
        time.sleep(0.01)


class Broker(Protocol):
    """What the behaviour suite needs of a broker besides being a consumer of it."""

    def make_topic(self, partitions: int) -> str: ...
    def publish(self, topic: str, partition: int, values: Sequence[bytes | None]) -> None: ...
    def connect(self, config: ConnectorConfig, task_id: int) -> TaskConsumer: ...
    def committed(self, group: str, topic: str) -> dict[int, int]: ...
    def disturb(self, group: str, topic: str) -> None: ...
    def delete_records(self, topic: str, partition: int, before: int) -> None: ...
    def gaps(self, topic: str) -> list[Gap]: ...


class OnMemory:
    """The in-memory broker."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self._topics = 0

    def make_topic(self, partitions: int) -> str:
        self._topics += 1
        topic = f"topic-{self._topics}"
        self.broker.create_topic(topic, partitions)
        return topic

    def publish(self, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
        for value in values:
            self.broker.append(topic, value, partition=partition, key=b"ada", timestamp_ms=1_700_000_000_000)

    def connect(self, config: ConnectorConfig, task_id: int) -> TaskConsumer:
        return self.broker.consumer(config.name, int(str(config.consumer_overrides.get("max_poll_records", 500))))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        return {
            partition.partition: offset
            for partition, offset in self.broker.committed(group).items()
            if partition.topic == topic
        }

    def disturb(self, group: str, topic: str) -> None:
        """Have the whole group give its partitions up once."""
        self.broker.rebalance(group)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Do what retention does."""
        self.broker.delete_records(topic, partition, before)

    def gaps(self, topic: str) -> list[Gap]:
        """The gaps on record."""
        return [gap for gap in self.broker.gaps() if gap.partition.topic == topic]


class Passerby:
    """A member that joins a group, does nothing, and leaves."""

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None: ...
    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None: ...
    def on_lost(self, partitions: Sequence[TopicPartition]) -> None: ...


class OnKafka:
    """A real cluster."""

    def __init__(self, settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
        self.settings = settings
        self._make_topic = make_topic

    def make_topic(self, partitions: int) -> str:
        return self._make_topic(partitions=partitions, name="runtime")

    def publish(self, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
        failed: list[Delivery] = []
        with BoundedPublisher(
            self.settings, on_delivery=lambda delivery: failed.append(delivery) if delivery.error else None
        ) as publisher:
            for value in values:
                publisher.publish(topic, b"ada", value, partition=partition)
        assert not failed

    def connect(self, config: ConnectorConfig, task_id: int) -> TaskConsumer:
        return KafkaTaskConsumer(self.settings, config.name, consumer_settings(config, task_id))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        return group_offsets(self.settings, group, topic)

    def disturb(self, group: str, topic: str) -> None:
        """Have the whole group give its partitions up: once for a member that comes, once as it goes."""
        passerby = KafkaTaskConsumer(self.settings, group, {})
        passerby.subscribe([topic], Passerby())

        def has_joined() -> bool:
            # Nobody tells a passerby where to read, so what retention took may be what it asks for.
            with suppress(PositionsGone):
                passerby.poll(0.2)
            return passerby.membership().generation >= 0

        wait_until("joined", has_joined)
        passerby.close(5.0)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Do what retention does."""
        with open_admin(self.settings, "deleting records") as admin:
            admin.delete_records({KafkaTopicPartition(topic, partition): before})

    def gaps(self, topic: str) -> list[Gap]:
        """The gaps on record."""
        return read_gaps(self.settings, topic)


class StoreDown(Transient):
    """The store does not answer."""


@dataclass
class Store:
    """What sinks of one connector share: a database that outlives each of them, keyed by the record's identity."""

    rows: Counter[Identity] = field(default_factory=Counter)
    """How often each row was written; a good sink writes a row once, for it looks whether it is there."""
    put_calls: int = 0
    flush_calls: int = 0
    next_offsets: dict[TopicPartition, int] = field(default_factory=dict)
    """What sinks that keep offsets in the store know."""
    events: list[str] = field(default_factory=list)
    down: threading.Event = field(default_factory=threading.Event)
    hang: threading.Event = field(default_factory=threading.Event)
    """While set, a put does not return."""
    flush_hangs: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def offsets(self, topic: str, partition: int) -> list[int]:
        """Offsets of the rows stored of a partition, in order."""
        with self.lock:
            return sorted(offset for name, index, offset in self.rows if (name, index) == (topic, partition))

    def count(self) -> int:
        with self.lock:
            return len(self.rows)

    def note(self, event: str) -> None:
        with self.lock:
            self.events.append(event)


class RecordingSink:
    """Buffers rows until a flush, as the archive does; writes each identity once."""

    def __init__(self, store: Store, *, keeps_offsets: bool = False) -> None:
        self.store = store
        self._keeps_offsets = keeps_offsets
        self._buffer: list[tuple[Identity, TopicPartition, int]] = []
        self._durable: dict[TopicPartition, int] = {}
        self._thread = threading.get_ident()

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        self._check_thread()
        self.store.note(f"open {len(assignment.partitions)}")
        if not self._keeps_offsets:
            return {}
        with self.store.lock:
            return {
                part: self.store.next_offsets[part] for part in assignment.partitions if part in self.store.next_offsets
            }

    def put(self, batch: FrameBatch) -> None:
        self._check_thread()
        self.store.put_calls += 1
        if self.store.down.is_set():
            raise StoreDown("the store is down")
        self.store.hang.wait(0)
        while self.store.hang.is_set():
            time.sleep(0.01)
        for row in range(len(batch)):
            identity = (
                str(batch.identity_topic[row]), int(batch.identity_partition[row]), int(batch.identity_offset[row])
            )  # fmt: skip
            place = TopicPartition(batch.topic, int(batch.partition[row]))
            self._buffer.append((identity, place, int(batch.offset[row]) + 1))

    def flush(self) -> None:
        self._check_thread()
        while self.store.flush_hangs.is_set():
            time.sleep(0.01)
        if self.store.down.is_set():
            raise StoreDown("the store is down")
        with self.store.lock:
            self.store.flush_calls += 1
            for identity, place, next_offset in self._buffer:
                if identity not in self.store.rows:
                    self.store.rows[identity] += 1
                self._durable[place] = next_offset
                self.store.next_offsets[place] = next_offset
        self._buffer.clear()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        self._check_thread()
        return self._durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        self._check_thread()
        self.store.note(f"close {len(revoked)}")
        self._buffer = [row for row in self._buffer if row[1] not in revoked]
        for partition in revoked:
            self._durable.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        self._check_thread()
        for partition, offset in offsets.items():
            if offset is None:
                self.store.next_offsets.pop(partition, None)
            else:
                self.store.next_offsets[partition] = offset

    def stop(self) -> None:
        self._check_thread()
        self.store.note("stop")

    def _check_thread(self) -> None:
        assert threading.get_ident() == self._thread, "a sink is called from one thread only"


@dataclass
class Service:
    """A running service and what it left when it ended."""

    metrics: Metrics
    stop: threading.Event
    port: int = 0
    exit_code: int | None = None

    def sample(self, name: str, **labels: str) -> float:
        """A metric's value, 0 when it was never touched."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def running(
    broker: Broker,
    spec: ConnectorSpec,
    *,
    schemas: SchemaLookup | None = None,
    http_port: int | None = None,
    letters: LetterBox | None = None,
    rest: RestSettings | None = None,
    routes: ServiceRoutes | None = None,
) -> Iterator[Service]:
    """Run a service for the length of the block, then ask it to stop and wait for its end."""
    service = Service(Metrics(), threading.Event())

    def note_port(port: int) -> None:
        service.port = port

    options = ServiceOptions(
        http_port=http_port,
        stop=service.stop,
        metrics=service.metrics,
        on_listening=note_port,
        rest=rest,
        routes=routes,
    )

    def run() -> None:
        service.exit_code = run_connectors_on([spec], broker.connect, schemas, options, letters)

    thread = threading.Thread(target=run, name="service")
    thread.start()
    try:
        yield service
    finally:
        service.stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the service did not end"


def spec_for(name: str, topic: str, store: Store, *, keeps_offsets: bool = False, **settings: str) -> ConnectorSpec:
    """A connector over a `RecordingSink`, quick to flush; settings have underscores for dots."""
    config = {"topics": topic, "offset.flush.interval.ms": "100", "errors.retry.delay.max.ms": "200"}
    config |= {key.replace("_", "."): value for key, value in settings.items()}
    return ConnectorSpec(name, config, lambda: RecordingSink(store, keeps_offsets=keeps_offsets))
