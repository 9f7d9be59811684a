"""A group member on the real cluster: what it reads is not held up by what there is nothing to read of."""

import random
import time
from collections.abc import Callable, Sequence

import pytest

from connect_runtime.kafka_client import KafkaTaskConsumer
from connect_runtime.sink import TopicPartition
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from tests.connect_runtime.test_behaviour import new_group

RECORDS = 12_000
LONGEST_WAIT_S = 5


class Reader:
    """Reads every partition it gets from its start."""

    def __init__(self, consumer: KafkaTaskConsumer) -> None:
        self._consumer = consumer

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            self._consumer.seek(partition, 0)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None: ...
    def on_lost(self, partitions: Sequence[TopicPartition]) -> None: ...


@pytest.mark.servers
def test_a_backlog_is_not_held_up_by_a_partition_without_records(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=2, name="beside-an-empty-one")
    with BoundedPublisher(kafka_settings) as publisher:
        noise = random.Random(7)
        for _ in range(RECORDS):
            publisher.publish(topic, b"ada", noise.randbytes(400), partition=0)
    # A fetch brings more records than a poll hands out: while some are left, the empty partition alone is asked for.
    overrides = {
        "max_partition_fetch_bytes": 64 * 1024,
        "max_poll_records": 150,
        "fetch_max_wait_ms": LONGEST_WAIT_S * 1000,
    }
    consumer = KafkaTaskConsumer(kafka_settings, new_group(), overrides)
    try:
        consumer.subscribe([topic], Reader(consumer))
        read = 0
        while not read:
            read += sum(map(len, consumer.poll(0.2).values()))
        # One such fetch may be under way before the first records say that there is a backlog.
        deadline = time.monotonic() + 3 * LONGEST_WAIT_S
        while read < RECORDS and time.monotonic() < deadline:
            read += sum(map(len, consumer.poll(0.2).values()))
    finally:
        consumer.close(5.0)
    assert read == RECORDS


@pytest.mark.servers
def test_records_are_gathered_while_they_come_and_the_first_after_a_silence_is_not_kept_waiting(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=1, name="gathered")
    wait_s = 1.5
    overrides = {"fetch_min_bytes": 1_000_000, "fetch_max_wait_ms": int(wait_s * 1000)}
    consumer = KafkaTaskConsumer(kafka_settings, new_group(), overrides)
    with BoundedPublisher(kafka_settings) as publisher:

        def publish() -> None:
            publisher.publish(topic, b"ada", b"a frame", partition=0)
            publisher.flush(10.0)

        def read(count: int) -> list[int]:
            """How many records each poll brought that brought any, until so many came."""
            polls: list[int] = []
            deadline = time.monotonic() + 30.0
            while sum(polls) < count and time.monotonic() < deadline:
                polled = sum(map(len, consumer.poll(0.05).values()))
                polls += [polled] if polled else []
            return polls

        try:
            consumer.subscribe([topic], Reader(consumer))
            publish()
            assert read(1) == [1]
            silent_until = time.monotonic() + 2 * wait_s
            while time.monotonic() < silent_until:
                consumer.poll(0.1)
            publish()
            acknowledged = time.monotonic()
            assert read(1) == [1]
            assert time.monotonic() - acknowledged < 0.5 * wait_s
            polls = []
            for _ in range(6):
                publish()
                # As frames come, a few hundredths of a second apart.
                polls += [count for count in map(len, consumer.poll(0.03).values()) if count]
            polls += read(6 - sum(polls))
            assert sum(polls) == 6
            assert len(polls) <= 3
        finally:
            consumer.close(5.0)
