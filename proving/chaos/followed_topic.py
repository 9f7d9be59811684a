"""What comes onto a topic from now on, read while a fault goes on."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.admin import topic_partitions
from kafka_io.consumer import make_consumer
from kafka_io.settings import KafkaSettings
from keypoints.topics import parse_origin
from proving.suite import StillBehind

_POLL_MS: Final = 200


class FollowedTopic:
    """The records that `wanted` picks, from where the topic ended when it was opened. Raises KafkaUnavailable."""

    def __init__(self, kafka: KafkaSettings, topic: str, wanted: Callable[[ConsumerRecord], bool]) -> None:
        self._topic = topic
        self._wanted = wanted
        self._consumer = make_consumer(kafka, None)
        partitions = [TopicPartition(topic, index) for index in topic_partitions(kafka, topic)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            self._consumer.position(partition)
        self.records: list[ConsumerRecord] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def read_on(self) -> None:
        """Take in what has come."""
        for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
            self.records += filter(self._wanted, records)

    def read_to_end(self) -> None:
        """Take in all there is now."""
        partitions = list(self._consumer.assignment())
        ends = self._consumer.end_offsets(partitions)
        while any(self._consumer.position(partition) < ends[partition] for partition in partitions):
            self.read_on()

    def wait_for(self, happened: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
        """Read on until it has. Raises StillBehind."""
        deadline_s = time.monotonic() + timeout_s
        while not happened():
            if time.monotonic() > deadline_s:
                raise StillBehind(f"{what}: not within {timeout_s:.0f} s", group=self._topic, lag=0)
            self.read_on()


def origin_of(record: ConsumerRecord, topic: str) -> tuple[int, int] | None:
    """Partition and offset of the image on that topic that a frame was made of."""
    origin = parse_origin(record.headers)
    return None if origin is None or origin[0] != topic else origin[1:]
