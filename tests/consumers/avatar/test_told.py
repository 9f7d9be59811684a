"""The judge of an avatar's steps finds jumps, and takes no late state for one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.consumers.avatar.told import Told, largest_step_deg

ALLOWED_DEG = 25.0
STEPS_S = np.arange(1, 61) / 60.0


def told(turned_deg: NDArray[np.float64], at_s: NDArray[np.float64], takes_over_at: int | None = None) -> Told:
    """An arm turned about one axis; from one state on by another sender, if asked, whose clock begins anew."""
    half = np.radians(turned_deg) / 2
    nothing = np.zeros_like(half)
    senders = np.zeros(len(half), dtype=np.int64)
    if takes_over_at is not None:
        senders[takes_over_at:] = 1
    return Told(at_s, np.stack((nothing, nothing, np.sin(half), np.cos(half)), axis=-1), senders)


def largest_of(arm: Told) -> float:
    step_deg, bone = largest_step_deg({"Head": told(np.zeros(60), STEPS_S), "RightHand": arm})
    assert bone == "RightHand"
    return step_deg


@pytest.mark.parametrize("late_s", [0.0, 0.004, 0.02, 0.06])
def test_the_fastest_limb_shown_does_not_jump_however_late_a_state_is(late_s: float) -> None:
    at_s = STEPS_S.copy()
    at_s[30:] += late_s
    # 700 degrees a second, back and forth so that the arm stays an arm.
    swung_deg = 90.0 - np.abs((700.0 * at_s) % 360.0 - 180.0)
    assert largest_of(told(swung_deg, at_s)) == pytest.approx(700.0 / 30, abs=0.6)
    assert largest_of(told(swung_deg, at_s)) < ALLOWED_DEG


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.15, 2.0])
def test_a_limb_that_is_elsewhere_at_once_jumped_however_long_nothing_was_shown(after_s: float) -> None:
    at_s = STEPS_S.copy()
    at_s[30:] += after_s
    assert largest_of(told(np.where(np.arange(60) < 30, 0.0, 90.0), at_s)) > ALLOWED_DEG


@pytest.mark.parametrize("begins_at_s", [0.1, 0.6, 20.0])
def test_who_takes_over_begins_where_the_other_stopped_whatever_its_clock_says(begins_at_s: float) -> None:
    at_s = STEPS_S.copy()
    at_s[30:] += begins_at_s - at_s[30]
    jump = told(np.where(np.arange(60) < 30, 0.0, 26.0), at_s, takes_over_at=30)
    assert largest_of(jump) == pytest.approx(26.0)
