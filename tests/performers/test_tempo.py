"""Frames are due when the rate says so."""

import numpy as np
import pytest

from performers.tempo import Burst, InvalidLoad, Tempo


def test_an_even_rate_has_even_steps() -> None:
    tempo = Tempo(800.0, 800.0, 60.0)
    assert tempo.frames == 48_000
    np.testing.assert_array_equal(tempo.due_s(), np.arange(48_000) / 800.0)


def test_a_ramp_counts_what_lies_under_it() -> None:
    tempo = Tempo(100.0, 800.0, 10.0)
    due_s = tempo.due_s()
    assert tempo.frames == 4_500
    assert tempo.peak_rate == 800.0
    assert (np.diff(due_s) > 0).all()
    assert due_s[0] == 0.0
    assert due_s[-1] < 10.0
    by_second = np.histogram(due_s, bins=np.arange(11))[0]
    np.testing.assert_allclose(by_second, 135 + 70 * np.arange(10), atol=1)


def test_a_ramp_may_begin_or_end_at_nothing() -> None:
    for tempo in (Tempo(0.0, 100.0, 10.0), Tempo(100.0, 0.0, 10.0)):
        due_s = tempo.due_s()
        assert len(due_s) == 500
        assert np.isfinite(due_s).all()
        assert (np.diff(due_s) > 0).all()
        assert 0.0 <= due_s[0] <= due_s[-1] <= 10.0
    assert Tempo(0.0, 100.0, 10.0).due_s()[125] == pytest.approx(5.0), "a quarter of the frames in the first half"


def test_a_burst_ends_every_period() -> None:
    tempo = Tempo(100.0, 100.0, 25.0, Burst(3.0, 1.0, 10.0))
    by_second = np.histogram(tempo.due_s(), bins=np.arange(26))[0]
    expected = np.full(25, 100)
    expected[[9, 19]] = 300
    np.testing.assert_allclose(by_second, expected, atol=1)
    assert tempo.frames == 2_900
    assert tempo.peak_rate == 300.0


def test_a_burst_multiplies_the_ramp_it_meets() -> None:
    tempo = Tempo(0.0, 100.0, 10.0, Burst(2.0, 1.0, 10.0))
    assert tempo.frames == 595, "95 of the last second twice"
    assert tempo.peak_rate == 200.0


@pytest.mark.parametrize("wrong", [(0.0, 0.0, 1.0), (-1.0, 5.0, 1.0), (1.0, 1.0, 0.0), (1.0, float("nan"), 1.0)])
def test_a_rate_that_cannot_be_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidLoad):
        Tempo(*wrong)


@pytest.mark.parametrize("wrong", [(0.0, 1.0, 2.0), (2.0, 3.0, 2.0), (2.0, 0.0, 2.0)])
def test_a_burst_that_cannot_be_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidLoad):
        Burst(*wrong)
