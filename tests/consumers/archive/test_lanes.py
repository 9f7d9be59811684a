"""Several connections at once: order, failures, and what counts as durable."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from connect_runtime.sink import TopicPartition
from consumers.archive.postgres.lanes import WriteLanes
from keypoints.errors import Terminal, Transient
from keypoints.frame import FrameBatch
from tests.consumers.archive.made_frames import make_batch

TEST = TopicPartition("test", 0)


class Store:
    """Takes chunks while its gate is open; `refusals` are raised first, in order."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.gate = threading.Semaphore(1000)
        self.written: list[int] = []
        self.begun = threading.Semaphore(0)
        self.holds = False

    def write(self, batch: FrameBatch) -> None:
        self.holds = True
        self.begun.release()
        self.gate.acquire()
        if self.refusals:
            raise self.refusals.pop(0)
        self.written += batch.offset.tolist()

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def lanes_into(*stores: Store, chunk_rows: int = 100) -> Iterator[WriteLanes]:
    remaining = list(stores)
    lanes = WriteLanes(lambda: remaining.pop(0), lanes=len(stores), chunk_rows=chunk_rows)
    try:
        yield lanes
    finally:
        for store in stores:
            store.gate.release(1000)
        lanes.stop()


def test_durable_is_only_what_everything_before_is_too() -> None:
    stores = (Store(), Store())
    for store in stores:
        store.gate = threading.Semaphore(0)
    with lanes_into(*stores) as lanes:
        lanes.append(make_batch(10))
        while not any(store.begun.acquire(timeout=0.1) for store in stores):
            pass
        [slow] = [store for store in stores if store.holds]
        [quick] = [store for store in stores if not store.holds]
        quick.gate.release(1000)
        for offset in range(10, 60, 10):
            lanes.append(make_batch(10, first_offset=offset))
        while len(quick.written) < 50:
            quick.begun.acquire(timeout=0.1)
        assert lanes.durable_offsets() == {}, "the first chunk is still on its way"
        slow.gate.release(1000)
        lanes.drain()
        assert lanes.durable_offsets() == {TEST: 60}
        assert (slow.written, quick.written) == (list(range(10)), list(range(10, 60)))


def test_a_failure_is_raised_by_the_next_call_and_the_chunk_written_again() -> None:
    store = Store(Transient("restarting"), Transient("still restarting"))
    with lanes_into(store) as lanes:
        lanes.append(make_batch(10))
        for message in ("restarting", "still restarting"):
            with pytest.raises(Transient, match=f"^{message}$"):
                lanes.drain()
        lanes.drain()
        assert store.written == list(range(10))
        assert lanes.durable_offsets() == {TEST: 10}


def test_a_refused_put_takes_nothing_so_that_repeating_it_doubles_nothing() -> None:
    store = Store(Transient("down"))
    with lanes_into(store) as lanes:
        lanes.append(make_batch(10))
        assert store.begun.acquire(timeout=5)
        following = make_batch(10, first_offset=10)
        refused = False
        for _ in range(1000):
            try:
                lanes.check()
            except Transient:
                refused = True
                break
            threading.Event().wait(0.005)
        assert refused
        lanes.append(following)
        lanes.drain()
        assert store.written == list(range(20))


def test_an_unexpected_error_of_a_connection_is_not_lost_with_its_thread() -> None:
    with lanes_into(Store(ZeroDivisionError("surprise"))) as lanes:
        lanes.append(make_batch(10))
        with pytest.raises(Terminal, match="surprise"):
            lanes.drain()


def test_rows_of_partitions_that_are_gone_are_dropped_and_the_others_kept() -> None:
    store = Store()
    store.gate = threading.Semaphore(0)
    with lanes_into(store) as lanes:
        lanes.append(make_batch(1))
        assert store.begun.acquire(timeout=5)
        both = FrameBatch.concat([make_batch(5, first_offset=1), make_batch(5, partition=1, first_offset=100)])
        lanes.append(both.take(np.random.default_rng(0).permutation(10)))
        store.gate.release(1000)
        lanes.drain()
        lanes.forget([TEST])
        assert lanes.durable_offsets() == {TopicPartition("test", 1): 105}


def test_small_batches_that_pile_up_are_written_together() -> None:
    store = Store()
    store.gate = threading.Semaphore(0)
    with lanes_into(store, chunk_rows=50) as lanes:
        lanes.append(make_batch(1))
        assert store.begun.acquire(timeout=5)
        for offset in range(1, 41):
            lanes.append(make_batch(1, first_offset=offset))
        store.gate.release(1000)
        lanes.drain()
        assert store.begun.acquire(timeout=5)
        assert not store.begun.acquire(blocking=False), "the forty became one chunk"
