"""States between frames move on evenly to the newest value, at any rate of input, without jump or overshoot."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.smoothing.motions import Motions
from tests.consumers.avatar.playback import observe, play, show, solved, turned
from tests.consumers.avatar.steadiness import largest_step_deg


def fast_swing(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees of a swing so fast that the filter is open."""
    return np.asarray(60.0 * np.sin(2 * np.pi * 1.5 * at_s))


def test_at_30_frames_a_second_the_arrival_shows_half_of_the_way_and_the_next_output_the_rest() -> None:
    at_s = np.arange(120) / 30.0
    shown = play(solved(turned(fast_swing(at_s))), at_s)
    arm = shown.degrees(Bone.LEFT_LOWER_ARM)[120:]
    steps = np.diff(arm)
    arrivals, rests = steps[1::2], steps[2::2]
    moving = np.abs(arrivals[: len(rests)] + rests) > 4.0
    ratio = arrivals[: len(rests)][moving] / (arrivals[: len(rests)] + rests)[moving]
    np.testing.assert_allclose(ratio, 0.5, atol=0.03)


def test_at_60_frames_a_second_nothing_is_held_back() -> None:
    at_s = np.arange(240) / 60.0
    motions = Motions()
    for moment in at_s:
        observe(motions, solved(turned(float(fast_swing(moment)))), float(moment))
        first = show(motions, float(moment))
    again = show(motions, float(at_s[-1]) + 1 / 60)
    np.testing.assert_allclose(first.rotations, again.rotations, atol=1e-9)


def test_a_call_at_the_same_moment_shows_the_same() -> None:
    motions = Motions()
    for frame in range(40):
        observe(motions, solved(turned(4.0 * frame)), frame / 30.0)
        first, again = show(motions, frame / 30.0), show(motions, frame / 30.0)
        np.testing.assert_allclose(first.rotations, again.rotations, atol=1e-12)


def test_a_call_for_an_earlier_moment_goes_nowhere() -> None:
    motions = Motions()
    for frame in range(40):
        observe(motions, solved(turned(4.0 * frame)), frame / 30.0)
        latest = show(motions, frame / 30.0)
    np.testing.assert_allclose(show(motions, 1.0).rotations, latest.rotations, atol=1e-12)


@pytest.mark.parametrize("fps", [12.0, 24.0, 25.0, 30.0, 60.0, 120.0])
def test_an_even_motion_is_shown_evenly_at_any_rate(fps: float) -> None:
    at_s = np.arange(int(4 * fps)) / fps
    shown = play(solved(turned(60.0 * (at_s - 2.0))), at_s)
    speeds = (np.diff(shown.degrees(Bone.LEFT_LOWER_ARM)) / np.diff(shown.at_s))[shown.at_s[1:] > 2.5]
    assert speeds.mean() == pytest.approx(60.0, abs=4.0)
    assert speeds.min() > 25.0
    assert speeds.max() < 90.0


def test_frames_that_arrive_in_bursts_cause_neither_jumps_nor_overshoot() -> None:
    rng = np.random.default_rng(4)
    at_s = np.arange(240) / 30.0
    angles = np.clip((at_s - 3.0) * 200.0, 0.0, 150.0)
    arrived_s = np.maximum.accumulate(at_s + 0.04 + rng.uniform(-0.035, 0.06, size=240)) + np.arange(240) * 1e-4
    shown = play(solved(turned(angles)), at_s, arrived_s)
    arm = shown.degrees(Bone.LEFT_LOWER_ARM)[shown.at_s > 1.5]
    assert np.diff(arm).min() > -1e-6
    assert arm.max() <= 150.0 + 1e-6
    assert arm[-1] == pytest.approx(150.0, abs=1.0)
    assert largest_step_deg(shown.rotations, shown.at_s).max() < 25.0


def test_a_stall_ends_at_the_newest_value_and_goes_on_from_there() -> None:
    at_s = np.concatenate((np.arange(60) / 30.0, 2.0 + 0.28 + np.arange(60) / 30.0))
    shown = play(solved(turned(100.0 * at_s)), at_s)
    arm = np.unwrap(shown.degrees(Bone.LEFT_LOWER_ARM), period=360.0)
    assert np.diff(arm)[shown.at_s[1:] > 1.0].min() > -1e-6
    assert largest_step_deg(shown.rotations, shown.at_s).max() < 25.0
