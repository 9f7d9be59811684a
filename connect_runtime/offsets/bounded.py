"""A replay with an end: a group of its own reads ranges of a connector's topics again, into the connector's sink."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from kafka import TopicPartition as KafkaTopicPartition

from connect_runtime.client import Polled
from connect_runtime.config import ConnectorConfig
from connect_runtime.decoding import Decoder
from connect_runtime.kafka_client import KafkaTaskConsumer
from connect_runtime.membership import consumer_settings
from connect_runtime.offsets.replay_plan import PlannedRange
from connect_runtime.rejections import LogReporter
from connect_runtime.retry import Surroundings
from connect_runtime.sink import TopicPartition
from connect_runtime.spec import ConnectorSpec, read_connector
from connect_runtime.task import SinkTask, TaskParts
from connect_runtime.task_metrics import TaskMetrics
from connect_runtime.worker import SinkWorker, WorkerOptions
from kafka_io.consumer import rows_of_a_poll
from kafka_io.group_offsets import delete_group, move_group
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Terminal
from observability.logs import error_fields
from observability.metrics import Metrics

# A replay ends when it fails; nobody waits for a retry of five minutes at a terminal.
_RETRY_S: Final = 60.0
_FOLLOWING_S: Final = 0.2

log: Final = logging.getLogger(__name__)


class ReplayUnfinished(Terminal):
    """A bounded replay was stopped before its end. Fields: group, records, of."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a bounded replay did: the group it was, and the offsets it went over."""

    group: str
    records: int


