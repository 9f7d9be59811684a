"""A sink on its thread: ticks, retries, and what happens to calls whose partitions are gone."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace

import pytest

from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from connect_runtime.task_metrics import TaskMetrics
from connect_runtime.worker import Abandoned, RetriesExhausted, SinkWorker, WorkerOptions
from keypoints.frame import FrameBatch, HolisticFrame
from observability.metrics import Metrics
from tests.connect_runtime.harness import RecordingSink, Store, StoreDown, wait_until

PLACE = TopicPartition("frames", 0)
ASSIGNMENT = Assignment((PLACE,), 1, "member", 0)


def batch(first: int, count: int = 3) -> FrameBatch:
    frames = [
        HolisticFrame(stream_id="ada", sequence=index, epoch=1, captured_at_us=1, processed_at_us=1, width=1, height=1)
        for index in range(count)
    ]
    return FrameBatch.from_frames(frames, topic="frames", first_offset=first)


WorkerMaker = Callable[..., SinkWorker]


@pytest.fixture
def make_worker() -> Iterator[WorkerMaker]:
    """`make_worker(make_sink, retry_timeout_s=…, most_rows=…)` makes a worker, stopped after the test."""
    made: list[SinkWorker] = []

    def make(
        make_sink: Callable[[], RecordingSink], retry_timeout_s: float | None = None, most_rows: int = 100
    ) -> SinkWorker:
        options = WorkerOptions(retry_timeout_s, 0.05, waiting_bytes=3 * batch(0).coordinate_bytes, most_rows=most_rows)
        worker = SinkWorker("sink", make_sink, options, TaskMetrics(Metrics(), "test", 0), Surroundings())
        made.append(worker)
        return worker

    yield make
    for worker in made:
        assert worker.stop(10)


class Ticking(RecordingSink):
    """Flushes by the clock."""

    tick_interval_s = 0.01

    def tick(self) -> None:
        self.flush()


def test_a_ticking_sink_is_called_while_it_is_open_and_idle_and_at_no_other_time(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: Ticking(store))
    assert isinstance(Ticking(store), TickingSink)
    threading.Event().wait(0.1)
    assert store.flush_calls == 0
    worker.open(ASSIGNMENT).result(5)
    assert worker.offer(batch(0), 5)
    wait_until("ticked", lambda: store.flush_calls > 3 and worker.durable_offsets() == {PLACE: 3})
    worker.close([PLACE]).result(5)
    calls = store.flush_calls
    threading.Event().wait(0.1)
    assert store.flush_calls == calls


def test_a_batch_that_finds_no_room_is_not_taken(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    worker.open(ASSIGNMENT).result(5)
    store.hang.set()
    taken = [worker.offer(batch(3 * index), 0.1) for index in range(5)]
    assert taken == [True, True, True, False, False]
    store.hang.clear()
    worker.flush().result(5)
    assert worker.durable_offsets() == {PLACE: 9}


def test_a_batch_larger_than_all_the_room_there_is_passes_alone(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    worker.open(ASSIGNMENT).result(5)
    store.hang.set()
    assert worker.offer(batch(0, count=50), 0.1)
    assert not worker.offer(batch(50), 0.1)
    store.hang.clear()
    assert worker.offer(batch(50), 5)
    worker.flush().result(5)
    assert worker.durable_offsets() == {PLACE: 53}


def test_room_is_free_again_when_what_waited_is_dropped(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    worker.open(ASSIGNMENT).result(5)
    store.hang.set()
    assert [worker.offer(batch(3 * index), 0.1) for index in range(4)] == [True, True, True, False]
    worker.abandon()
    closing = worker.close([PLACE])
    store.hang.clear()
    closing.result(5)
    worker.open(ASSIGNMENT).result(5)
    store.hang.set()
    assert [worker.offer(batch(3 * index), 0.1) for index in range(4)] == [True, True, True, False]
    store.hang.clear()


def be_busy_with_the_first(worker: SinkWorker, store: Store) -> None:
    worker.open(ASSIGNMENT).result(5)
    store.hang.set()
    assert worker.offer(batch(0), 1)
    wait_until("the sink is busy", lambda: store.put_calls == 1)


def test_batches_that_wait_while_the_sink_is_busy_are_one_put_in_their_order(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    be_busy_with_the_first(worker, store)
    assert worker.offer(batch(3), 1)
    assert worker.offer(batch(6), 1)
    store.hang.clear()
    worker.flush().result(5)
    assert store.put_calls == 2
    assert store.offsets("frames", 0) == list(range(9))
    assert list(store.rows) == [("frames", 0, offset) for offset in range(9)]
    assert worker.durable_offsets() == {PLACE: 9}


@pytest.mark.parametrize(
    ("second", "most_rows"),
    [
        pytest.param(batch(6), 5, id="more rows than a poll brings"),
        pytest.param(replace(batch(6), topic="retry"), 100, id="two topics"),
    ],
)
def test_batches_that_do_not_go_together_are_a_put_each(
    make_worker: WorkerMaker, second: FrameBatch, most_rows: int
) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store), most_rows=most_rows)
    be_busy_with_the_first(worker, store)
    assert worker.offer(batch(3), 1)
    assert worker.offer(second, 1)
    store.hang.clear()
    worker.flush().result(5)
    assert store.put_calls == 3
    assert store.count() == 9


def test_what_is_offered_after_a_flush_is_not_put_before_it(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    be_busy_with_the_first(worker, store)
    assert worker.offer(batch(3), 1)
    flushed = worker.flush()
    assert worker.offer(batch(6), 1)
    store.flush_hangs.set()
    store.hang.clear()
    wait_until("the second put", lambda: store.put_calls == 2)
    assert not flushed.done()
    store.flush_hangs.clear()
    flushed.result(5)
    assert store.offsets("frames", 0) == list(range(6))
    worker.flush().result(5)
    assert store.put_calls == 3


def test_a_put_of_several_batches_that_fails_is_tried_again_as_it_was(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    be_busy_with_the_first(worker, store)
    assert worker.offer(batch(3), 1)
    store.down.set()
    store.hang.clear()
    wait_until("the second put is tried again", lambda: store.put_calls >= 3)
    # Another comes while it is being repeated: not with what has begun.
    assert worker.offer(batch(6), 1)
    store.down.clear()
    worker.flush().result(5)
    assert store.offsets("frames", 0) == list(range(9))
    assert set(store.rows.values()) == {1}
    assert worker.durable_offsets() == {PLACE: 9}


def test_retries_end_after_the_timeout_and_say_what_failed(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store), retry_timeout_s=0.3)
    worker.open(ASSIGNMENT).result(5)
    store.down.set()
    with pytest.raises(RetriesExhausted, match=r"flush failed .* times: the store is down") as caught:
        worker.flush().result(5)
    assert caught.value.fields["call"] == "flush"
    with pytest.raises(RetriesExhausted):
        worker.raise_failure()


def test_a_call_of_partitions_that_are_gone_is_repeated_no_more_and_its_rows_are_dropped(
    make_worker: WorkerMaker,
) -> None:
    store = Store()
    worker = make_worker(lambda: RecordingSink(store))
    worker.open(ASSIGNMENT).result(5)
    store.down.set()
    assert worker.offer(batch(0), 5)
    assert worker.offer(batch(3), 5)
    flushing = worker.flush()
    wait_until("tried", lambda: store.put_calls > 1)
    worker.abandon()
    closing = worker.close([PLACE])
    assert isinstance(flushing.exception(5), Abandoned)
    closing.result(5)
    store.down.clear()
    worker.open(ASSIGNMENT).result(5)
    worker.flush().result(5)
    assert store.count() == 0
    assert worker.durable_offsets() == {}


def test_a_sink_that_cannot_be_made_fails_whoever_asks(make_worker: WorkerMaker) -> None:
    def make_sink() -> RecordingSink:
        raise StoreDown("no store at all")

    worker = make_worker(make_sink)
    asked: Future[Mapping[TopicPartition, int]] = worker.open(ASSIGNMENT)
    assert isinstance(asked.exception(5), StoreDown)
    with pytest.raises(StoreDown):
        worker.offer(batch(0), 1)


def test_a_user_s_offsets_reach_the_sink(make_worker: WorkerMaker) -> None:
    store = Store(next_offsets={PLACE: 7})
    worker = make_worker(lambda: RecordingSink(store, keeps_offsets=True))
    worker.alter_offsets({PLACE: 3}).result(5)
    assert worker.open(ASSIGNMENT).result(5) == {PLACE: 3}
    worker.close([PLACE]).result(5)
    worker.alter_offsets({PLACE: None}).result(5)
    assert worker.open(ASSIGNMENT).result(5) == {}


def test_delays_double_up_to_the_cap_and_are_never_the_same_for_all() -> None:
    backoff, dice = Backoff(first_s=0.1, cap_s=5.0), random.Random(1)
    delays = [[backoff.delay_s(attempt, dice) for _ in range(50)] for attempt in range(1, 12)]
    for attempt, drawn in enumerate(delays, start=1):
        full = min(5.0, 0.1 * 2 ** (attempt - 1))
        assert full / 2 <= min(drawn) < max(drawn) <= full
    assert backoff.delay_s(10_000, dice) <= 5.0


class SleepyWhenEmpty(Ticking):
    """Wants to be called often only while it holds rows."""

    @property
    def tick_interval_s(self) -> float:  # type: ignore[override]
        return 0.01 if self._buffer else 3600.0


def test_a_sink_with_nothing_to_do_sleeps_until_it_is_given_something(make_worker: WorkerMaker) -> None:
    store = Store()
    worker = make_worker(lambda: SleepyWhenEmpty(store))
    worker.open(ASSIGNMENT).result(5)
    threading.Event().wait(0.1)
    assert store.flush_calls == 0
    assert worker.offer(batch(0), 5)
    wait_until("ticked", lambda: worker.durable_offsets() == {PLACE: 3})
    calls = store.flush_calls
    threading.Event().wait(0.1)
    assert store.flush_calls == calls
