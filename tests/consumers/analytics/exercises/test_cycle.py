"""A level's way down and up is one repetition; its trembling is none."""

from collections.abc import Sequence

import pytest

from consumers.analytics.exercises.cycle import Cycle, Drops, Stage, Swing
from consumers.analytics.finding import Moment

DROPS = Drops(leaves=0.06, up=0.2, half=0.25, down=0.4, lowest_rest=0.8, highest_rest=1.2)
FRAME_US = 100_000


def follow(levels: Sequence[float | None], cycle: Cycle | None = None) -> list[Swing]:
    cycle = cycle or Cycle()
    swings = []
    for number, level in enumerate(levels, start=1):
        moment = Moment(number * FRAME_US, number)
        swings.append(cycle.miss(moment) if level is None else cycle.advance(moment, level, DROPS))
    swings.append(cycle.end())
    return [swing for swing in swings if swing is not None]


def dip(depth: float) -> list[float]:
    down = [1.0 - depth * share for share in (0.25, 0.5, 0.75, 1.0)]
    return [*down, *down[-2::-1]]


REST = [1.0] * 8


def test_a_dip_is_one_repetition_from_the_last_frame_at_rest_to_the_first() -> None:
    (swing,) = follow([*REST, *dip(0.8), *REST])
    assert swing.is_whole
    assert (swing.first_offset, swing.last_offset) == (8, 16)
    assert (swing.started_us, swing.last_us) == (8 * FRAME_US, 16 * FRAME_US)
    assert swing.depth == pytest.approx(0.8)
    assert swing.frames == swing.observed == 9


def test_repetitions_without_a_pause_are_told_apart() -> None:
    assert [swing.is_whole for swing in follow([*REST, *dip(0.8), 1.0, *dip(0.7), 1.0, *dip(0.9), *REST])] == [True] * 3


@pytest.mark.parametrize("border", [0.6, 0.8])
def test_trembling_at_a_border_counts_once(border: float) -> None:
    trembling = [border + 0.03 * (-1) ** number for number in range(10)]
    swings = follow([*REST, 0.7, *trembling, 0.4, *trembling, *REST])
    assert [swing.is_whole for swing in swings] == [True]


def test_halfway_is_half() -> None:
    assert [swing.is_whole for swing in follow([*REST, *dip(0.32), *REST])] == [False]
    assert follow([*REST, *dip(0.18), *REST]) == []


def test_too_quick_is_a_glitch_and_too_slow_is_something_else() -> None:
    assert follow([*REST, 0.3, 0.3, *REST]) == []
    assert follow([*REST, *[0.3] * 130, *REST]) == []


def test_what_was_not_seen_is_bridged_and_said() -> None:
    levels: list[float | None] = [*REST, *dip(0.8), *REST]
    levels[10:12] = [None, None]
    (swing,) = follow(levels)
    assert (swing.frames, swing.observed) == (9, 7)


def test_who_leaves_right_after_a_repetition_has_it_counted_without_delay() -> None:
    cycle = Cycle()
    for number, level in enumerate([*REST, *dip(0.8)], start=1):
        assert cycle.advance(Moment(number * FRAME_US, number), level, DROPS) is None
    after = [cycle.miss(Moment(number * FRAME_US, number)) for number in range(16, 21)]
    assert [swing is not None for swing in after] == [False, False, True, False, False]


def test_a_long_gap_ends_what_was_under_way() -> None:
    levels: list[float | None] = [*REST, 0.6, 0.3, *[None] * 25, 0.3, 0.6, *REST]
    assert follow(levels) == []


@pytest.mark.parametrize("rest", [0.85, 1.15])
def test_everybody_rests_at_a_level_of_their_own(rest: float) -> None:
    again = [rest - 1.0 + level for level in dip(0.45)]
    standing = [rest] * 40
    swings = follow([*standing, *again, *standing[:8], *again, *standing[:8]])
    assert [swing.is_whole for swing in swings] == [True, True]


def test_after_another_person_s_rest_the_level_is_learned_anew() -> None:
    tall, small = [1.2] * 10, [0.82] * 160
    swings = follow([*tall, *small, *[level - 0.18 for level in dip(0.6)], *small[:10]])
    assert [swing.is_whole for swing in swings] == [True]


def test_the_stage_is_known_from_the_first_frame_on() -> None:
    cycle = Cycle()
    stages = []
    for number, level in enumerate((0.3, 0.9), start=1):
        cycle.advance(Moment(number * FRAME_US, number), level, DROPS)
        stages.append(cycle.stage)
    assert stages == [Stage.DOWN, Stage.UP]
    assert cycle.end() is None
