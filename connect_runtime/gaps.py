"""Records that were gone before they were read: said aloud, counted, put on record, and only then passed over."""

import logging
from collections.abc import Mapping

from connect_runtime.client import Gap, Polled, PositionsGone, TaskConsumer
from connect_runtime.progress import Progress
from connect_runtime.retry import Surroundings
from connect_runtime.sink import TopicPartition
from connect_runtime.task_metrics import TaskMetrics

log = logging.getLogger(__name__)


class GapWatch:
    """Compares where a task wants to read with what there still is."""

    def __init__(
        self,
        consumer: TaskConsumer,
        progress: Progress,
        connector: str,
        task_id: int,
        metrics: TaskMetrics,
        surroundings: Surroundings,
    ) -> None:
        self._consumer = consumer
        self._progress = progress
        self._context: dict[str, object] = {"connector": connector, "task": task_id}
        self._connector = connector
        self._metrics = metrics
        self._around = surroundings
        # Said already: a sink's own store may name an old offset again after each rebalance.
        self._said_up_to: dict[TopicPartition, int] = {}

    def poll(self, timeout_s: float) -> Polled:
        """As `TaskConsumer.poll`, but never PositionsGone: reading goes on at the first record there is."""
        try:
            return self._consumer.poll(timeout_s)
        except PositionsGone as gone:
            passed = self.pass_gaps(gone.positions)
            self._start_over({part: at for part, at in gone.positions.items() if part not in passed})
            return {}

    def pass_gaps(self, positions: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """Have the partitions whose position is gone read on at the first record there is; returns which they are.

        Raises as `TaskConsumer.poll`: then some were not passed, and asking again says nothing twice.
        """
        if not positions:
            return []
        starts = self._consumer.log_starts(list(positions))
        passed: list[TopicPartition] = []
        for partition, position in positions.items():
            start = starts[partition]
            if position >= start:
                continue
            first = max(position, self._said_up_to.get(partition, 0))
            if first < start:
                self._say(Gap(self._connector, partition, first, start, int(self._around.wall_clock() * 1000)))
            self._consumer.seek(partition, start)
            self._progress.start_at(partition, start)
            passed.append(partition)
        return passed

    def _start_over(self, beyond: Mapping[TopicPartition, int]) -> None:
        """Positions no record ever had: a topic that was cut back, or offsets that were set too far."""
        for partition, offset in beyond.items():
            log.warning(
                "there was never a record at the offset to read on from, so the partition starts over",
                extra={
                    **self._context, "topic": partition.topic, "partition": partition.partition, "offset": offset
                },
            )  # fmt: skip
        self._consumer.start_over(list(beyond))

    def _say(self, gap: Gap) -> None:
        self._consumer.record_gap(gap)
        self._said_up_to[gap.partition] = gap.next_offset
        self._metrics.passed_gap(gap.records)
        log.error(
            "%d records were gone before they were read: the topic's retention is shorter than this connector was away",
            gap.records,
            extra={
                **self._context, "topic": gap.partition.topic, "partition": gap.partition.partition,
                "offset": gap.first, "next_offset": gap.next_offset,
            },
        )  # fmt: skip
