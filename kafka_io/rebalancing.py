"""What a member of a consumer group on kafka-python needs to take part in rebalances."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer
from kafka import TopicPartition as KafkaTopicPartition
from kafka import errors as kafka_errors
from kafka.future import Future

Partition = TypeVar("Partition", bound=tuple[str, int])
"""(topic, partition), or a named tuple of them."""
Told_contra = TypeVar("Told_contra", bound=tuple[str, int], contravariant=True)

# All of them say: the group went on without this member, which polls to join again.
GROUP_MOVED_ON: Final = (
    kafka_errors.CommitFailedError,
    kafka_errors.FencedInstanceIdError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.UnknownMemberIdError,
)


class ToldOfRebalances(Protocol[Told_contra]):
    """Told_contra of rebalances from within `poll` and `close`, one call at a time.

    It may block for a while (heartbeats go on) and, in `on_revoked`, commit; it must not poll.
    """

    def on_assigned(self, partitions: Sequence[Told_contra]) -> None:
        """These, and no others, are this member's now."""

    def on_revoked(self, partitions: Sequence[Told_contra]) -> None:
        """These are about to be given up; until this returns they are still this member's."""

    def on_lost(self, partitions: Sequence[Told_contra]) -> None:
        """These are already somebody else's: too late to commit."""


class ThreadedListener(AsyncConsumerRebalanceListener, Generic[Partition]):  # type: ignore[misc]
    """Runs the listener on a thread of its own while the client's loop goes on with its heartbeats.

    kafka-python calls listeners on the loop that sends heartbeats, where a blocking call would cost the membership, and
    a commit would wait for itself. The polling thread stands still meanwhile, so the listener is still alone.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        listener: ToldOfRebalances[Partition],
        name_partition: Callable[[str, int], Partition],
    ) -> None:
        """`name_partition` makes the form of partition the listener knows."""
        self._consumer = consumer
        self._listener = listener
        self._name_partition = name_partition

    async def on_partitions_revoked(self, revoked: set[KafkaTopicPartition]) -> None:
        await self._run(self._listener.on_revoked, revoked)

    async def on_partitions_assigned(self, assigned: set[KafkaTopicPartition]) -> None:
        # A position for each, or the client would look for one itself; the listener pauses them, and seeks before it
        # has anything read.
        for partition in assigned:
            self._consumer.seek(partition, 0)
        await self._run(self._listener.on_assigned, assigned)

    async def on_partitions_lost(self, lost: set[KafkaTopicPartition]) -> None:
        await self._run(self._listener.on_lost, lost)

    async def _run(self, handle: Callable[[Sequence[Partition]], None], partitions: set[KafkaTopicPartition]) -> None:
        ours = sorted(self._name_partition(*partition) for partition in partitions)
        # kafka-python offers no public way back onto its loop from another thread.
        loop = self._consumer._net
        done = Future()

        def settle(error: BaseException | None) -> None:
            if error is None:
                done.success(None)
            else:
                done.failure(error)

        def run() -> None:
            problem: BaseException | None = None
            try:
                handle(ours)
            except BaseException as error:  # noqa: BLE001 - carried to the polling thread, which raises it
                problem = error
            loop.call_soon_threadsafe(lambda: settle(problem))

        threading.Thread(target=run, name="rebalance", daemon=True).start()
        await done
