"""Still performers stand still, fast ones are followed, lost ones fade to rest, and none of them jumps."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.expressions import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.rotations import about_axis, angle_between
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone
from consumers.avatar.smoothing.motion import Motion

FPS = 30.0
Y_AXIS = np.array([0.0, 1.0, 0.0])
NO_SHAPES = np.full(SHAPE_COUNT, np.nan)


def turned(degrees: float) -> NDArray[np.float64]:
    """All bones turned by so much about y."""
    return np.tile(about_axis(Y_AXIS, np.array(np.radians(degrees))), (BONE_COUNT, 1))


def degrees_shown(motion: Motion, at_s: float, bone: Bone = Bone.LEFT_HAND) -> float:
    """How far a bone is shown turned from the identity."""
    return float(np.degrees(angle_between(motion.state_at(at_s).rotations[bone], np.array([0.0, 0, 0, 1]))))


def shown_over_time(inputs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """float64[N, 55, 4]: what is shown of one measured pose a frame."""
    motion = Motion()
    shown = []
    for frame, rotations in enumerate(inputs):
        motion.observe(rotations, NO_SHAPES, frame / FPS)
        shown.append(motion.state_at(frame / FPS).rotations)
    return np.array(shown)


@pytest.mark.parametrize("bone", [Bone.HEAD, Bone.LEFT_HAND, Bone.RIGHT_INDEX_PROXIMAL])
def test_noise_about_a_still_pose_is_taken_out(bone: Bone) -> None:
    rng = np.random.default_rng(5)
    inputs = [turned(float(degrees)) for degrees in 30.0 + rng.normal(scale=0.6, size=300)]
    shown = shown_over_time(inputs)[60:, bone]
    still = np.tile(turned(30.0)[0], (len(shown), 1))
    rms_out = np.degrees(np.sqrt(np.mean(angle_between(shown, still) ** 2)))
    rms_in = np.degrees(np.sqrt(np.mean(angle_between(np.array(inputs)[60:, bone], still) ** 2)))
    assert rms_out < 0.3 * rms_in


@pytest.mark.parametrize("bone", [Bone.HEAD, Bone.LEFT_HAND])
def test_a_fast_wave_is_followed_with_little_lag(bone: Bone) -> None:
    at_s = np.arange(120) / FPS
    waves = 45.0 * np.sin(2 * np.pi * 1.5 * at_s)
    shown = shown_over_time([turned(float(degrees)) for degrees in waves])[:, bone]
    angles = np.degrees(2 * np.arctan2(shown[:, 1], shown[:, 3]))
    lags_s = np.linspace(0.0, 0.1, 101)
    errors = [np.mean((np.interp(at_s[60:] - lag, at_s, waves) - angles[60:]) ** 2) for lag in lags_s]
    assert lags_s[int(np.argmin(errors))] <= 0.035


def test_a_pose_opposite_in_sign_is_the_same_pose() -> None:
    motion = Motion()
    for frame in range(30):
        motion.observe(turned(40.0) * (-1.0 if frame % 2 else 1.0), NO_SHAPES, frame / FPS)
    assert degrees_shown(motion, 29 / FPS) == pytest.approx(40.0, abs=0.1)


def test_a_landmark_that_jumps_for_one_frame_does_not_throw_the_hand_about() -> None:
    shown = shown_over_time([turned(170.0 if frame == 20 else 0.0) for frame in range(40)])[:, Bone.LEFT_HAND]
    assert np.degrees(angle_between(shown[1:], shown[:-1])).max() <= 25.0


def test_a_lost_hand_is_held_then_fades_to_rest() -> None:
    motion = Motion()
    for frame in range(31):
        motion.observe(turned(60.0), NO_SHAPES, frame / FPS)
    motion.observe(np.full((BONE_COUNT, 4), np.nan), NO_SHAPES, 1.1)
    assert degrees_shown(motion, 1.29) == pytest.approx(60.0, abs=0.5)
    assert motion.state_at(1.29).tracked
    assert 10.0 < degrees_shown(motion, 1.0 + 0.3 + 0.6) < 50.0
    assert not motion.state_at(1.5).tracked
    np.testing.assert_allclose(motion.state_at(2.6).rotations, REST_POSE, atol=1e-9)


def test_a_hand_that_returns_far_away_is_led_there_without_a_jump() -> None:
    motion, shown = Motion(), []
    for frame in range(150):
        seen = frame < 30 or frame > 100
        pose = turned(60.0 if frame < 30 else -110.0) if seen else np.full((BONE_COUNT, 4), np.nan)
        motion.observe(pose, NO_SHAPES, frame / FPS)
        shown.append(motion.state_at(frame / FPS).rotations)
    steps = np.degrees(angle_between(np.array(shown[1:]), np.array(shown[:-1])))
    assert steps.max() <= 25.0
    assert degrees_shown(motion, 149 / FPS) == pytest.approx(110.0, abs=1.0)


def test_a_short_gap_is_bridged_as_if_it_were_not_there() -> None:
    motion = Motion()
    for frame in range(60):
        gone = 30 <= frame < 36
        motion.observe(np.full((BONE_COUNT, 4), np.nan) if gone else turned(float(frame)), NO_SHAPES, frame / FPS)
        if frame >= 20:
            assert degrees_shown(motion, frame / FPS) > 15.0
    assert degrees_shown(motion, 59 / FPS) == pytest.approx(59.0, abs=3.0)


def test_bones_never_seen_stay_unknown() -> None:
    motion, pose = Motion(), turned(10.0)
    pose[Bone.LEFT_FOOT] = np.nan
    motion.observe(pose, NO_SHAPES, 0.0)
    state = motion.state_at(0.0)
    assert not state.bones_known[Bone.LEFT_FOOT]
    assert state.bones_known[Bone.HEAD]
    assert not state.shapes_known.any()


def test_a_blink_of_a_tenth_of_a_second_is_shown() -> None:
    motion, most = Motion(), 0.0
    for frame in range(60):
        shapes = np.zeros(SHAPE_COUNT)
        shapes[Blendshape.BLINK_L] = {30: 0.6, 31: 1.0, 32: 1.0, 33: 0.5}.get(frame, 0.0)
        motion.observe(turned(0.0), shapes, frame / FPS)
        most = max(most, float(motion.state_at(frame / FPS).shapes[Blendshape.BLINK_L]))
    assert most > 0.7
    assert motion.state_at(59 / FPS).shapes[Blendshape.BLINK_L] < 0.1


def test_another_clock_goes_on_from_the_pose_that_was_shown() -> None:
    motion = Motion()
    for frame in range(30):
        motion.observe(turned(80.0), NO_SHAPES, 1000.0 + frame / FPS)
    before = motion.state_at(1001.0).rotations
    motion.rebase(1001.0, 5.0)
    motion.observe(turned(80.0), NO_SHAPES, 5.0)
    after = motion.state_at(5.0).rotations
    assert np.degrees(angle_between(before, after)).max() < 1.0
    for frame in range(1, 40):
        motion.observe(turned(-20.0), NO_SHAPES, 5.0 + frame / FPS)
    assert degrees_shown(motion, 5.0 + 39 / FPS) == pytest.approx(20.0, abs=2.0)


def test_rotations_stay_of_unit_length_over_a_long_time() -> None:
    rng = np.random.default_rng(2)
    motion = Motion()
    for frame in range(600):
        rotations = rng.normal(size=(BONE_COUNT, 4))
        rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
        rotations[rng.uniform(size=BONE_COUNT) < 0.3] = np.nan
        motion.observe(rotations, NO_SHAPES, frame / FPS)
        lengths = np.linalg.norm(motion.state_at(frame / FPS + 0.01).rotations, axis=1)
        np.testing.assert_allclose(lengths, 1.0, atol=1e-6)
