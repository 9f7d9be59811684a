"""A consumer that waits for records and gets none keeps nothing of it."""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from kafka import TopicPartition

from kafka_io.consumer import make_consumer
from kafka_io.settings import KafkaSettings

POLLS = 10


class Batch:
    """What somebody has in hand while polling for more."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only what nobody holds is freed, as between two looks of the collector."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.servers
@pytest.mark.usefixtures("no_collector")
def test_what_was_in_hand_during_polls_that_brought_nothing_is_let_go(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    with closing(make_consumer(kafka_settings, None)) as consumer:
        consumer.assign([TopicPartition(make_topic(), 0)])

        def poll() -> weakref.ref[Batch]:
            in_hand = Batch()
            assert consumer.poll(timeout_ms=50) == {}
            return weakref.ref(in_hand)

        seen = [poll() for _ in range(POLLS)]
    assert [batch() for batch in seen] == [None] * POLLS
