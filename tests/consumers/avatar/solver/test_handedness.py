"""Palms do not turn over when MediaPipe takes a hand for the other one, and do when they are turned over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors, angle_between
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.handedness import HandednessKeeper, put_right
from consumers.avatar.solver.hands import solve_hand
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks, place_in_unity
from consumers.avatar.solver.solve import Solver
from keypoints import FrameBatch
from keypoints.landmarks import HandLandmark
from tests.consumers.avatar.posing import FINGERS, both_sides
from tests.consumers.avatar.puppet import Pose, film_all, turn
from tests.consumers.avatar.recordings import extract_video, read_pose_file

SLOT = np.array([1])
THUMB = [point for point in HandLandmark if "THUMB" in point.name]
EXCHANGED = [
    HandLandmark.WRIST,
    *THUMB,
    *(
        HandLandmark[f"{finger}_{joint}"]
        for finger in ("PINKY", "RING_FINGER", "MIDDLE_FINGER", "INDEX_FINGER")
        for joint in ("MCP", "PIP", "DIP", "TIP")
    ),
]
"""Where each point of a hand lies when it is taken for the other one."""


def hold_hands(curl: float, turned: float = 0.0) -> Pose:
    """Both hands before the trunk, their fingers curled so far at the knuckles, and turned over."""
    pose = both_sides("LowerArm", "y", 60.0) | both_sides("Hand", "x", turned)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        pose |= {f"{side}{finger}Proximal": turn("z", sign * curl) for finger in FINGERS}
    return pose


def keep_in_turn(landmarks: list[UnityLandmarks]) -> Vectors:
    """float64[N, 2, 21, 3]: the hands of one performer's frames, one after the other."""
    keeper = HandednessKeeper(2)
    return np.concatenate([keeper.keep(SLOT, one).hands for one in landmarks])


def place(pose: Pose, *, taken_for_the_other: bool = False) -> UnityLandmarks:
    landmarks = place_in_unity(film_all([pose]))
    return replace(landmarks, hands=landmarks.hands[:, :, EXCHANGED]) if taken_for_the_other else landmarks


@pytest.mark.parametrize("wrong", [[5], [3, 4, 5], list(range(10)), list(range(1, 10, 2)), [0]])
@pytest.mark.parametrize("curl", [35.0, 70.0])
def test_a_hand_taken_for_the_other_is_put_right_in_the_same_frame(curl: float, wrong: list[int]) -> None:
    true = [place(hold_hands(curl, 5.0 * row)) for row in range(10)]
    seen = [place(hold_hands(curl, 5.0 * row), taken_for_the_other=row in wrong) for row in range(10)]
    expected = np.concatenate([one.hands for one in true])
    expected[np.ix_(wrong, [0, 1], THUMB)] = np.nan
    np.testing.assert_array_equal(keep_in_turn(seen), expected)


def test_a_hand_that_begins_as_the_other_is_put_right_once_its_fingers_show_it() -> None:
    """Nearly straight fingers tell nothing: the palm is as it is named until they bend."""
    seen = [place(hold_hands(curl), taken_for_the_other=True) for curl in (10.0, 20.0, 55.0, 20.0)]
    true = np.concatenate([place(hold_hands(curl)).hands for curl in (10.0, 20.0, 55.0, 20.0)])
    knuckles = [HandLandmark.INDEX_FINGER_MCP, HandLandmark.PINKY_MCP]
    right = (keep_in_turn(seen)[:, :, knuckles] == true[:, :, knuckles]).all(axis=(1, 2, 3))
    assert right[:3].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("rate", "curl"),
    [(rate, curl) for rate in (15.0, 30.0) for curl in (-25.0, 0.0, 40.0, 90.0)] + [(5.0, 0.0), (5.0, 40.0)],
)
def test_a_palm_turned_over_in_a_quarter_of_a_second_is_followed_in_every_frame(rate: float, curl: float) -> None:
    at_s = np.arange(0.0, 0.8, 1.0 / rate)
    angles = -90.0 + 180.0 * np.clip((at_s - 0.2) / 0.25, 0.0, 1.0)
    frames = [place(hold_hands(curl, float(angle))) for angle in angles]
    np.testing.assert_array_equal(keep_in_turn(frames), np.concatenate([one.hands for one in frames]))


def test_fingers_bending_back_as_far_as_they_can_do_not_turn_the_palm_over() -> None:
    frames = [place(hold_hands(curl)) for curl in (0.0, -20.0, -40.0, -45.0, -20.0, 0.0)]
    np.testing.assert_array_equal(keep_in_turn(frames), np.concatenate([one.hands for one in frames]))


def test_each_performer_is_remembered_apart_and_forgotten_when_asked() -> None:
    back = place(hold_hands(-40.0))
    keeper = HandednessKeeper()
    keeper.grow(2)
    keeper.keep(SLOT, place(hold_hands(0.0)))
    assert keeper.keep(SLOT, back) is back
    assert keeper.keep(np.array([0]), back) is not back
    keeper.reset(SLOT)
    assert keeper.keep(SLOT, back) is not back


def test_hands_that_show_nothing_stay_as_they_are() -> None:
    landmarks = place(hold_hands(40.0))
    for hands in (np.zeros_like(landmarks.hands), np.full_like(landmarks.hands, np.nan)):
        nothing = replace(landmarks, hands=hands)
        assert put_right(nothing) is nothing


def _turned_over(hands: Vectors) -> NDArray[np.intp]:
    """How many times the left and the right palm turn by more than 90° from a frame to the next."""
    palms, _ = solve_hand(hands * np.where(np.arange(2)[:, None, None] == 0, 1.0, [-1.0, 1.0, 1.0]))
    with np.errstate(invalid="ignore"):
        turns: NDArray[np.intp] = (angle_between(palms[1:], palms[:-1]) > np.pi / 2).sum(axis=0)
    return turns


def _solve_in_turn(batch: FrameBatch) -> NDArray[np.float64]:
    solver = Solver(2)
    return np.concatenate([solver.solve(batch.take([row]), SLOT).rotations for row in range(len(batch))])


@pytest.mark.mediapipe
@pytest.mark.filterwarnings("ignore:label:DeprecationWarning")
def test_a_filmed_fist_is_not_turned_over_when_its_fingers_are_found_in_the_wrong_order(shared_data: Path) -> None:
    batch = extract_video(shared_data / "videos" / "doctor_001.mp4")
    frames = [place_in_unity(batch.take([row])) for row in range(len(batch))]
    assert _turned_over(np.concatenate([one.hands for one in frames]))[1] >= 5
    assert _turned_over(keep_in_turn(frames)).tolist() == [0, 0]
    forearm = _solve_in_turn(batch)[:, Bone.RIGHT_LOWER_ARM]
    assert np.degrees(angle_between(forearm[1:], forearm[:-1])).max() < 35.0


def test_a_recorded_signers_hands_are_left_as_they_are(shared_data: Path) -> None:
    batch = read_pose_file(shared_data / "recordings" / "example.pose")
    frames = [place_in_unity(batch.take([row])) for row in range(len(batch))]
    np.testing.assert_array_equal(keep_in_turn(frames), np.concatenate([one.hands for one in frames]))
