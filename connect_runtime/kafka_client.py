"""A group member on a real Kafka cluster."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as KafkaTopicPartition
from kafka import errors as kafka_errors

from connect_runtime.client import CommitRefused, Gap, Membership, Polled, PositionsGone, RebalanceListener
from connect_runtime.gap_topic import write_gap
from connect_runtime.sink import TopicPartition
from kafka_io.consumer import CONSUMER_DEFAULTS, make_consumer
from kafka_io.errors import KafkaRefused, explain_kafka_error
from kafka_io.rebalancing import GROUP_MOVED_ON, ThreadedListener
from kafka_io.settings import KafkaSettings

_ANSWER_TIMEOUT_MS = 10_000
# A poll of so many records comes of a backlog, and not of one frame after the other.
_RECORDS_OF_BACKLOG = 100
_FETCH_WAIT_IN_BACKLOG_MS = 20
_BACKLOG_S = 1.0
# Nothing for so long is no stream of records, and the next one that comes is handed over at once.
_QUIET_S = 1.0
_FETCH_WAIT_WHEN_QUIET_MS = 500

log = logging.getLogger(__name__)


class KafkaTaskConsumer:
    """A `TaskConsumer` over kafka-python, made with the suite's defaults and the connector's overrides."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        overrides: Mapping[str, object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect. `overrides` are kafka-python's names. Raises KafkaUnavailable or KafkaRefused."""
        self._clock = clock
        self._backlog_until = self._quiet_from = 0.0
        self._settings = settings
        self._group = group
        self._offset_reset = overrides.get("auto_offset_reset", CONSUMER_DEFAULTS["auto_offset_reset"])
        # The client must not jump by itself: that what is gone was never read would go by without a word.
        self._consumer: KafkaConsumer = make_consumer(settings, group, **{**overrides, "auto_offset_reset": "none"})
        self._fetch_wait_ms: int = self._consumer.config["fetch_max_wait_ms"]
        self._fetch_bytes: int = self._consumer.config["fetch_min_bytes"]

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener, pattern: str | None = None) -> None:
        """Join the group at the next poll; see `TaskConsumer`. Raises KafkaRefused when a topic does not exist."""
        threaded = ThreadedListener(self._consumer, listener, TopicPartition)
        with self._explain("looking for topics"):
            if pattern is None:
                self._consumer.subscribe(list(topics), listener=threaded)
            else:
                # The client takes names or a pattern, and matches it with the beginning of a name.
                either = "|".join([f"(?:{pattern})", *map(re.escape, topics)])
                self._consumer.subscribe(pattern=rf"(?:{either})\Z", listener=threaded)
            # Asked after subscribing: the client notes the topics' partitions when it hears of them, and would join
            # its group a second time if it heard only after the first.
            missing = sorted(set(topics) - self._consumer.topics())
            if missing:
                raise KafkaRefused(
                    f"there is no topic {', '.join(missing)}",
                    hint="`holistic up` creates the suite's topics",
                    topics=missing,
                )

    def poll(self, timeout_s: float) -> Polled:
        """Records as soon as there are any; see `TaskConsumer`."""
        with self._explain("polling"):
            try:
                polled: Polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
            except kafka_errors.OffsetOutOfRangeError as error:
                positions = {TopicPartition(*partition): offset for partition, offset in error.args[0].items()}
                raise PositionsGone("there are no records at the offsets asked for", positions) from error
            except kafka_errors.LogTruncationError as error:
                self._follow_truncation(error.divergent_offsets)
                return {}
            self._choose_fetch_wait(sum(map(len, polled.values())))
            return polled

    def commit(self, offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit these next offsets and wait for it. Raises CommitRefused, or as `poll`."""
        commits = {
            KafkaTopicPartition(*partition): OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()
        }
        with self._explain("committing"):
            try:
                self._consumer.commit(commits, timeout_ms=int(timeout_s * 1000))
            except GROUP_MOVED_ON as error:
                raise CommitRefused(
                    f"the group {self._group} has moved on: {type(error).__name__}", group=self._group
                ) from error

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Return no records of these until they are resumed."""
        self._consumer.pause(*_as_kafka(partitions))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Return records of these again."""
        self._consumer.resume(*_as_kafka(partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading at this offset."""
        self._consumer.seek(KafkaTopicPartition(*partition), offset)

    def rewind(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Go on reading at the group's committed offsets, and return them; where there is none, start over."""
        found: dict[TopicPartition, int] = {}
        with self._explain("reading committed offsets"):
            for partition in partitions:
                committed = self._consumer.committed(KafkaTopicPartition(*partition), timeout_ms=_ANSWER_TIMEOUT_MS)
                if committed is not None:
                    found[partition] = committed
                    self._consumer.seek(KafkaTopicPartition(*partition), committed)
        self.start_over([partition for partition in partitions if partition not in found])
        return found

    def start_over(self, partitions: Sequence[TopicPartition]) -> None:
        """Go on reading at what `auto.offset.reset` says. Raises KafkaRefused when it says `none`."""
        if not partitions:
            return
        with self._explain("looking for where to begin"):
            if self._offset_reset == "latest":
                self._consumer.seek_to_end(*_as_kafka(partitions))
            elif self._offset_reset == "earliest":
                self._consumer.seek_to_beginning(*_as_kafka(partitions))
            else:
                raise kafka_errors.NoOffsetForPartitionError(_as_kafka(partitions))

    def log_starts(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset there still is of each partition."""
        with self._explain("reading the starts of partitions"):
            starts = self._consumer.beginning_offsets(_as_kafka(partitions), timeout_ms=_ANSWER_TIMEOUT_MS)
            return {TopicPartition(*partition): start for partition, start in starts.items()}

    def record_gap(self, gap: Gap) -> None:
        """Put the gap into the topic of gaps, acknowledged."""
        write_gap(self._settings, gap)

    def membership(self) -> Membership:
        """As whom the group coordinator knows this member."""
        metadata = self._consumer.group_metadata()
        return Membership(metadata.generation_id, metadata.member_id)

    def known_end(self, partition: TopicPartition) -> int | None:
        """The high watermark of the last fetch."""
        kafka_partition = KafkaTopicPartition(*partition)
        if kafka_partition not in self._consumer.assignment():
            return None
        highwater: int | None = self._consumer.highwater(kafka_partition)
        return highwater

    def close(self, timeout_s: float) -> None:
        """Leave the group, telling the listener first."""
        with self._explain("leaving the group"):
            self._consumer.close(autocommit=False, timeout_ms=int(timeout_s * 1000))

    def _follow_truncation(self, divergent: Mapping[KafkaTopicPartition, OffsetAndMetadata | None]) -> None:
        """A broker that fell back behind us took records back: read on where its log parts from what was read."""
        log.warning("the broker took records back", extra={"group": self._group, "divergent": str(divergent)})
        for partition, position in divergent.items():
            if position is not None:
                self._consumer.seek(partition, position.offset)
        self.start_over([TopicPartition(*partition) for partition, position in divergent.items() if position is None])

    def _choose_fetch_wait(self, polled_records: int) -> None:
        """Let no partition that has nothing hold up those that have, and nobody gather where nothing comes.

        The client has one fetch under way to a broker. While it holds records of all other partitions it asks for the
        empty one alone, and the broker waits for a record to come: a backlog beside an empty retry topic came to a
        halt for half a second after every few thousand records. The client reads this setting of its fetcher anew for
        each request, and has no other way to change it.
        """
        now = self._clock()
        # Polls of a backlog may bring nothing, too: while a fetch is under way, or the sink has no room.
        if polled_records >= _RECORDS_OF_BACKLOG or (not polled_records and self._consumer.paused()):
            self._backlog_until = now + _BACKLOG_S
        if polled_records:
            self._quiet_from = now + _QUIET_S
        least_bytes, wait_ms = self._fetch_bytes, self._fetch_wait_ms
        if now < self._backlog_until:
            wait_ms = min(_FETCH_WAIT_IN_BACKLOG_MS, wait_ms)
        elif least_bytes > 1 and now >= self._quiet_from:
            # Who gathers records asks often; where none come, it need not, and the first is worth no wait.
            least_bytes, wait_ms = 1, max(_FETCH_WAIT_WHEN_QUIET_MS, wait_ms)
        self._consumer._fetcher.config.update(fetch_min_bytes=least_bytes, fetch_max_wait_ms=wait_ms)

    @contextmanager
    def _explain(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (kafka_errors.KafkaError, OSError) as error:
            raise explain_kafka_error(error, doing, group=self._group) from error


def _as_kafka(partitions: Sequence[TopicPartition]) -> list[KafkaTopicPartition]:
    return [KafkaTopicPartition(*partition) for partition in partitions]
