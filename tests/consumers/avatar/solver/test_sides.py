"""Hands stay on the side they belong to, whatever the frames call them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks, place_in_unity
from consumers.avatar.solver.sides import SideKeeper
from keypoints import FrameBatch
from keypoints.landmarks import POSE_MIRROR
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.avatar.recordings import extract_video, read_pose_file

SECONDS = np.arange(90, dtype=np.float64) / 30
SLOT = np.array([2])


def act_out(*kinds: ActKind) -> FrameBatch:
    return Performer("p", [Act(kind, 0.0, 3.0) for kind in kinds], seed=3).batch(SECONDS)


def swap_hands(batch: FrameBatch, rows: NDArray[np.bool_]) -> FrameBatch:
    """The batch with left and right hand called by each other's name in these rows."""
    points, here = rows[:, None, None], rows
    return replace(
        batch,
        left_hand=np.where(points, batch.right_hand, batch.left_hand),
        right_hand=np.where(points, batch.left_hand, batch.right_hand),
        left_hand_present=np.where(here, batch.right_hand_present, batch.left_hand_present),
        right_hand_present=np.where(here, batch.left_hand_present, batch.right_hand_present),
    )


def keep_in_turn(batch: FrameBatch, keeper: SideKeeper | None = None) -> NDArray[np.float64]:
    """float64[N, 2, 21, 3]: the hands of one performer's frames, one after the other."""
    keeper = keeper or SideKeeper(3)
    return np.concatenate([keeper.keep(SLOT, place_in_unity(batch.take([row]))).hands for row in range(len(batch))])


def hands_of(batch: FrameBatch) -> NDArray[np.float64]:
    return place_in_unity(batch).hands


SWAPS = {
    "never": np.zeros(90, dtype=np.bool_),
    "in one frame": np.arange(90) == 40,
    "from the start": np.ones(90, dtype=np.bool_),
    "from the middle on": np.arange(90) >= 45,
    "in every other frame": np.arange(90) % 2 == 1,
}


@pytest.mark.parametrize("rows", SWAPS.values(), ids=SWAPS.keys())
@pytest.mark.parametrize("kind", [ActKind.GESTICULATE, ActKind.WAVE, ActKind.JUMPING_JACK, ActKind.CURL, ActKind.OPEN])
def test_hands_called_by_the_wrong_name_are_put_right_in_the_same_frame(kind: ActKind, rows: NDArray[np.bool_]) -> None:
    batch = act_out(kind)
    np.testing.assert_array_equal(keep_in_turn(swap_hands(batch, rows)), hands_of(batch))


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hand_seen_alone_is_put_on_its_side(side: str) -> None:
    batch = act_out(ActKind.GESTICULATE)
    nothing = np.zeros(len(batch), dtype=np.bool_)
    alone = replace(batch, right_hand_present=nothing) if side == "left" else replace(batch, left_hand_present=nothing)
    for rows in SWAPS.values():
        np.testing.assert_array_equal(keep_in_turn(swap_hands(alone, rows)), hands_of(alone))


def test_hands_of_a_mirrored_picture_are_put_right_too() -> None:
    """In a mirror the points change sides, and what they are called does not."""
    batch = act_out(ActKind.GESTICULATE)
    flipped = {
        part: np.concatenate((1.0 - points[..., :1], points[..., 1:]), axis=-1).astype(np.float32)
        for part, points in (("pose", batch.pose), ("left", batch.left_hand), ("right", batch.right_hand))
    }
    mirrored = replace(
        batch,
        mirrored=np.ones(len(batch), dtype=np.bool_),
        pose=flipped["pose"],
        left_hand=flipped["left"],
        right_hand=flipped["right"],
    )
    for rows in SWAPS.values():
        np.testing.assert_array_equal(keep_in_turn(swap_hands(mirrored, rows)), hands_of(mirrored))


def test_without_a_pose_the_last_word_is_kept() -> None:
    batch = swap_hands(act_out(ActKind.GESTICULATE), SWAPS["from the start"])
    pose_seen = batch.pose_present & (np.arange(len(batch)) < 10)
    blind = replace(batch, pose_present=pose_seen, pose_world_present=pose_seen)
    np.testing.assert_array_equal(keep_in_turn(blind), hands_of(act_out(ActKind.GESTICULATE)))
    never_told = replace(blind, pose_present=pose_seen & False)
    np.testing.assert_array_equal(keep_in_turn(never_told), hands_of(batch))