class BoundedConsumer(KafkaTaskConsumer):
    """A member of a group that returns no record outside of given ranges, and knows when all of them are committed."""

    def __init__(
        self,
        settings: KafkaSettings,
        config: ConnectorConfig,
        ranges: Sequence[PlannedRange],
        on_progress: Callable[[int], None],
        on_end: Callable[[], None],
    ) -> None:
        """`on_progress` is told of how many offsets were gone over so far, `on_end` once, of the end."""
        super().__init__(settings, config.name, consumer_settings(config, 0))
        self._ranges = {one.partition: one for one in ranges}
        self._on_progress = on_progress
        self._on_end = on_end
        self._positions = {one.partition: one.first for one in ranges}
        self._uncommitted: dict[TopicPartition, int] = {}
        """Offset after the last record returned and not committed."""

    def poll(self, timeout_s: float) -> Polled:
        """Records of the ranges; partitions that have come to their end are paused."""
        polled = {}
        for at, records in super().poll(timeout_s).items():
            kept = [record for record in records if self._holds(at, record.offset)]
            if kept:
                polled[at] = kept
                self._uncommitted[at] = kept[-1].offset + 1
        self._look_at_positions()
        return polled

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Return records again, but of those partitions only that are not at their end."""
        super().resume([at for at in partitions if not self._is_read(at)])

    def rewind(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Go on reading at the replay's own offsets. What was not committed is read again."""
        committed = super().rewind(partitions)
        for at in partitions:
            self._uncommitted.pop(at, None)
            if at in self._ranges:
                self._positions[at] = committed.get(at, self._ranges[at].first)
        return committed

    def commit(self, offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit these next offsets; the end of the replay is when the last is."""
        super().commit(offsets, timeout_s)
        for at, offset in offsets.items():
            if offset >= self._uncommitted.get(at, 0):
                self._uncommitted.pop(at, None)

    def _look_at_positions(self) -> None:
        owned = {TopicPartition(*at) for at in self._consumer.assignment()}
        for at in owned & set(self._ranges):
            position: int = self._consumer.position(KafkaTopicPartition(*at))
            self._positions[at] = max(self._positions[at], min(position, self._ranges[at].end))
        ended = [at for at in owned if self._is_read(at)]
        self.pause(ended)
        self._on_progress(sum(self._positions[at] - one.first for at, one in self._ranges.items()))
        if owned >= set(self._ranges) and len(ended) == len(owned) and not self._uncommitted:
            self._on_end()

    def _holds(self, at: TopicPartition, offset: int) -> bool:
        return at in self._ranges and self._ranges[at].first <= offset < self._ranges[at].end

    def _is_read(self, at: TopicPartition) -> bool:
        return at not in self._ranges or self._positions[at] >= self._ranges[at].end


@dataclass(frozen=True, slots=True)
class BoundedReplay:
    """How a connector does a bounded replay beside its live group.

    Nothing from `limit(partition)` on may be replayed (None: no limit); `why` completes "… is not replayed: ".
    `one_by_one`: partition after partition, for a sink that gathers what belongs together. `lead_in(partition, first)`
    is where to begin reading so that a sink with state knows what led up to the range, `first` at the latest.
    """

    spec: ConnectorSpec
    limit: Callable[[TopicPartition], int | None] = lambda _: None
    why: str = ""
    one_by_one: bool = False
    lead_in: Callable[[TopicPartition, int], int] = lambda _, first: first

    def keep_within(self, ranges: Sequence[PlannedRange]) -> list[PlannedRange]:
        """The ranges, cut at the limit and led into, with a warning. Raises what asking the sink's store raises."""
        return [self._lead_in(self._cut(one, self.limit(one.partition))) for one in ranges]

    def run(
        self,
        kafka: KafkaSettings,
        ranges: Sequence[PlannedRange],
        on_progress: Callable[[int], None] = lambda _done: None,
        stop: threading.Event | None = None,
    ) -> "ReplayReport":
        """Replay the ranges, see `run_bounded_replay`."""
        if not self.one_by_one:
            return run_bounded_replay(self.spec, kafka, ranges, on_progress, stop)
        done = 0
        for one in ranges:

            def tell(more: int, before: int = done) -> None:
                on_progress(before + more)

            # A replay sets its event when it comes to its end, so each has one of its own.
            with _following(stop or threading.Event()) as stop_this_one:
                done += run_bounded_replay(self.spec, kafka, [one], tell, stop_this_one).records
        return ReplayReport(self.spec.name, done)

    def _cut(self, one: PlannedRange, limit: int | None) -> PlannedRange:
        if limit is None or one.end <= limit:
            return one
        end = max(one.first, limit)
        return replace(one, end=end, warnings=(*one.warnings, f"from {end} on is not replayed: {self.why}"))

    def _lead_in(self, one: PlannedRange) -> PlannedRange:
        first = self.lead_in(one.partition, one.first) if one.records else one.first
        if first == one.first:
            return one
        warning = f"is read from {first} on, for what led up to {one.first}"
        return replace(one, first=first, warnings=(*one.warnings, warning))


@contextmanager
def _following(stop: threading.Event) -> Iterator[threading.Event]:
    """An event that is set when `stop` is, and may be set by itself; at the end of the block it is."""
    following = threading.Event()

    def follow() -> None:
        while not following.is_set():
            if stop.wait(_FOLLOWING_S):
                following.set()

    thread = threading.Thread(target=follow, name="replay-stop")
    thread.start()
    try:
        yield following
    finally:
        following.set()
        thread.join()


def name_replay(connector: str) -> str:
    """A group for one bounded replay of a connector; no other has it."""
    return f"{connector}-replay-{uuid.uuid4().hex[:8]}"


def run_bounded_replay(
    spec: ConnectorSpec,
    kafka: KafkaSettings,
    ranges: Sequence[PlannedRange],
    on_progress: Callable[[int], None] = lambda _done: None,
    stop: threading.Event | None = None,
) -> ReplayReport:
    """Read these ranges of `spec`'s topics into its sink, and return when all of it is durable and committed.

    `spec.name` becomes the group (see `name_replay`), which is deleted in the end. Raises ReplayUnfinished when `stop`
    was set before the end, or what the sink or Kafka failed with; the ranges can be replayed again as often as wanted.
    """
    total = sum(one.records for one in ranges)
    wanted = [one for one in ranges if one.records]
    if not wanted:
        return ReplayReport(spec.name, 0)
    config = _configure(spec, wanted)
    surroundings = Surroundings(stopping=stop or threading.Event())
    ended = threading.Event()

    def end() -> None:
        ended.set()
        surroundings.stopping.set()

    move_group(kafka, config.name, {one.partition: one.first for one in wanted})
    try:
        consumer = BoundedConsumer(kafka, config, wanted, on_progress, end)
        _make_task(spec, config, kafka, consumer, surroundings).run()
    finally:
        _forget(config.name, kafka)
    if not ended.is_set():
        raise ReplayUnfinished(
            "the replay was stopped before its end", hint="start it again: nothing is stored twice",
            group=config.name, of=total,
        )  # fmt: skip
    return ReplayReport(config.name, total)


def _configure(spec: ConnectorSpec, ranges: Sequence[PlannedRange]) -> ConnectorConfig:
    config = read_connector(spec)
    theirs = {name: value for name, value in config.consumer_overrides.items() if name != "group_instance_id"}
    return replace(
        config,
        topics=tuple(sorted({one.partition.topic for one in ranges})),
        tasks_max=1,
        # Where retention has taken the beginning away meanwhile, the rest is read.
        consumer_overrides=theirs | {"auto_offset_reset": "earliest"},
        retry_timeout_s=_RETRY_S,
    )


def _forget(group: str, kafka: KafkaSettings) -> None:
    try:
        delete_group(kafka, group)
    except HolisticError as error:
        # Kafka forgets an empty group by itself, later.
        log.warning("the replay's group is left behind: %s", error.message, extra=error_fields(error))


def _make_task(
    spec: ConnectorSpec,
    config: ConnectorConfig,
    kafka: KafkaSettings,
    consumer: BoundedConsumer,
    surroundings: Surroundings,
) -> SinkTask:
    metrics = TaskMetrics(Metrics(), config.name, 0)
    options = WorkerOptions(
        config.retry_timeout_s, config.retry_delay_max_s, most_rows=rows_of_a_poll(config.consumer_overrides)
    )
    parts = TaskParts(
        consumer=consumer,
        worker=SinkWorker(f"{config.name}-sink", spec.make_sink, options, metrics, surroundings),
        decoder=Decoder(TopicSchemaLookup(kafka), config.schema_retry_timeout_s, surroundings),
        # The connector itself has put records it cannot use among its dead letters, once.
        reporter=LogReporter(config.name, metrics, surroundings),
        metrics=metrics,
        surroundings=surroundings,
    )
    return SinkTask(config, 0, parts)
