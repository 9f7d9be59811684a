"""A member of the group that shares out the topic of images."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaRefused, explain_kafka_error
from kafka_io.rebalancing import GROUP_MOVED_ON, ThreadedListener, ToldOfRebalances
from kafka_io.settings import KafkaSettings
from keypoints.errors import Transient

log = logging.getLogger(__name__)

_ANSWER_TIMEOUT_MS: Final = 10_000
_OPTIONS: Final[Mapping[str, object]] = {
    # The client must not jump by itself: that images are gone which nobody read is to be said.
    "auto_offset_reset": "none",
    # Images are large, and few of them are under way at once. One larger than that comes alone.
    "max_partition_fetch_bytes": 1024 * 1024,
    "fetch_max_bytes": 8 * 1024 * 1024,
    # All that was fetched at once: what is left of a partition that is paused then, kafka-python 3.0.12 never returns
    # once it has returned the last of another.
    "max_poll_records": 1_000_000,
}


class ImagesGone(Transient):
    """There is nothing to be read where these partitions are to be read. Fields: partitions."""

    def __init__(self, message: str, partitions: Collection[int]) -> None:
        super().__init__(message, partitions=sorted(partitions))
        self.partitions = sorted(partitions)


class GroupMember:
    """Reads one topic as a member of a group; offsets are committed by hand. For one thread at a time."""

    def __init__(self, kafka: KafkaSettings, group: str, topic: str) -> None:
        """Connect. Raises KafkaUnavailable or KafkaRefused."""
        self.topic = topic
        self.group = group
        self._consumer: KafkaConsumer = make_consumer(kafka, group, **_OPTIONS)

    def join(self, listener: ToldOfRebalances[TopicPartition]) -> None:
        """Join the group with the next poll. Raises KafkaRefused when there is no such topic."""
        threaded: ThreadedListener[TopicPartition] = ThreadedListener(self._consumer, listener, TopicPartition)
        with self._explain("looking for the topic of images"):
            self._consumer.subscribe([self.topic], listener=threaded)
            # Asked after subscribing, or the client would join its group a second time when it hears of the topic.
            if self.topic not in self._consumer.topics():
                raise KafkaRefused(
                    f"there is no topic {self.topic}",
                    hint="`holistic up` creates the suite's topics",
                    topic=self.topic,
                )

    def poll(self, timeout_s: float) -> Mapping[int, Sequence[ConsumerRecord]]:
        """Records by partition, as soon as there are any. Takes part in rebalances.

        Raises ImagesGone, KafkaUnavailable or KafkaRefused.
        """
        with self._explain("polling"):
            try:
                polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
            except kafka_errors.OffsetOutOfRangeError as error:
                raise ImagesGone("there are no images at the offsets asked for", _numbers(error.args[0])) from error
            except kafka_errors.LogTruncationError as error:
                raise ImagesGone("the broker took images back", _numbers(error.divergent_offsets)) from error
            return {place.partition: records for place, records in polled.items()}

    def commit(self, offsets: Mapping[int, tuple[int, str]], timeout_s: float) -> bool:
        """Commit (next offset, metadata) by partition and wait for it. False: the group has moved on.

        Raises KafkaUnavailable or KafkaRefused.
        """
        commits = {
            self._place(partition): OffsetAndMetadata(offset, metadata, -1)
            for partition, (offset, metadata) in offsets.items()
        }
        with self._explain("committing"):
            try:
                self._consumer.commit(commits, timeout_ms=int(timeout_s * 1000))
            except GROUP_MOVED_ON as error:
                log.info("the group has moved on", extra={"group": self.group, "error_class": type(error).__name__})
                return False
        return True

    def committed(self, partition: int) -> tuple[int, str] | None:
        """The group's next offset of any partition of the topic, and what was noted with it; None: never committed."""
        with self._explain("reading committed offsets"):
            found = self._consumer.committed(self._place(partition), metadata=True, timeout_ms=_ANSWER_TIMEOUT_MS)
        return None if found is None or found.offset < 0 else (found.offset, found.metadata)

    def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """Partition → its first offset, and the one its next record gets."""
        places = [self._place(partition) for partition in partitions]
        with self._explain("reading the ends of partitions"):
            starts = self._consumer.beginning_offsets(places, timeout_ms=_ANSWER_TIMEOUT_MS)
            ends = self._consumer.end_offsets(places, timeout_ms=_ANSWER_TIMEOUT_MS)
        return {place.partition: (starts[place], ends[place]) for place in places}

    def ends_of(self, topic: str, partitions: Sequence[int]) -> tuple[int, ...]:
        """Where each of these partitions of any topic ends."""
        places = [TopicPartition(topic, partition) for partition in partitions]
        with self._explain(f"reading the ends of {topic}"):
            ends = self._consumer.end_offsets(places, timeout_ms=_ANSWER_TIMEOUT_MS)
        return tuple(ends[place] for place in places)

    def pause(self, partition: int) -> None:
        """Return no records of it until it is resumed."""
        self._consumer.pause(self._place(partition))

    def resume(self, partition: int) -> None:
        """Return records of it again."""
        self._consumer.resume(self._place(partition))

    def seek(self, partition: int, offset: int) -> None:
        """Go on reading it there."""
        self._consumer.seek(self._place(partition), offset)

    def close(self, timeout_s: float) -> None:
        """Leave the group, telling the listener first."""
        with self._explain("leaving the group"):
            self._consumer.close(autocommit=False, timeout_ms=int(timeout_s * 1000))

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)

    @contextmanager
    def _explain(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (kafka_errors.KafkaError, OSError) as error:
            raise explain_kafka_error(error, doing, group=self.group, topic=self.topic) from error


def _numbers(places: Collection[TopicPartition]) -> list[int]:
    return [place.partition for place in places]
