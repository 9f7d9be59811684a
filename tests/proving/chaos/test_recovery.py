"""How soon after a fault somebody is well again, and how long nothing happened: from made-up times."""

import numpy as np
import pytest

from proving.chaos.recovery import Window, find_recovery_s, find_standstill_s, find_usual_waiting
from proving.effects import NEVER_US, Effects

RATE = 100
SECOND_US = 1_000_000


def made_effects(captured_s: np.ndarray, effective_s: np.ndarray) -> Effects:
    return Effects((captured_s * SECOND_US).astype(np.int64), (effective_s * SECOND_US).astype(np.int64))


def after_an_outage(from_s: float, to_s: float, caught_up_s: float) -> Effects:
    """A hundred frames a second for a minute; what is captured while nobody works is done with by `caught_up_s`."""
    captured_s = np.arange(0.0, 60.0, 1 / RATE)
    effective_s = captured_s + 0.05
    waits = (captured_s >= from_s) & (captured_s < caught_up_s)
    effective_s[waits] = np.linspace(to_s, caught_up_s, int(waits.sum()))
    return made_effects(captured_s, effective_s)


WINDOW = Window(20 * SECOND_US, 30 * SECOND_US, 50 * SECOND_US)


def test_recovered_is_when_no_more_than_a_second_of_frames_wait_and_stay_so() -> None:
    effects = after_an_outage(20.0, 33.0, 38.0)
    recovery_s = find_recovery_s(effects, WINDOW, RATE * 1.0)
    assert recovery_s is not None
    # At 38 s all is done with; a second of frames waits shortly before.
    assert 7.0 < recovery_s < 8.0


def test_somebody_who_was_never_behind_has_recovered_at_once() -> None:
    assert find_recovery_s(after_an_outage(20.0, 20.1, 20.2), WINDOW, RATE * 1.0) == 0.0


def test_somebody_who_falls_behind_a_second_time_had_not_recovered() -> None:
    effects = after_an_outage(20.0, 31.0, 33.0)
    again = (effects.captured_at_us >= 40 * SECOND_US) & (effects.captured_at_us < 44 * SECOND_US)
    effects.effective_at_us[again] = 44 * SECOND_US
    recovery_s = find_recovery_s(effects, WINDOW, RATE * 1.0)
    assert recovery_s == pytest.approx(14.0, abs=0.1)


def test_somebody_who_is_behind_in_the_end_has_not_recovered() -> None:
    effects = after_an_outage(20.0, 31.0, 33.0)
    effects.effective_at_us[effects.captured_at_us >= 40 * SECOND_US] = NEVER_US
    assert find_recovery_s(effects, WINDOW, RATE * 1.0) is None


def test_waiting_that_was_usual_before_the_fault_is_no_lag_after_it() -> None:
    captured_s = np.arange(0.0, 60.0, 1 / RATE)
    # Files are finished every four seconds, fault or none.
    effects = made_effects(captured_s, (captured_s // 4 + 1) * 4)
    usual = find_usual_waiting(effects, WINDOW, RATE * 1.0)
    assert 3 * RATE < usual <= 4 * RATE
    assert find_recovery_s(effects, WINDOW, usual + RATE * 1.0) == 0.0
    assert find_recovery_s(effects, WINDOW, RATE * 1.0) != 0.0


def test_effects_stood_still_from_the_last_before_an_outage_to_the_first_after_it() -> None:
    assert find_standstill_s(after_an_outage(20.0, 33.0, 38.0), WINDOW) == pytest.approx(12.95, abs=0.03)


def test_what_never_had_an_effect_stood_still_all_the_time() -> None:
    captured_s = np.arange(0.0, 60.0, 1 / RATE)
    never = Effects((captured_s * SECOND_US).astype(np.int64), np.full(len(captured_s), NEVER_US))
    assert find_standstill_s(never, WINDOW) == 30.0
