"""Still performers stand still, fast ones are followed, and what is shown is always a pose."""

import numpy as np
import pytest

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone
from consumers.avatar.smoothing.motions import Motions
from tests.consumers.avatar.playback import SLOT, observe, play, show, solved, turned
from tests.consumers.avatar.steadiness import angles_deg

FPS = 30.0


def test_a_pose_opposite_in_sign_is_the_same_pose() -> None:
    signs = np.where(np.arange(60) % 2, -1.0, 1.0)
    shown = play(solved(turned(np.full(60, 40.0)) * signs[:, None, None]), np.arange(60) / FPS)
    assert shown.degrees(Bone.LEFT_HAND)[-1] == pytest.approx(40.0, abs=0.1)
    assert shown.outliers == 0


def test_bones_and_shapes_never_seen_stay_unknown_and_at_rest() -> None:
    motions, pose = Motions(), turned(10.0)
    pose[:, Bone.LEFT_FOOT] = np.nan
    observe(motions, solved(pose), 0.0)
    state = show(motions, 1.0)
    assert not state.bones_known[0, Bone.LEFT_FOOT]
    assert state.bones_known[0, Bone.HEAD]
    assert not state.shapes_known.any()
    np.testing.assert_array_equal(state.rotations[0, Bone.LEFT_FOOT], REST_POSE[Bone.LEFT_FOOT])
    assert not state.shapes.any()
    assert not state.root_m.any()


def test_a_performer_nobody_has_seen_yet_is_at_rest() -> None:
    state = show(Motions(), 5.0)
    np.testing.assert_array_equal(state.rotations[0], REST_POSE)
    assert not state.tracked.any()


def test_a_blink_of_a_tenth_of_a_second_is_shown() -> None:
    shapes = np.zeros((60, SHAPE_COUNT))
    shapes[30:34, Blendshape.EYE_BLINK_LEFT] = (0.6, 1.0, 1.0, 0.5)
    shown = play(solved(turned(np.zeros(60)), shapes), np.arange(60) / FPS)
    lid = shown.shapes[:, Blendshape.EYE_BLINK_LEFT]
    assert lid.max() > 0.8
    assert lid[-1] < 0.05


def test_a_root_that_walks_is_followed() -> None:
    at_s = np.arange(120) / FPS
    root_m = np.stack((np.minimum(at_s, 3.0) * 0.8, np.zeros(120), np.zeros(120)), axis=1)
    shown = play(solved(turned(np.zeros(120)), root_m=root_m), at_s)
    late_m = np.interp(shown.at_s, at_s, root_m[:, 0]) - shown.root_m[:, 0]
    assert np.abs(late_m[shown.at_s > 1.5]).max() < 0.05


def test_another_clock_goes_on_from_the_pose_that_was_shown() -> None:
    motions = Motions()
    for frame in range(60):
        observe(motions, solved(turned(80.0)), 1000.0 + frame / FPS)
        before = show(motions, 1000.0 + frame / FPS).rotations
    motions.rebase(SLOT, np.array([1002.0]), np.array([5.0]))
    largest = 0.0
    for frame in range(60):
        observe(motions, solved(turned(-20.0)), 5.0 + frame / FPS)
        now = show(motions, 5.0 + frame / FPS).rotations
        largest, before = max(largest, float(angles_deg(now, before).max())), now
    assert largest < 10.0
    np.testing.assert_allclose(angles_deg(now, turned(-20.0)), 0.0, atol=2.0)


def test_rotations_are_of_unit_length_and_nothing_is_nan_whatever_comes() -> None:
    rng = np.random.default_rng(2)
    rotations = rng.normal(size=(300, BONE_COUNT, 4))
    rotations /= np.linalg.norm(rotations, axis=2, keepdims=True)
    rotations[rng.uniform(size=(300, BONE_COUNT)) < 0.3] = np.nan
    rotations[rng.uniform(size=rotations.shape) < 0.001] = np.inf
    shapes = rng.uniform(size=(300, SHAPE_COUNT))
    shapes[rng.uniform(size=shapes.shape) < 0.3] = np.nan
    root_m = rng.normal(size=(300, 3))
    root_m[rng.uniform(size=root_m.shape) < 0.1] = -np.inf
    shown = play(solved(rotations, shapes, root_m), np.arange(300) / FPS)
    np.testing.assert_allclose(np.linalg.norm(shown.rotations, axis=2), 1.0, atol=1e-9)
    assert np.isfinite(shown.shapes).all()
    assert np.isfinite(shown.root_m).all()
    assert shown.shapes.min() >= 0.0
    assert shown.shapes.max() <= 1.0


def test_what_fades_away_becomes_nothing_not_ever_less() -> None:
    shapes = np.zeros((2000, SHAPE_COUNT))
    shapes[:30] = 0.7
    shown = play(solved(turned(np.zeros(2000)), shapes), np.arange(2000) / FPS)
    small = np.abs(shown.shapes[shown.shapes != 0.0])
    assert small.min() > 1e-200
    assert shown.shapes[-1].max() < 1e-20


def test_a_frame_as_old_as_the_last_does_no_harm() -> None:
    motions = Motions()
    for _ in range(3):
        observe(motions, solved(turned(30.0)), 1.0)
        assert np.isfinite(show(motions, 1.0).rotations).all()
