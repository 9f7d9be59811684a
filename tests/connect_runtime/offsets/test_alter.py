"""A sink's own offsets and its group's move together, or neither does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

import pytest
from kafka import KafkaConsumer

from connect_runtime.offsets.alter import NoSuchPartition, alter_offsets, read_group, reset_offsets
from connect_runtime.sink import TopicPartition
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaRefused
from kafka_io.group_offsets import GroupIsLive
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal
from tests.connect_runtime.harness import RecordingSink, Store, wait_until

pytestmark = pytest.mark.servers


class StoreRefuses(Terminal):
    """The store does not take it."""


class RefusingSink(RecordingSink):
    """Its store takes no offsets."""

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        raise StoreRefuses("no")


class InterruptedSink(RecordingSink):
    """Somebody joins the group just after it moved."""

    def __init__(self, store: Store, join: Callable[[], None]) -> None:
        super().__init__(store, keeps_offsets=True)
        self._join = join

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        super().alter_offsets(offsets)
        self._join()


def test_both_move_and_both_forget(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic, group, store = make_topic(partitions=2), f"alter-{uuid.uuid4().hex}", Store()
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {first: 3, second: 4})
    assert read_group(kafka_settings, group) == store.next_offsets == {first: 3, second: 4}
    alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {first: None, second: 5})
    assert read_group(kafka_settings, group) == store.next_offsets == {second: 5}
    # The store knows a partition of which the group has committed nothing.
    store.next_offsets[first] = 9
    for _ in range(2):
        reset_offsets(kafka_settings, group, lambda: RecordingSink(store), {topic})
        assert read_group(kafka_settings, group) == store.next_offsets == {}
    assert store.events == ["stop"] * 4


def test_nothing_moves_for_a_sink_that_refuses(kafka_settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic, group, store = make_topic(), f"alter-{uuid.uuid4().hex}", Store()
    partition = TopicPartition(topic, 0)
    alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {partition: 3})
    with pytest.raises(StoreRefuses):
        alter_offsets(kafka_settings, group, lambda: RefusingSink(store), {partition: 5})
    with pytest.raises(StoreRefuses):
        reset_offsets(kafka_settings, group, lambda: RefusingSink(store), {topic})
    assert read_group(kafka_settings, group) == store.next_offsets == {partition: 3}
    assert store.events == ["stop"] * 3


def test_partitions_there_are_not_are_refused_before_anything_moves(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic, group, store = make_topic(), f"alter-{uuid.uuid4().hex}", Store()
    with pytest.raises(NoSuchPartition, match=f"{topic}-1"):
        alter_offsets(
            kafka_settings,
            group,
            lambda: RecordingSink(store),
            {TopicPartition(topic, 0): 1, TopicPartition(topic, 1): 1},
        )
    with pytest.raises(KafkaRefused, match="no topic"):
        alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {TopicPartition("no-such-topic", 0): 1})
    assert (read_group(kafka_settings, group), store.next_offsets, store.events) == ({}, {}, [])


def test_a_sink_moves_back_when_somebody_joins_its_group_meanwhile(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic, group, store = make_topic(), f"alter-{uuid.uuid4().hex}", Store()
    partition = TopicPartition(topic, 0)
    alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {partition: 3})
    strangers: list[KafkaConsumer] = []

    def join() -> None:
        if not strangers:
            strangers.append(make_consumer(kafka_settings, group))
            strangers[0].subscribe([topic])
            wait_until("the stranger is in", lambda: strangers[0].poll(200) == {} and bool(strangers[0].assignment()))

    try:
        with pytest.raises(GroupIsLive):
            alter_offsets(kafka_settings, group, lambda: InterruptedSink(store, join), {partition: 5})
        assert read_group(kafka_settings, group) == store.next_offsets == {partition: 3}
        with pytest.raises(GroupIsLive):
            alter_offsets(kafka_settings, group, lambda: RecordingSink(store), {partition: 5})
        assert store.next_offsets == {partition: 3}
    finally:
        for stranger in strangers:
            stranger.close()
