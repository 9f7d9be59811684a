"""The in-memory broker does to a group what Kafka does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connect_runtime.client import CommitRefused, PositionsGone
from connect_runtime.memory_broker import MemoryBroker, MemoryConsumer
from connect_runtime.sink import TopicPartition
from keypoints.errors import Terminal


class Told:
    """Notes what a member is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.calls.append(("assigned", [partition.partition for partition in partitions]))

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.calls.append(("revoked", [partition.partition for partition in partitions]))

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.calls.append(("lost", [partition.partition for partition in partitions]))


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create_topic("frames", 2)
    return broker


def join(broker: MemoryBroker) -> tuple[MemoryConsumer, Told]:
    consumer, told = broker.consumer("group"), Told()
    consumer.subscribe(["frames"], told)
    return consumer, told


def settle(*consumers: MemoryConsumer) -> None:
    """Let a rebalance come to its end."""
    for _ in range(4):
        for consumer in consumers:
            consumer.poll(0)


PLACE = TopicPartition("frames", 0)


def test_members_share_the_partitions_and_the_rest_goes_on_when_one_leaves(broker: MemoryBroker) -> None:
    first, told_first = join(broker)
    settle(first)
    second, told_second = join(broker)
    settle(first, second)
    assert told_first.calls == [("assigned", [0, 1]), ("revoked", [0, 1]), ("assigned", [0])]
    assert told_second.calls == [("assigned", [1])]
    second.close(1)
    settle(first)
    assert told_second.calls[-1] == ("revoked", [1])
    assert told_first.calls[-1] == ("assigned", [0, 1])
    assert first.membership().generation == 3


def test_records_come_in_order_until_paused_and_again_from_where_one_seeks(broker: MemoryBroker) -> None:
    consumer, _ = join(broker)
    settle(consumer)
    for index in range(5):
        assert broker.append("frames", b"%d" % index, partition=0) == index
    assert [record.value for record in consumer.poll(0)[PLACE]] == [b"0", b"1", b"2", b"3", b"4"]
    consumer.seek(PLACE, 3)
    consumer.pause([PLACE])
    assert consumer.poll(0) == {}
    consumer.resume([PLACE])
    assert [record.offset for record in consumer.poll(0)[PLACE]] == [3, 4]
    consumer.commit({PLACE: 2}, 1)
    consumer.rewind([PLACE])
    assert [record.offset for record in consumer.poll(0)[PLACE]] == [2, 3, 4]
    assert consumer.known_end(PLACE) == 5


def test_a_member_whose_session_ended_learns_it_and_cannot_commit(broker: MemoryBroker) -> None:
    first, told = join(broker)
    second, _ = join(broker)
    settle(first, second)
    mine = TopicPartition("frames", told.calls[-1][1][0])
    broker.expire("group", first.membership().member_id)
    with pytest.raises(CommitRefused):
        first.commit({mine: 1}, 1)
    settle(second, first)
    assert ("lost", [mine.partition]) in told.calls


def test_a_commit_of_an_older_generation_or_of_another_s_partition_is_refused(broker: MemoryBroker) -> None:
    broker.append("frames", b"v", partition=0)
    first, told = join(broker)
    settle(first)
    second, _ = join(broker)
    second.poll(0)
    first.commit({PLACE: 1}, 1)  # before it gives them up they are its own
    first.poll(0)
    with pytest.raises(CommitRefused):
        second.commit({TopicPartition("frames", 1): 1}, 1)  # it has not heard of the generation it is in
    settle(first, second)
    [theirs] = {0, 1} - set(told.calls[-1][1])
    with pytest.raises(CommitRefused):
        first.commit({TopicPartition("frames", theirs): 9}, 1)
    assert broker.committed("group") == {PLACE: 1}


def test_what_retention_took_is_not_read(broker: MemoryBroker) -> None:
    consumer, _ = join(broker)
    settle(consumer)
    for _ in range(5):
        broker.append("frames", b"v", partition=0)
    broker.delete_records("frames", 0, before=3)
    with pytest.raises(PositionsGone) as gone:
        consumer.poll(0)
    assert gone.value.positions == {PLACE: 0}
    assert consumer.log_starts([PLACE]) == {PLACE: 3}
    consumer.start_over([PLACE])
    assert [record.offset for record in consumer.poll(0)[PLACE]] == [3, 4]
    assert broker.end_offsets("frames") == {0: 5, 1: 0}


def test_a_topic_that_is_not_there_is_said(broker: MemoryBroker) -> None:
    with pytest.raises(Terminal, match="nothing-here"):
        broker.consumer("group").subscribe(["nothing-here"], Told())
    with pytest.raises(Terminal, match="frames"):
        broker.create_topic("frames", 1)
