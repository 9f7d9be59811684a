"""What the runtime asks of a broker: the few calls of a group member, answered by Kafka and by the in-memory broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connect_runtime.sink import TopicPartition
from keypoints.codec import RawRecord
from keypoints.errors import Transient

Polled = Mapping[TopicPartition, Sequence[RawRecord]]


class CommitRefused(Transient):
    """The group has moved on: these partitions are no longer this member's to commit. Their new owner reads again."""


@dataclass(frozen=True, slots=True)
class Membership:
    """As whom a member is known to its group."""

    generation: int
    member_id: str


class RebalanceListener(Protocol):
    """Told of rebalances from within `poll` and `close`, one call at a time.

    It may block for a while (heartbeats go on) and, in `on_revoked`, commit; it must not poll.
    """

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """These, and no others, are this member's now."""

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These are about to be given up; until this returns they are still this member's."""

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """These are already somebody else's: too late to commit."""


class TaskConsumer(Protocol):
    """One member of a consumer group. Not for several threads at once."""

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener, pattern: str | None = None) -> None:
        """Join the group at the next poll, for these topics and all whose whole name matches the pattern.

        Raises Terminal when one of `topics` does not exist; that no topic matches the pattern yet is no error.
        """

    def poll(self, timeout_s: float) -> Polled:
        """Records as soon as there are any, else nothing after `timeout_s`. Takes part in rebalances.

        Raises HolisticError: Transient when the broker is away, Terminal when it refuses.
        """

    def commit(self, offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit these next offsets and wait for it. Raises CommitRefused, or as `poll`."""

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Return no records of these until they are resumed; membership goes on."""

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Return records of these again."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading at this offset."""

    def rewind(self, partitions: Sequence[TopicPartition]) -> None:
        """Go on reading at the group's committed offsets; where there is none, at what `auto.offset.reset` says.

        Raises as `poll`.
        """

    def membership(self) -> Membership:
        """As whom the broker knows this member now."""

    def known_end(self, partition: TopicPartition) -> int | None:
        """The offset the next record of this partition will get, as of the last answer; None before the first."""

    def close(self, timeout_s: float) -> None:
        """Leave the group, telling the listener first."""
