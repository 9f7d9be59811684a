"""Movements that follow each other, or that one person does at once."""

import numpy as np
import pytest

from consumers.analytics.finding import Change
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer
from tests.consumers.analytics.movements.made_movements import findings, recognise

LEFT, RIGHT = Side.LEFT, Side.RIGHT


def watch(*acts: Act, seed: int = 1) -> list[Change]:
    seconds = max(act.end_s for act in acts) + 1.0
    return recognise(Performer("performer", acts, seed=seed).batch(np.arange(round(seconds * 30)) / 30.0))


def kinds(changes: list[Change]) -> list[str]:
    """Of all findings but blinks, in the order they began."""
    found = sorted(findings(changes), key=lambda finding: (finding.started_us, finding.subject))
    return [finding.kind for finding in found if finding.kind != "blink"]


def repeat(kind: ActKind, times: int, act_s: float) -> list[Act]:
    return [Act(kind, 1.0 + act_s * turn, 1.0 + act_s * (turn + 1), RIGHT) for turn in range(times)]


@pytest.mark.parametrize("kind", [ActKind.SWIPE_LEFT, ActKind.SWIPE_RIGHT, ActKind.SWIPE_UP, ActKind.SWIPE_DOWN])
def test_three_swipes_one_way_are_three_and_their_ways_back_none(kind: ActKind) -> None:
    assert kinds(watch(*repeat(kind, 3, 3.0))) == [kind.value] * 3


def test_swipes_to_and_fro_with_rests_between_are_told_one_by_one() -> None:
    acts = [
        Act(ActKind.SWIPE_LEFT if turn % 2 else ActKind.SWIPE_RIGHT, 1.0 + 3.0 * turn, 4.0 + 3.0 * turn)
        for turn in range(4)
    ]
    assert kinds(watch(*acts)) == ["swipe_right", "swipe_left"] * 2


def test_jumps_in_a_row_are_told_one_by_one_and_do_not_nod_the_head() -> None:
    assert kinds(watch(*repeat(ActKind.JUMP, 4, 1.6))) == ["jump"] * 4


def test_two_hands_wave_each_by_itself_and_make_no_t_pose() -> None:
    changes = watch(Act(ActKind.WAVE, 1.0, 5.0, LEFT), Act(ActKind.WAVE, 1.0, 5.0, RIGHT))
    assert kinds(changes) == ["wave", "wave"]
    assert {finding.subject for finding in findings(changes, "wave")} == {"left", "right"}


def test_a_hand_is_raised_and_then_waves() -> None:
    assert kinds(watch(Act(ActKind.RAISE_HAND, 1.0, 4.0), Act(ActKind.WAVE, 3.4, 7.0))) == ["raised_hand", "wave"]


def test_who_sits_claps_and_nods_as_well() -> None:
    changes = watch(Act(ActKind.SIT, 1.0, 13.0), Act(ActKind.CLAP, 4.0, 7.0), Act(ActKind.NOD, 8.0, 11.0))
    assert kinds(changes) == ["sit_down", "sitting", "clap", "clap", "nod", "stand_up"]


def test_who_walks_may_speak_and_who_squats_then_walks() -> None:
    acts = [Act(ActKind.SQUAT, 1.0, 7.0), Act(ActKind.WALK, 8.0, 14.0), Act(ActKind.SPEAK, 1.0, 5.0)]
    assert kinds(watch(*acts)) == ["speaking", "walk"]
