"""The measures of steadiness say what was put in."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.consumers.avatar.steadiness import jitter_rms_deg, largest_step_deg


def about_z(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[T, 1, 4]: one bone turned by so much."""
    half = np.radians(degrees)[:, None] / 2
    return np.stack((0 * half, 0 * half, np.sin(half), np.cos(half)), axis=-1)


def test_jitter_is_the_deviation_from_the_mean_whatever_the_signs() -> None:
    rng = np.random.default_rng(1)
    rotations = about_z(80.0 + rng.normal(scale=0.7, size=3000)) * rng.choice([-1.0, 1.0], size=(3000, 1, 1))
    at_s = np.arange(3000) / 30.0
    assert jitter_rms_deg(rotations, at_s, window_s=1000.0)[0] == pytest.approx(0.7, rel=0.05)
    assert jitter_rms_deg(rotations, at_s)[0] == pytest.approx(0.7, rel=0.05)


def test_slow_motion_is_no_jitter() -> None:
    at_s = np.arange(300) / 30.0
    moving = about_z(10.0 * at_s)[10:-10]
    assert jitter_rms_deg(moving, at_s[10:-10], window_s=0.2)[0] < 1.0


def test_the_largest_step_is_within_a_thirtieth_of_a_second_at_any_rate() -> None:
    for rate in (30.0, 60.0, 120.0):
        at_s = np.arange(60) / rate
        assert largest_step_deg(about_z(300.0 * at_s), at_s)[0] == pytest.approx(10.0, abs=0.1)
    jump = about_z(np.array([0.0, 0.0, 50.0, 50.0]))
    assert largest_step_deg(jump, np.arange(4) / 60.0)[0] == pytest.approx(50.0, abs=0.1)
    assert largest_step_deg(jump, np.arange(4) / 15.0)[0] == pytest.approx(25.0, abs=0.2)


def test_a_bone_that_is_never_there_has_no_figure_and_gaps_are_passed_over() -> None:
    rotations = np.concatenate((about_z(np.zeros(30)), np.full((30, 1, 4), np.nan)), axis=1)
    rotations[10:12, 0] = np.nan
    at_s = np.arange(30) / 30.0
    for figures in (jitter_rms_deg(rotations, at_s), largest_step_deg(rotations, at_s)):
        assert figures[0] == pytest.approx(0.0, abs=1e-6)
        assert np.isnan(figures[1])
