"""When too many records fail, the task stops; when few do, it does not."""

from __future__ import annotations

import pytest

from connect_runtime.limits import HaltGuard, HaltLimits, TooManyRefused
from connect_runtime.memory_broker import MemoryRecord
from connect_runtime.rejections import Rejection, Stage
from connect_runtime.sink import TopicPartition
from keypoints.avro import Undecodable

PLACES = (TopicPartition("frames", 0), TopicPartition("frames", 1))


def record(partition: int, offset: int) -> MemoryRecord:
    return MemoryRecord("frames", partition, offset, 0, None, b"?", ())


def rejection(offset: int, partition: int = 0) -> Rejection:
    return Rejection(record(partition, offset), Stage.VALUE_CONVERTER, Undecodable("no frame"))


def test_a_run_of_failures_is_cut_where_it_is_too_long_and_says_where() -> None:
    guard = HaltGuard(HaltLimits(ratio=0, run_length=3))
    for offset in range(3):
        guard.check(rejection(offset))
    with pytest.raises(TooManyRefused, match=r"frames-0 offset 3.*errors\.halt\.run\.length=3") as caught:
        guard.check(rejection(3))
    assert caught.value.fields["offset"] == 3


def test_a_good_record_ends_a_run() -> None:
    guard = HaltGuard(HaltLimits(ratio=0, run_length=3))
    for offset in range(30):
        guard.check(rejection(offset))
        guard.pass_by(offset % 2)


def test_a_task_that_starts_again_halts_at_its_first_failed_record() -> None:
    guard = HaltGuard(HaltLimits(ratio=0, run_length=2))
    guard.check(rejection(0))
    guard.check(rejection(1))
    for _ in range(3):
        with pytest.raises(TooManyRefused):
            guard.check(rejection(2))
    guard.pass_by(1)
    guard.check(rejection(4))


def test_the_share_is_judged_over_the_last_thousand_records_and_not_over_fewer() -> None:
    guard = HaltGuard(HaltLimits(ratio=0.1, run_length=0))
    for offset in range(900):
        guard.check(rejection(offset))
    guard.pass_by(100)
    with pytest.raises(TooManyRefused, match=r"errors\.halt\.ratio=0\.1"):
        guard.check(rejection(1_000))
    guard.pass_by(900)
    for offset in range(100):
        guard.check(rejection(2_000 + offset))
    with pytest.raises(TooManyRefused):
        guard.check(rejection(2_100))


def test_both_limits_can_be_turned_off() -> None:
    guard = HaltGuard(HaltLimits(ratio=0, run_length=0))
    for offset in range(5_000):
        guard.check(rejection(offset))


def test_of_a_poll_everything_before_the_failure_that_is_too_many_is_tolerable() -> None:
    guard = HaltGuard(HaltLimits(ratio=0, run_length=2))
    polled = {place: [record(place.partition, offset) for offset in range(6)] for place in PLACES}
    failed = [rejection(1), rejection(3), rejection(4), rejection(5), rejection(0, 1), rejection(2, 1)]
    verdict = guard.judge(polled, failed)
    assert verdict.tolerable == failed[:3]
    assert verdict.refused == failed[3:]
    assert isinstance(verdict.error, TooManyRefused)
    assert verdict.error.fields["offset"] == 5
