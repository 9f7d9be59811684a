"""The table of where time goes adds up to what was used, and names the right room."""

import os
import threading

import pytest

from proving.profile import REST, find_stage, read_thread_times, share_out

SOLVING = "thread (7): avatar-0-sink;put (consumers/avatar/sink.py:127);solve (consumers/avatar/solver/solve.py:91)"
SENDING = (
    "thread (7): avatar-0-sink;put (consumers/avatar/sink.py:127);show (consumers/avatar/outputs/vmc/output.py:42)"
)
IDLE = "thread (7): avatar-0-sink;run (connect_runtime/worker.py:200);wait (threading.py:331)"
POLLING = "thread (8): kafka-io;poll (kafka/net/selector.py:602);select (selectors.py:468)"


@pytest.mark.parametrize(
    ("stack", "stage"),
    [
        (SOLVING, "solver"),
        (SENDING, "datagrams"),
        (POLLING, "fetch"),
        ("thread (1): t;put (consumers/archive/postgres/sink.py:1);decode (keypoints/codec.py:1)", "COPY"),
        ("thread (1): t;run (connect_runtime/task.py:99)", REST),
    ],
)
def test_a_stack_belongs_to_the_room_it_is_in(stack: str, stage: str) -> None:
    assert find_stage(stack) == stage


def test_waiting_costs_the_stages_that_work_nothing() -> None:
    shares = share_out({7: 2.0}, f"{SOLVING} 30\n{SENDING} 10\n{IDLE} 960\n")
    assert shares == pytest.approx({"solver": 1.5, "datagrams": 0.5})


def test_a_thread_that_was_only_met_waiting_is_counted_for_what_it_waits_in() -> None:
    assert share_out({8: 0.25}, f"{POLLING} 50\n") == pytest.approx({"fetch": 0.25})


def test_everything_used_is_in_the_table_also_what_no_sample_met() -> None:
    shares = share_out({7: 1.0, 8: 0.5, 99: 0.125}, f"{SOLVING} 3\n{POLLING} 4\n")
    assert sum(shares.values()) == pytest.approx(1.625)
    assert shares[REST] == pytest.approx(0.125)


def test_threads_that_work_are_told_from_those_that_do_not() -> None:
    before, ended = read_thread_times(os.getpid()), threading.Event()
    idle = threading.Thread(target=ended.wait)
    idle.start()
    us, other = threading.get_native_id(), idle.native_id
    while read_thread_times(os.getpid())[us] - before.get(us, 0.0) < 0.1:
        sum(range(10_000))
    after = read_thread_times(os.getpid())
    ended.set()
    idle.join()
    assert other is not None
    assert after[other] <= 0.02
