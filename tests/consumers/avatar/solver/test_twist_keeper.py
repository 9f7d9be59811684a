"""An arm whose hand is lost at the picture's edge, or comes back, does not turn about itself in one frame."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.solve import Solver, solve
from consumers.avatar.solver.twist_keeper import FADED_S, FOREARM, HELD_S, LED_S, TwistKeeper
from keypoints import FrameBatch
from tests.consumers.avatar.puppet import degrees_between, film, matrix_of, turn

FPS = 30
SLOT = np.array([0])
# The palm turned over: half of it is the forearm's, and a straight arm's shoulder has its third.
PALM_UP = {"LeftHand": turn("x", 60.0), "LeftLowerArm": turn("x", 60.0)}


def solve_in_turn(seen: Sequence[bool]) -> NDArray[np.float64]:
    """Rotations float64[T, 55, 4] of an arm that stays as it is, its hand seen or not."""
    solver, solved = Solver(1), []
    for number, has_hand in enumerate(seen):
        frame = film(PALM_UP, sequence=number, hands=has_hand)
        frame = replace(frame, captured_at_us=1_000_000 + round(number * 1e6 / FPS))
        solved.append(solver.solve(FrameBatch.from_frames([frame]), SLOT).rotations[0])
    return np.array(solved)


def steps(rotations: NDArray[np.float64], bone: Bone) -> list[float]:
    turned = [matrix_of(one) for one in rotations[:, bone]]
    return [degrees_between(before, after) for before, after in itertools.pairwise(turned)]


def twist_of(rotations: NDArray[np.float64], frame: int) -> float:
    """Degrees the forearm is away from one without a hand."""
    bare = solve(FrameBatch.from_frames([film(PALM_UP, hands=False)])).rotations[0]
    return degrees_between(matrix_of(bare[Bone.LEFT_LOWER_ARM]), matrix_of(rotations[frame, Bone.LEFT_LOWER_ARM]))


def test_a_hand_that_goes_leaves_its_arm_as_it_was_and_lets_go_of_it_slowly() -> None:
    rotations = solve_in_turn([True] * 10 + [False] * 60)
    with_hand = twist_of(rotations, 9)
    assert with_hand > 30.0, "the test is of an arm that is twisted"
    assert twist_of(rotations, 9 + int(HELD_S * FPS)) == pytest.approx(with_hand, abs=0.5)
    assert twist_of(rotations, 9 + int(FADED_S * FPS) + 1) < 0.5
    assert max(steps(rotations, Bone.LEFT_LOWER_ARM)) < 4.0
    assert max(steps(rotations, Bone.LEFT_UPPER_ARM)) < 4.0


def test_a_hand_that_comes_back_is_followed_without_a_jump() -> None:
    rotations = solve_in_turn([True] * 5 + [False] * 60 + [True] * 30)
    assert max(steps(rotations, Bone.LEFT_LOWER_ARM)) < 8.0
    assert twist_of(rotations, 65 + int(LED_S * FPS) + 1) == pytest.approx(twist_of(rotations, 4), abs=0.5)


def test_a_hand_seen_every_other_frame_does_not_shake_its_arm() -> None:
    rotations = solve_in_turn([True] * 5 + [True, False] * 15)
    assert max(steps(rotations, Bone.LEFT_LOWER_ARM)) < 0.5


def test_a_hand_that_is_there_from_the_start_is_believed_at_once() -> None:
    first = solve_in_turn([True])[0]
    alone = solve(FrameBatch.from_frames([film(PALM_UP)])).rotations[0]
    np.testing.assert_allclose(first[Bone.LEFT_LOWER_ARM], alone[Bone.LEFT_LOWER_ARM], atol=1e-9)


def test_slots_are_kept_apart_and_forgotten() -> None:
    keeper, both = TwistKeeper(1), np.array([0, 2])
    keeper.grow(3)
    seen, unseen = np.ones((2, 2), dtype=np.bool_), np.zeros((2, 2), dtype=np.bool_)
    twists = np.array([[0.5, -0.5], [1.0, -1.0]])
    np.testing.assert_allclose(keeper.lead(both, seen, np.array([5.0, 9.0]))(FOREARM, twists), twists)
    keeper.reset(np.array([2]))
    nothing = np.full((2, 2), np.nan)
    held = keeper.lead(both, unseen, np.array([5.1, 9.1]))(FOREARM, nothing)
    np.testing.assert_allclose(held, [[0.5, -0.5], [0.0, 0.0]])
    # A clock that was set back begins anew.
    np.testing.assert_allclose(keeper.lead(both, unseen, np.array([1.0, 1.0]))(FOREARM, nothing), 0.0)
