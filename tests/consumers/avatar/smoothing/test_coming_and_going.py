"""What is lost is held and fades, what returns is led back, and a part at the edge of the picture does not flap."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, FINGER_BONES, REST_POSE, Bone
from consumers.avatar.smoothing.motions import Motions
from tests.consumers.avatar.playback import SLOT, Values, observe, play, show, solved, turned
from tests.consumers.avatar.steadiness import angles_deg, largest_step_deg

FPS = 30.0
LOST = np.full((1, BONE_COUNT, 4), np.nan)


def seen_only(rotations: Values, seen: NDArray[np.bool_]) -> Values:
    """The same, but for the frames in which nothing is seen."""
    return np.where(seen[:, None, None], rotations, np.nan)


def test_a_lost_performer_is_held_then_fades_to_rest() -> None:
    motions = Motions()
    ones = np.ones((1, SHAPE_COUNT))
    for frame in range(61):
        observe(motions, solved(turned(60.0), 0.8 * ones, np.full((1, 3), 0.5)), frame / FPS)
        show(motions, frame / FPS)
    observe(motions, solved(LOST), 2.1)
    held = show(motions, 2.29)
    np.testing.assert_allclose(angles_deg(held.rotations[0], turned(60.0)[0]), 0.0, atol=0.5)
    np.testing.assert_allclose(held.shapes, 0.8, atol=0.01)
    assert held.tracked.all()
    half = show(motions, 2.0 + 0.3 + 0.6)
    assert not half.tracked.any()
    np.testing.assert_allclose(half.shapes, 0.4, atol=0.02)
    np.testing.assert_allclose(half.root_m, 0.25, atol=0.02)
    assert angles_deg(half.rotations[0], REST_POSE)[Bone.HEAD] == pytest.approx(30.0, abs=1.0)
    gone = show(motions, 3.6)
    np.testing.assert_allclose(gone.rotations[0], REST_POSE, atol=1e-12)
    assert not gone.shapes.any()
    assert not gone.root_m.any()
    assert gone.bones_known.all()


def test_a_fade_is_the_same_however_often_it_is_looked_at() -> None:
    ends = []
    for looks in (1, 60):
        motions = Motions()
        for frame in range(61):
            observe(motions, solved(turned(60.0)), frame / FPS)
            show(motions, frame / FPS)
        for moment in np.linspace(2.3, 2.9, looks + 1):
            state = show(motions, float(moment))
        ends.append(state.rotations)
    assert angles_deg(*ends).max() < 0.5


def test_a_performer_is_led_in_from_rest_the_first_time_too() -> None:
    shown = play(solved(turned(np.full(60, 150.0))), np.arange(60) / FPS)
    assert angles_deg(shown.rotations[0], REST_POSE).max() < 5.0
    assert largest_step_deg(shown.rotations, shown.at_s).max() < 20.0
    np.testing.assert_allclose(shown.degrees(Bone.LEFT_HAND)[-1], 150.0, atol=1.0)


def test_a_hand_that_returns_far_away_is_led_there_without_a_jump_and_all_in_step() -> None:
    frames = np.arange(150)
    seen = (frames < 30) | (frames > 100)
    rotations = turned(np.where(frames < 30, 60.0, -110.0))
    fingers = FINGER_BONES[0]
    rotations[:, fingers] = seen_only(rotations[:, fingers], seen)
    shown = play(solved(rotations), frames / FPS)
    assert largest_step_deg(shown.rotations, shown.at_s)[fingers].max() < 25.0
    assert shown.degrees(Bone.LEFT_INDEX_DISTAL)[-1] == pytest.approx(-110.0, abs=1.0)
    hand = shown.rotations[:, fingers]
    np.testing.assert_allclose(hand, np.repeat(hand[:, :1], hand.shape[1], axis=1), atol=1e-12)


def test_a_short_gap_is_bridged_as_if_it_were_not_there() -> None:
    frames = np.arange(90)
    angles = 1.5 * frames.astype(np.float64)
    whole = play(solved(turned(angles)), frames / FPS)
    gap = play(solved(seen_only(turned(angles), (frames < 45) | (frames > 50))), frames / FPS)
    assert np.abs(whole.degrees(Bone.HEAD) - gap.degrees(Bone.HEAD)).max() < 10.0
    assert np.abs(whole.degrees(Bone.HEAD) - gap.degrees(Bone.HEAD))[-20:].max() < 0.5


@pytest.mark.parametrize(("seen_for", "lost_for"), [(1, 1), (2, 3), (1, 6), (4, 8)])
def test_chatter_at_the_edge_of_the_picture_does_not_flap(seen_for: int, lost_for: int) -> None:
    frames = np.arange(240)
    chatter = (frames % (seen_for + lost_for) < seen_for) | (frames < 60)
    rng = np.random.default_rng(1)
    angles = 70.0 + rng.normal(scale=1.0, size=240)
    shown = play(solved(seen_only(turned(angles), chatter)), frames / FPS)
    later = shown.degrees(Bone.RIGHT_HAND)[shown.at_s > 2.0]
    # Each fade to rest and return would be 70° there and 70° back.
    assert np.ptp(later) < 6.0


@pytest.mark.parametrize(("seen_for", "lost_for"), [(1, 14), (3, 20), (10, 40)])
def test_slow_chatter_sways_gently_and_never_jumps(seen_for: int, lost_for: int) -> None:
    frames = np.arange(300)
    chatter = frames % (seen_for + lost_for) < seen_for
    shown = play(solved(seen_only(turned(np.full(300, 120.0)), chatter)), frames / FPS)
    assert largest_step_deg(shown.rotations, shown.at_s).max() < 15.0


def test_a_process_started_again_goes_on_from_what_the_one_before_showed() -> None:
    before, after = Motions(), Motions()
    for frame in range(60):
        observe(before, solved(turned(-70.0), np.full((1, SHAPE_COUNT), 0.6)), 500.0 + frame / FPS)
        last = show(before, 500.0 + frame / FPS)
    after.begin_from(SLOT, last)
    pose = turned(70.0)
    pose[:, Bone.LEFT_HAND] = np.nan
    shown = []
    for frame in range(60):
        observe(after, solved(pose), 20.0 + frame / FPS)
        shown.append(show(after, 20.0 + frame / FPS))
    rotations = np.concatenate([last.rotations, *(state.rotations for state in shown)])
    assert angles_deg(rotations[0], rotations[1]).max() < 0.5
    assert largest_step_deg(rotations, np.arange(61) / FPS).max() < 25.0
    np.testing.assert_allclose(angles_deg(rotations[-1], pose[0])[Bone.HEAD], 0.0, atol=1.0)
    assert angles_deg(rotations[12, Bone.LEFT_HAND], rotations[0, Bone.LEFT_HAND]) > 5.0
    np.testing.assert_allclose(rotations[-1, Bone.LEFT_HAND], REST_POSE[Bone.LEFT_HAND], atol=1e-9)
    assert shown[0].shapes.min() > 0.59
    assert shown[-1].shapes.max() < 1e-9
    assert shown[-1].bones_known.all()
    assert shown[-1].shapes_known.all()
