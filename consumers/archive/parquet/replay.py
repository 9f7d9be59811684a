"""Parquet files of a bounded replay, written while the live group writes its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import Chain, Fenced, replay_chain
from consumers.archive.parquet.sink import ParquetSink
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch


class AheadOfLive(Terminal):
    """The live connector has not come so far; it will archive these itself. Fields: topic, partition, offset, limit."""


class ReplayFenced(Terminal):
    """Another replay of the partition has begun, or its offset was moved. Fields: as Fenced's."""


class ParquetReplaySink(ParquetSink):
    """Adds what is not listed yet of what the live group has passed, and never more.

    It writes to a chain of its own, so that it fences other replays and never the live group, and lists its files as
    guests of the partition's own chain. Neither need look again before each entry at what the other lists: the live
    group goes on from the offset its chain says, and the replay stays before it. A user who moves that offset fences
    the replay.
    """

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Fence other replays. The replay's own offsets hold."""
        super().open(assignment)
        # Read after the claim: whoever moves the live group from now on fences this writer.
        self._passed = {partition: self.passed_by_live(partition) for partition in assignment.partitions}
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Buffer the rows. Raises AheadOfLive, Fenced or StorageUnavailable, before taking the rows."""
        for number in np.unique(batch.partition).tolist():
            partition = TopicPartition(batch.topic, number)
            last = int(batch.offset[batch.partition == number].max())
            if last >= self._passed[partition]:
                raise AheadOfLive(
                    f"{partition.topic}-{number} offset {last} is the live connector's to archive",
                    topic=partition.topic, partition=number, offset=last, limit=self._passed[partition],
                )  # fmt: skip
        super().put(batch)

    def tick(self) -> None:
        """Finish what has reached a limit. Raises ReplayFenced."""
        with ending_when_fenced():
            super().tick()

    def flush(self) -> None:
        """Finish everything buffered. Raises ReplayFenced."""
        with ending_when_fenced():
            super().flush()

    def passed_by_live(self, partition: TopicPartition) -> int:
        """The offset the live group goes on from: all before it, and nothing else, may be replayed beside it."""
        chain = self._chain(partition)
        chain.refresh()
        return chain.next_offset or 0

    def _chain_to_write(self, partition: TopicPartition) -> Chain:
        return replay_chain(self._storage, self._chain(partition).identity)


@contextmanager
def ending_when_fenced() -> Iterator[None]:
    """Raises ReplayFenced for Fenced: another owner came, and no waiting makes this one the owner again."""
    try:
        yield
    except Fenced as error:
        raise ReplayFenced(
            f"the replay ends here: {error.message}", hint="start it again: nothing is stored twice", **error.fields
        ) from error
