"""What the runtime asks of a broker: the few calls of a group member, answered by Kafka and by the in-memory broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connect_runtime.sink import TopicPartition
from kafka_io.rebalancing import ToldOfRebalances
from keypoints.codec import RawRecord
from keypoints.errors import Transient

Polled = Mapping[TopicPartition, Sequence[RawRecord]]


class CommitRefused(Transient):
    """The group has moved on: these partitions are no longer this member's to commit. Their new owner reads again."""


class PositionsGone(Transient):
    """The broker has no records where a member wants to read: retention took them, or they never were."""

    def __init__(self, message: str, positions: Mapping[TopicPartition, int]) -> None:
        """`positions` are the offsets that were asked for."""
        super().__init__(message, partitions=sorted(positions))
        self.positions = dict(positions)


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of a partition that were gone before a connector read them: `first` up to and without `next_offset`."""

    connector: str
    partition: TopicPartition
    first: int
    next_offset: int
    noticed_at_ms: int
    """Milliseconds since 1970."""
    topic_id: str | None = None
    """Which life of the topic; None on a broker whose topics have but one."""

    @property
    def records(self) -> int:
        """How many offsets were passed over."""
        return self.next_offset - self.first


@dataclass(frozen=True, slots=True)
class Membership:
    """As whom a member is known to its group."""

    generation: int
    member_id: str


RebalanceListener = ToldOfRebalances[TopicPartition]
"""Told of rebalances from within `poll` and `close`."""


class TaskConsumer(Protocol):
    """One member of a consumer group. Not for several threads at once."""

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener, pattern: str | None = None) -> None:
        """Join the group at the next poll, for these topics and all whose whole name matches the pattern.

        Raises Terminal when one of `topics` does not exist; that no topic matches the pattern yet is no error.
        """

    def poll(self, timeout_s: float) -> Polled:
        """Records as soon as there are any, else nothing after `timeout_s`. Takes part in rebalances.

        Raises HolisticError: PositionsGone when there is nothing to read where a partition is to be read (until it is
        sought elsewhere), another Transient when the broker is away, Terminal when it refuses.
        """

    def commit(self, offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit these next offsets and wait for it. Raises CommitRefused, or as `poll`."""

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Return no records of these until they are resumed; membership goes on."""

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Return records of these again."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading at this offset."""

    def rewind(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Go on reading at the group's committed offsets, and return them; where there is none, start over.

        Raises as `poll`.
        """

    def start_over(self, partitions: Sequence[TopicPartition]) -> None:
        """Go on reading at what `auto.offset.reset` says. Raises Terminal when it says `none`."""

    def log_starts(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset there still is of each partition; retention moves it. Raises as `poll`."""

    def record_gap(self, gap: Gap) -> None:
        """Keep on the cluster that these records were never read. Once for each connector, partition and `first`, the
        last one counts. Raises as `poll`, and then nothing is kept."""

    def membership(self) -> Membership:
        """As whom the broker knows this member now."""

    def known_end(self, partition: TopicPartition) -> int | None:
        """The offset the next record of this partition will get, as of the last answer; None before the first."""

    def close(self, timeout_s: float) -> None:
        """Leave the group, telling the listener first."""
