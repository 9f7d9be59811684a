"""What a sink is: seven calls, always in the same order, always from one thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from keypoints.errors import Terminal
from keypoints.frame import FrameBatch


class TopicPartition(NamedTuple):
    """One partition of one topic; equal to and hashed like kafka-python's own."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """The partitions a task got, and as whom: what a store needs to refuse a writer whose partitions are gone."""

    partitions: tuple[TopicPartition, ...]
    generation: int
    """The group's generation: it grows with each rebalance; a writer of an older one is a zombie."""
    member_id: str
    task_id: int


class SinkFailed(Terminal):
    """The sink cannot go on, whatever the rows: fenced off, without rights, without its tables. Fails the task."""


@runtime_checkable
class Sink(Protocol):
    """A destination for frames.

    The lifecycle, in order. All calls of one task come from one and the same thread, which is not the one that polls:
    a call may block for as long as the store takes, the membership of the group is kept meanwhile.

    1. `open(assignment)`: the task got these partitions, and owns no others. Prepare, and say where to go on.
    2. `put(batch)`: again and again, rows of one topic in offset order per partition. Buffer or write them.
    3. `flush()`: at least every `offset.flush.interval.ms`, also while the topic is idle. Make everything put durable.
    4. `durable_offsets()`: asked after each `put`, `flush` and `tick`. Only what it says is committed.
    5. `close(revoked)`: the partitions are gone, after a `flush` where the time allowed one. Drop what is not durable.
       `open` may follow.
    6. `alter_offsets(offsets)`: while nothing is open, a user moved the group's offsets; a sink that keeps offsets or
       state in its own store moves them along.
    7. `stop()`: once, at the end, whatever happened before. Release connections and files.

    Errors: raise `Transient` when the same call may succeed later (it is repeated with the same arguments, with
    backoff, up to `errors.retry.timeout`). A `put` that cannot take a row raises any `Terminal` but `SinkFailed`, with
    the row's index in the batch as its field `row` where it knows it: the rows are then put in smaller parts, and those
    still refused alone become dead letters (`errors.tolerance=all`). Anything else fails the task, which is started
    again with a new sink.
    A `put` that raises must have had no effect, or only one that repeating it, whole or in parts, does not double. The
    rows of a batch may have been seen before (redelivery): they must have no second effect.
    """

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Take over partitions. Returns the next offset to read for those the sink's own store knows about; the
        group's committed offsets hold for the others."""

    def put(self, batch: FrameBatch) -> None:
        """Take rows of one topic. `batch.partition` and `batch.offset` are the positions that get committed."""

    def flush(self) -> None:
        """Make everything put so far durable."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """For each partition, the offset after the last row of which it and all put before it are durable.

        Partitions of which nothing is durable yet are absent. Cheap: it is asked after each call.
        """

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Let go of partitions: drop what is not durable of them, write nothing more for them."""

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Move the sink's own offsets and state to these next offsets; None forgets a partition."""

    def stop(self) -> None:
        """Release everything."""


@runtime_checkable
class TickingSink(Sink, Protocol):
    """A sink that wants to be called by the clock too, say to roll files by age or to send at a steady rate."""

    @property
    def tick_interval_s(self) -> float:
        """Seconds until the next call of `tick`, at least 0.001. Asked after `open`, each `put` and each `tick`, so
        that a sink with nothing to do may sleep longer."""

    def tick(self) -> None:
        """Do what is due. Same thread and same errors as `put`; called while partitions are open, idle or not."""
