"""A sink on its thread: ticks, retries, and what happens to calls whose partitions are gone."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future

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
    """`make_worker(make_sink, retry_timeout_s=…)` makes a worker, stopped after the test."""
    made: list[SinkWorker] = []

    def make(make_sink: Callable[[], RecordingSink], retry_timeout_s: float | None = None) -> SinkWorker:
        options = WorkerOptions(retry_timeout_s, retry_delay_max_s=0.05)
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
    taken = [worker.offer(batch(3 * index), 0.1) for index in range(11)]
    assert taken == [*[True] * 9, False, False]
    store.hang.clear()
    worker.flush().result(5)
    assert worker.durable_offsets() == {PLACE: 27}


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
