"""The parts of a replay that need neither Kafka nor threads: its clock, and records in the order of time."""

import math
from dataclasses import dataclass

import pytest

from consumers.avatar.viewer.replay.clock import ReplayClock
from consumers.avatar.viewer.replay.merging import Merge


@dataclass(frozen=True)
class MadeRecord:
    """A record with nothing but its place and time."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None = b"ada"
    topic: str = "frames"
    value: bytes | None = b"12345"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def records(partition: int, *times_ms: int, key: bytes | None = b"ada") -> list[MadeRecord]:
    return [MadeRecord(partition, offset, time_ms, key) for offset, time_ms in enumerate(times_ms)]


def test_the_clock_stands_until_it_is_let_go_and_goes_on_from_where_it_stood() -> None:
    clock = ReplayClock(1_000.0, 2.0, now_s=10.0)
    assert clock.at_ms(15.0) == 1_000
    clock.run(15.0, is_running=True)
    assert clock.at_ms(16.0) == 3_000
    clock.change_speed(0.5, 16.0)
    assert clock.at_ms(18.0) == 4_000
    clock.run(18.0, is_running=False)
    assert clock.at_ms(100.0) == 4_000
    clock.set(500.0, 100.0)
    clock.run(101.0, is_running=True)
    assert clock.at_ms(102.0) == 1_000


def test_partitions_are_merged_by_time_as_far_as_all_are_known() -> None:
    merge = Merge([0, 1])
    merge.add(0, records(0, 10, 20, 30))
    assert merge.known_until_ms == -math.inf, "of the other partition anything may come"
    merge.add(1, records(1, 15, 25))
    assert merge.known_until_ms == 25
    assert [record.timestamp for record in merge.take_until(25)] == [10, 15, 20, 25]
    assert merge.next_ms == 30
    merge.finish(1)
    assert (merge.known_until_ms, merge.unfinished) == (30, [0])
    merge.finish(0)
    assert (merge.known_until_ms, merge.is_over) == (math.inf, False)
    assert len(merge.take_until(math.inf)) == 1
    assert merge.is_over


def test_a_partition_keeps_its_order_whatever_its_times_say() -> None:
    merge = Merge([0, 1])
    merge.add(0, records(0, 10, 5, 20))
    merge.add(1, records(1, 7, 12))
    taken = merge.take_until(12)
    assert [(record.partition, record.timestamp) for record in taken] == [(1, 7), (0, 10), (0, 5), (1, 12)]


def test_only_the_wanted_streams_wait_and_the_others_still_tell_the_time() -> None:
    merge = Merge([0])
    merge.add(0, [*records(0, 10), *records(0, 20, key=b"bob"), *records(0, 30, key=None)], frozenset({b"ada"}))
    assert merge.known_until_ms == 30
    assert merge.waiting(0) == (2, 10)
    assert [record.timestamp for record in merge.take_until(25)] == [10]
    assert merge.waiting(0) == (1, 5)


@pytest.mark.parametrize("at_ms", [9, -1])
def test_what_is_not_due_is_not_taken(at_ms: float) -> None:
    merge = Merge([0])
    merge.add(0, records(0, 10))
    assert merge.take_until(at_ms) == []
