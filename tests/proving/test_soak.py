"""Memory that grows is seen, and memory that only settles at first is not taken for it."""

import pytest

from proving.meter import Sample, Usage
from proving.soak import MOST_GROWTH, MemoryCourse, follow_memory, list_grown


def follow_course(megabytes: list[float], every_s: float = 1.0) -> MemoryCourse:
    samples = [Sample(at * every_s, {}, 0.0, {"archive": size}) for at, size in enumerate(megabytes)]
    return follow_memory(Usage(samples))["archive"]


def follow(megabytes: list[float]) -> float:
    return follow_course(megabytes).growth


def test_memory_that_creeps_is_seen() -> None:
    assert follow([100.0 + minute for minute in range(60)]) > MOST_GROWTH


def test_what_is_taken_while_starting_is_no_growth() -> None:
    assert follow([50.0, 70.0, 90.0, *[100.0] * 57]) == pytest.approx(1.0)


def test_a_sawtooth_is_flat() -> None:
    assert follow([100.0 + 20 * (minute % 3) for minute in range(60)]) == pytest.approx(1.0, abs=0.01)


def test_every_minute_says_what_was_usual_in_it() -> None:
    course = follow_course([10.0, 11.0, 99.0, 12.0, 12.0, 12.0, 13.0], every_s=20.0)
    assert course.minutes_mb == (11.0, 12.0, 13.0)


def test_a_part_that_grew_is_named_and_a_broker_whose_heap_has_filled_by_half_time_is_not() -> None:
    filling, flat = follow_course([100.0 + min(minute, 24) for minute in range(60)]), follow_course([100.0] * 60)
    assert filling.growth > MOST_GROWTH
    assert list_grown({"kafka": filling, "postgres": flat, "avatar": filling, "load": flat}) == ("avatar",)


def test_a_broker_that_grows_to_the_end_is_named() -> None:
    assert list_grown({"kafka": follow_course([100.0 + minute for minute in range(60)])}) == ("kafka",)
