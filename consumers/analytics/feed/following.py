"""A topic read as it grows, without a group: nothing is committed, nobody is disturbed, and any number may do it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord

from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Terminal

log = logging.getLogger(__name__)

_POLL_MS: Final = 250
_ANSWER_MS: Final = 4_000
# Silence is asked about: kafka-python's poll says the same of a quiet topic and of a broker that is gone.
_PROBE_S: Final = 2.0
_LOOK_AGAIN_S: Final = 30.0
_RETRY_S: Final = 1.0
_RETRY_REFUSED_S: Final = 10.0


class Follow(StrEnum):
    """How it stands with a topic."""

    CONNECTING = "connecting"
    FOLLOWING = "following"
    ABSENT = "topic_absent"
    AWAY = "kafka_away"
    REFUSED = "kafka_refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands, and a sentence about what is wrong, which is empty while nothing is."""

    follow: Follow = Follow.CONNECTING
    message: str = ""


Polled = Mapping[int, Sequence[ConsumerRecord]]


@dataclass(frozen=True, slots=True)
class Follower:
    """What a topic's reader tells, on its own thread: each may take its time, and the next records wait for it."""

    begin: Callable[[Mapping[int, int]], None]
    """Told before the first records: the offsets they begin at, by partition."""
    take: Callable[[Polled], None]
    """Given records in the order of their partitions."""
    note: Callable[[Standing], None]
    """Told how it stands whenever that changes."""


class TopicFollowing:
    """Reads one topic on a thread of its own until it is closed, whatever happens to Kafka meanwhile."""

    def __init__(
        self, kafka: KafkaSettings, topic: str, follower: Follower, history_s: float | None, most_history: int = 0
    ) -> None:
        """With `history_s` it begins so far back, at most `most_history` records a partition, and goes on after a break
        where it was; with None it begins at the end each time: for what only the newest counts."""
        self._kafka = kafka
        self._topic = topic
        self._follower = follower
        self._history_s = history_s
        self._most_history = most_history
        self._positions: dict[int, int] | None = None
        self._standing = Standing()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follow-{topic}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._connect_and_follow()
            except (kafka_errors.KafkaError, OSError, HolisticError) as error:
                explained = self._explain(error)
                refused = isinstance(explained, Terminal)
                self._note(Follow.REFUSED if refused else Follow.AWAY, explained.message, explained.hint)
                self._stopping.wait(_RETRY_REFUSED_S if refused else _RETRY_S)

    def _connect_and_follow(self) -> None:
        consumer: KafkaConsumer = make_consumer(
            self._kafka, None, fetch_max_wait_ms=_POLL_MS, bootstrap_timeout_ms=_ANSWER_MS
        )
        try:
            while not self._stopping.is_set():
                partitions = self._find_partitions(consumer)
                if not partitions:
                    message = f"there is no topic {self._topic}"
                    self._note(Follow.ABSENT, message, "`holistic up` creates the suite's topics")
                    self._stopping.wait(_RETRY_S)
                    continue
                self._poll_until_changed(consumer, self._place(consumer, partitions))
        finally:
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _find_partitions(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        if self._topic not in consumer.topics():
            return []
        return [
            TopicPartition(self._topic, index) for index in sorted(consumer.partitions_for_topic(self._topic) or ())
        ]

    def _place(self, consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Begin where it is due; the ends of the partitions, which are caught up with first."""
        consumer.assign(list(partitions))
        ends = consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
        firsts = consumer.beginning_offsets(partitions, timeout_ms=_ANSWER_MS)
        starts = {partition: ends[partition] for partition in partitions}
        before = self._positions
        if self._history_s is not None and before is None:
            since_ms = int((time.time() - self._history_s) * 1000)
            found = consumer.offsets_for_times(dict.fromkeys(partitions, since_ms), timeout_ms=_ANSWER_MS)
            for partition, place in found.items():
                if place is not None:
                    starts[partition] = max(place.offset, ends[partition] - self._most_history)
        elif self._history_s is not None and before is not None:
            for partition in partitions:
                # A place that is not there (any more) is one of a topic that was made anew, or cut by retention.
                place = before.get(partition.partition, firsts[partition])
                starts[partition] = place if firsts[partition] <= place <= ends[partition] else firsts[partition]
        for partition, start in starts.items():
            consumer.seek(partition, start)
        self._positions = {partition.partition: start for partition, start in starts.items()}
        self._follower.begin(dict(self._positions))
        return {partition: ends[partition] for partition in partitions}

    def _poll_until_changed(self, consumer: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        partitions, behind = list(ends), True
        heard_at = looked_at = time.monotonic()
        while not self._stopping.is_set():
            if behind and all(consumer.position(partition) >= end for partition, end in ends.items()):
                behind = False
                self._note(Follow.FOLLOWING, "")
            polled = consumer.poll(timeout_ms=_POLL_MS)
            now = time.monotonic()
            if polled:
                heard_at = now
                self._follower.take({partition.partition: records for partition, records in polled.items()})
                assert self._positions is not None  # noqa: S101 - placed before it is polled
                for partition, records in polled.items():
                    self._positions[partition.partition] = records[-1].offset + 1
            elif now - heard_at > _PROBE_S:
                consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
                heard_at = time.monotonic()
            if now - looked_at > _LOOK_AGAIN_S:
                looked_at = now
                if self._find_partitions(consumer) != partitions:
                    return

    def _explain(self, error: Exception) -> HolisticError:
        if isinstance(error, HolisticError):
            return error
        explained = explain_kafka_error(error, f"reading {self._topic}", topic=self._topic)
        if isinstance(error, kafka_errors.KafkaTimeoutError):
            # Which of the client's calls it was that nobody answered is of no use to a reader.
            message = f"no broker answered within {_ANSWER_MS // 1000} s when {self._topic} was to be read"
            return KafkaUnavailable(message, hint=explained.hint, topic=self._topic)
        return explained

    def _note(self, follow: Follow, message: str, hint: str | None = None) -> None:
        if follow is not self._standing.follow:
            if message:
                log.warning("%s", message, extra={"topic": self._topic, "hint": hint})
            else:
                log.info("following %s", self._topic, extra={"topic": self._topic})
        standing = Standing(follow, message if hint is None else f"{message}; {hint}")
        if standing != self._standing:
            self._standing = standing
            self._follower.note(standing)
