"""The recorded part of the topic of frames, read in the order of time by a client of its own, without a group."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from consumers.avatar.viewer.replay.merging import Merge
from kafka_io.admin import topic_time_ranges
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable, explain_kafka_error
from kafka_io.partitioning import partition_of
from kafka_io.settings import KafkaSettings
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError, Transient
from keypoints.topics import record_key

_ANSWER_MS: Final = 4_000
_FETCH_WAIT_MS: Final = 100
_FETCH_BYTES: Final = 1024 * 1024
_MOST_WAITING: Final = 1_024
_MOST_WAITING_BYTES: Final = 4 * 1024 * 1024
_MOST_AT_ONCE: Final = 1_024
_SILENCE_S: Final = 2.0


class NothingRecorded(Transient):
    """There is no record to be replayed."""


class TopicReading:
    """Frames of `streams` (None: all) from `from_ms` to `to_ms`, as they are in the topic when it is made.

    A stream is looked for where its key belongs, and where it was seen last; `widen` looks everywhere. What is read
    ahead is bounded for each partition. kafka-python's errors leave as they are, for `explain_reading`; raises
    NothingRecorded, and KafkaUnavailable or KafkaRefused.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        streams: Sequence[str] | None,
        asked_ms: tuple[float | None, float | None],
        seen_in: Mapping[str, int],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topic = topic
        self._keys = None if streams is None else frozenset(record_key(stream) for stream in streams)
        self._asked_ms = asked_ms
        self._clock_s = clock_s
        self._ranges = topic_time_ranges(kafka, topic)
        everywhere = set(self._ranges)
        self._places = everywhere if streams is None else _find_places(streams, everywhere, seen_in)
        if not self._places & {one for one, span in self._ranges.items() if span is not None}:
            self._places = everywhere
        self.from_ms, self.to_ms = self._find_bounds()
        self._merge = Merge(())
        self._heard_at_s = clock_s()
        self._consumer: KafkaConsumer = make_consumer(
            kafka,
            None,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
            max_poll_records=_MOST_AT_ONCE,
            bootstrap_timeout_ms=_ANSWER_MS,
        )
        self._ends: dict[TopicPartition, int] = {}
        self._next: dict[int, int] = {}
        self._read: frozenset[int] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close(autocommit=False, timeout_ms=1_000)

    @property
    def known_until_ms(self) -> float:
        """Up to here every record has been read."""
        return self._merge.known_until_ms

    @property
    def next_ms(self) -> float | None:
        """The time of the next record, as far as it was read."""
        return self._merge.next_ms

    @property
    def is_over(self) -> bool:
        """Whether every record was taken."""
        return self._merge.is_over

    def widen(self) -> bool:
        """Look in all partitions from the next `seek` on; False where that was so already."""
        if self._places == set(self._ranges):
            return False
        self._places = set(self._ranges)
        self.from_ms, self.to_ms = self._find_bounds()
        return True

    def seek(self, at_ms: float) -> None:
        """Go on with the first record at or after this time."""
        consumer = self._consumer
        partitions = [TopicPartition(self._topic, place) for place in sorted(self._places)]
        consumer.assign(partitions)
        if not self._ends.keys() >= set(partitions):
            self._ends = dict(consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS))
        found = consumer.offsets_for_times(dict.fromkeys(partitions, max(0, math.floor(at_ms))), timeout_ms=_ANSWER_MS)
        self._merge = Merge(self._places)
        self._read = frozenset()
        for partition in partitions:
            place, end = found.get(partition), self._ends[partition]
            self._next[partition.partition] = end if place is None else min(place.offset, end)
            if self._next[partition.partition] >= end:
                self._merge.finish(partition.partition)
        self._heard_at_s = self._clock_s()

    def fill(self, until_ms: float, wait_s: float = 0.0) -> None:
        """Read on, where it is not known what happened until then; waits this long at most for what is to come."""
        merge = self._merge
        hungry = frozenset(one for one in merge.unfinished if self._is_hungry(one, until_ms))
        if not hungry:
            self._heard_at_s = self._clock_s()
            return
        self._read_from(hungry)
        polled = self._consumer.poll(timeout_ms=round(wait_s * 1000))
        unfinished = frozenset(merge.unfinished)
        for partition, records in polled.items():
            end = self._ends[partition]
            if partition.partition in unfinished:
                merge.add(partition.partition, (one for one in records if one.offset < end), self._keys)
        for one in self._read & unfinished:
            partition = TopicPartition(self._topic, one)
            self._next[one] = self._consumer.position(partition)
            if merge.newest_ms(one) > self.to_ms or self._next[one] >= self._ends[partition]:
                merge.finish(one)
        self._check_silence(is_heard=bool(polled))

    def take_until(self, at_ms: float) -> list[RawRecord]:
        """The records up to this time, in its order."""
        return self._merge.take_until(min(at_ms, self.to_ms))

    def drop_rest(self) -> None:
        """Let go of what waits: it lies behind the end."""
        self._merge.take_until(math.inf)

    def _is_hungry(self, partition: int, until_ms: float) -> bool:
        return not self._is_full(partition) and self._merge.newest_ms(partition) < until_ms

    def _is_full(self, partition: int) -> bool:
        count, size = self._merge.waiting(partition)
        return count >= _MOST_WAITING or size >= _MOST_WAITING_BYTES

    def _read_from(self, hungry: frozenset[int]) -> None:
        """Have the client read these partitions, and none that is full or finished.

        It is given others to read rather than told to pause some: kafka-python 3.0.12 looks for what it parked of a
        partition that was paused only while it holds no records of another, and counts those it has handed out.
        """
        idle = self._read - frozenset(self._merge.unfinished)
        if hungry <= self._read and not idle and not any(self._is_full(one) for one in self._read):
            return
        self._read = hungry
        self._consumer.assign([TopicPartition(self._topic, one) for one in sorted(hungry)])
        for one in hungry:
            self._consumer.seek(TopicPartition(self._topic, one), self._next[one])

    def _check_silence(self, *, is_heard: bool) -> None:
        """Ask: kafka-python's poll says the same of what takes long and of a broker that is gone."""
        now_s = self._clock_s()
        if is_heard:
            self._heard_at_s = now_s
        elif now_s - self._heard_at_s > _SILENCE_S:
            self._consumer.end_offsets(list(self._ends), timeout_ms=_ANSWER_MS)
            self._heard_at_s = now_s

    def _find_bounds(self) -> tuple[float, float]:
        spans = [span for place, span in self._ranges.items() if span is not None and place in self._places]
        if not spans:
            raise NothingRecorded(f"{self._topic} holds no record to be replayed")
        first, newest = min(first for first, _ in spans), max(newest for _, newest in spans)
        from_ms, to_ms = self._asked_ms
        begin = float(first) if from_ms is None else min(max(from_ms, first), newest)
        end = float(newest) if to_ms is None else min(max(to_ms, first), newest)
        return begin, max(begin, end)


def _find_places(streams: Sequence[str], everywhere: set[int], seen_in: Mapping[str, int]) -> set[int]:
    """The partitions where Kafka's default partitioner puts these streams, and those where they were seen."""
    places = {partition_of(stream, len(everywhere)) for stream in streams}
    return (places | {seen_in[stream] for stream in streams if stream in seen_in}) & everywhere


def explain_reading(error: Exception) -> HolisticError:
    """What went wrong with a reading, as its watcher is told."""
    if isinstance(error, HolisticError):
        return error
    explained = explain_kafka_error(error, "replaying")
    if isinstance(error, kafka_errors.KafkaTimeoutError):
        # Which of the client's calls it was that nobody answered is of no use to a watcher.
        return KafkaUnavailable("no broker answers; the replay goes on when one does", hint=explained.hint)
    return explained
