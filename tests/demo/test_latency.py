"""Latencies are taken from the right line of the log."""

import pytest

from demo.latency import Durable, measure_to_durable, measure_to_moment, summarise
from producer_service.watchers import Delivered


def delivered(offset: int, handed_over_us: int, partition: int = 0) -> Delivered:
    return Delivered(
        stream_id="ada",
        epoch=1,
        sequence=offset,
        topic="frames",
        partition=partition,
        offset=offset,
        captured_at_us=handed_over_us,
        handed_over_us=handed_over_us,
        processed_at_us=handed_over_us,
        acknowledged_us=handed_over_us,
        has_person=True,
    )


def test_a_frame_is_durable_once_its_offset_lies_below_the_next_one() -> None:
    log = [Durable(0, 2, 10_000), Durable(0, 3, 30_000), Durable(1, 9, 1_000)]
    latency = measure_to_durable([delivered(0, 0), delivered(1, 0), delivered(2, 0)], log)
    assert latency is not None
    assert latency.frames == 3
    assert latency.mean == pytest.approx((10 + 10 + 30) / 3)


def test_a_frame_that_never_became_durable_has_no_latency() -> None:
    assert measure_to_durable([delivered(5, 0)], [Durable(0, 5, 10_000)]) is None


def test_an_offset_set_back_does_not_hide_when_a_frame_first_became_durable() -> None:
    log = [Durable(0, 4, 10_000), Durable(0, 2, 20_000), Durable(0, 4, 30_000)]
    latency = measure_to_durable([delivered(3, 0)], log)
    assert latency is not None
    assert latency.mean == 10.0


def test_only_frames_that_were_sent_count_towards_the_avatar() -> None:
    latency = measure_to_moment([delivered(0, 1_000), delivered(1, 2_000)], {(0, 1): 7_000})
    assert latency is not None
    assert (latency.frames, latency.mean) == (1, 5.0)


def test_nothing_measured_is_none_not_zero() -> None:
    assert summarise([]) is None
