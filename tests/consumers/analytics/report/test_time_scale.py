"""Where moments are drawn, and which of them are written at the axis."""

from itertools import pairwise

import pytest

from consumers.analytics.report.figures import Stretch
from consumers.analytics.report.seen import join_short_pauses
from consumers.analytics.report.time_scale import TimeScale
from tests.consumers.analytics.report.made_reports import after


def stretch(begins_s: float, ends_s: float) -> Stretch:
    return Stretch(begins_at=after(begins_s), ends_at=after(ends_s))


def test_long_pauses_are_cut_out_and_short_ones_are_not() -> None:
    stretches = [stretch(0, 1_000), stretch(1_070, 2_000), stretch(9_000, 9_500)]
    assert join_short_pauses(stretches) == [stretch(0, 2_000), stretch(9_000, 9_500)]


def test_of_very_many_pauses_the_longest_are_cut_out() -> None:
    stretches = [stretch(10_000 * number + number**2, 10_000 * number + 2_000) for number in range(20)]
    joined = join_short_pauses(stretches)
    assert 2 <= len(joined) <= 8
    assert (joined[0].begins_at, joined[-1].ends_at) == (after(0), after(192_000))


def test_moments_keep_their_order_and_those_in_a_pause_are_at_its_edge() -> None:
    scale = TimeScale((stretch(0, 100), stretch(1_000, 1_100)))
    moments = (-50, 0, 40, 100, 500, 1_000, 1_040, 1_100, 5_000)
    assert [scale.position(after(moment)) for moment in moments] == [0, 0, 40, 100, 105, 105, 145, 205, 205]
    assert scale.cuts == (102.5,)


@pytest.mark.parametrize("most", [3, 9])
@pytest.mark.parametrize("length_s", [0, 7, 65, 3_600, 90_000, 90_000_000])
def test_ticks_never_crowd_and_each_day_is_said_once(most: int, length_s: int) -> None:
    scale = TimeScale((stretch(0, length_s), stretch(length_s + 50_000, 2 * length_s + 50_000)))
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= most / 0.9 + 1
    gaps = [after.position - before.position for before, after in pairwise(ticks)]
    assert all(gap >= 0.9 * scale.length / most for gap in gaps)
    days = [tick.label.partition("\n")[2] for tick in ticks if "\n" in tick.label]
    assert len(days) == len(set(days)) >= 1


def test_where_a_stretch_begins_is_written_before_round_times() -> None:
    scale = TimeScale((stretch(0, 600), stretch(7_230, 7_800)))
    assert [tick.label for tick in scale.ticks(9)] == [
        "09:00\n2026-03-01", "09:05", "11:00:30", "11:05", "11:10",
    ]  # fmt: skip
