"""Memory that grows is seen, and memory that only settles at first is not taken for it."""

import pytest

from proving.meter import Sample, Usage
from proving.soak import MOST_GROWTH, follow_memory


def follow(megabytes: list[float]) -> float:
    samples = [Sample(float(at), {}, 0.0, {"archive": size}) for at, size in enumerate(megabytes)]
    return follow_memory(Usage(samples))["archive"].growth


def test_memory_that_creeps_is_seen() -> None:
    assert follow([100.0 + minute for minute in range(60)]) > MOST_GROWTH


def test_what_is_taken_while_starting_is_no_growth() -> None:
    assert follow([50.0, 70.0, 90.0, *[100.0] * 57]) == pytest.approx(1.0)


def test_a_sawtooth_is_flat() -> None:
    assert follow([100.0 + 20 * (minute % 3) for minute in range(60)]) == pytest.approx(1.0, abs=0.01)