@pytest.mark.parametrize("kind", [ActKind.CLAP, ActKind.CROSS_ARMS])
@pytest.mark.parametrize("swapped", [False, True])
def test_hands_that_meet_or_cross_stay_who_they_were(kind: ActKind, swapped: bool) -> None:
    batch = act_out(kind)
    rows = np.full(len(batch), swapped)
    np.testing.assert_array_equal(keep_in_turn(swap_hands(batch, rows)), hands_of(batch))


def test_wrists_that_touch_tell_nothing_and_nothing_chatters() -> None:
    """A pixel of noise on wrists that lie on each other: whoever was left stays left."""
    rng = np.random.default_rng(2)
    batch = act_out(ActKind.T_POSE).take([45] * 60)
    landmarks = place_in_unity(batch)
    middle = landmarks.in_image.mean(axis=1, keepdims=True)
    near = middle + rng.normal(size=landmarks.in_image.shape)
    for exchanged in (False, True):
        keeper, slots = SideKeeper(1), np.array([0])
        first = place_in_unity(swap_hands(batch.take([0]), np.array([exchanged])))
        keeper.keep(slots, first)
        for row in range(1, len(batch)):
            frame = _row(replace(landmarks, in_image=near, hands=first.hands.repeat(len(batch), axis=0)), row)
            kept = keeper.keep(slots, frame).hands
            np.testing.assert_array_equal(kept, first.hands[:, ::-1] if exchanged else first.hands)


def _row(landmarks: UnityLandmarks, row: int) -> UnityLandmarks:
    return UnityLandmarks(
        *(getattr(landmarks, name)[[row]] for name in ("body", "visibility", "hands", "face", "in_image", "pixels"))
    )


def test_when_the_pose_itself_swaps_its_sides_hands_go_with_the_arms_they_are_on() -> None:
    batch = act_out(ActKind.GESTICULATE)
    turned = replace(batch, pose=batch.pose[:, POSE_MIRROR], pose_world=batch.pose_world[:, POSE_MIRROR])
    np.testing.assert_array_equal(keep_in_turn(turned), hands_of(batch)[:, ::-1])


def test_performers_side_by_side_are_told_apart_and_a_slot_used_again_starts_afresh() -> None:
    batch = act_out(ActKind.GESTICULATE)
    pair = FrameBatch.concat([batch.take([5]), swap_hands(batch.take([5]), np.array([True]))])
    keeper = SideKeeper()
    keeper.grow(8)
    keeper.grow(4)
    both = keeper.keep(np.array([7, 1]), place_in_unity(pair)).hands
    np.testing.assert_array_equal(both[0], both[1])
    blind = replace(pair, pose_present=np.zeros(2, dtype=np.bool_))
    np.testing.assert_array_equal(keeper.keep(np.array([7, 1]), place_in_unity(blind)).hands, both)
    keeper.reset(np.array([1]))
    np.testing.assert_array_equal(
        keeper.keep(np.array([7, 1]), place_in_unity(blind)).hands, place_in_unity(blind).hands
    )


def _check_recording(batch: FrameBatch) -> None:
    np.testing.assert_array_equal(keep_in_turn(batch), hands_of(batch))
    rng = np.random.default_rng(4)
    for rows in (np.ones(len(batch), dtype=np.bool_), rng.random(len(batch)) < 0.2):
        np.testing.assert_array_equal(keep_in_turn(swap_hands(batch, rows)), hands_of(batch))


def test_a_recorded_signers_hands_are_put_right(shared_data: Path) -> None:
    _check_recording(read_pose_file(shared_data / "recordings" / "example.pose"))


@pytest.mark.mediapipe
@pytest.mark.filterwarnings("ignore:label:DeprecationWarning")
@pytest.mark.parametrize("video", ["hoy_001.mp4", "doctor_001.mp4"])
def test_a_filmed_signers_hands_are_put_right(shared_data: Path, video: str) -> None:
    _check_recording(extract_video(shared_data / "videos" / video))
