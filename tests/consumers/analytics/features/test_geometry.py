"""Angles that must be right everywhere, and the same to the last bit in any batch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.analytics.features.geometry import Floats, angle_between, angle_of

DEGREES = [0.0, 1e-9, 1e-4, 0.5, 22.5, 44.999, 45.0, 45.001, 67.5, 89.999, 90.0, 135.0, 179.9999, 180.0]


@pytest.mark.parametrize("degrees", [sign * each for each in DEGREES for sign in (1.0, -1.0)])
def test_an_angle_is_found_from_its_sine_and_cosine(degrees: float) -> None:
    radians = math.radians(degrees)
    sine, cosine = np.array([3.0 * math.sin(radians)]), np.array([3.0 * math.cos(radians)])
    assert angle_of(sine, cosine)[0] == pytest.approx(math.degrees(math.atan2(sine[0], cosine[0])), rel=1e-14)


@pytest.mark.parametrize("degrees", DEGREES)
def test_an_angle_is_found_between_two_vectors_of_any_length(degrees: float) -> None:
    radians = math.radians(degrees)
    other = np.array([[0.2 * math.cos(radians)], [0.2 * math.sin(radians)], [0.0]])
    assert angle_between(np.array([[7.0], [0.0], [0.0]]), other)[0] == pytest.approx(degrees, abs=2e-14, rel=1e-14)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_an_angle_of_nothing_is_unknown() -> None:
    nothing = np.zeros((3, 1))
    assert np.isnan(angle_between(nothing, np.ones((3, 1)))[0])
    assert np.isnan(angle_of(np.zeros(1), np.zeros(1))[0])
    assert np.isnan(angle_of(np.array([np.nan]), np.ones(1))[0])


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=70))
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_an_angle_is_the_same_to_the_last_bit_alone_and_among_others(sides: list[tuple[float, float]]) -> None:
    columns: Floats = np.array(sides).T
    together = angle_of(columns[0], columns[1])
    alone = np.array([angle_of(columns[0, row : row + 1], columns[1, row : row + 1])[0] for row in range(len(sides))])
    assert together.tobytes() == alone.tobytes()
    expected = np.array([math.degrees(math.atan2(*side)) if any(side) else math.nan for side in sides])
    np.testing.assert_allclose(np.abs(together), np.abs(expected), rtol=1e-13, atol=1e-300)
