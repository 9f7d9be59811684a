"""A landmark wrong in a single frame throws nothing about; what really moves fast is late by a frame at most."""

import numpy as np
import pytest

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.smoothing.motions import Motions
from tests.consumers.avatar.playback import observe, play, show, solved, turned

FPS = 30.0
EYES = (Bone.LEFT_EYE, Bone.RIGHT_EYE)  # which do jump
BONES = [Bone.HEAD, Bone.LEFT_HAND, Bone.RIGHT_INDEX_PROXIMAL]


@pytest.mark.parametrize("bone", BONES)
@pytest.mark.parametrize("jump", [40.0, 90.0, 175.0])
def test_a_jump_of_a_single_frame_is_not_followed(bone: Bone, jump: float) -> None:
    angles = np.zeros(90)
    angles[60] = jump
    shown = play(solved(turned(angles)), np.arange(90) / FPS)
    assert np.abs(shown.degrees(bone)[shown.at_s > 1.5]).max() < 0.01
    assert shown.outliers == BONE_COUNT - len(EYES)


def test_jumps_every_other_frame_are_not_followed_either() -> None:
    angles = np.where(np.arange(120) % 2, 120.0, 0.0)
    angles[:45] = 0.0
    shown = play(solved(turned(angles)), np.arange(120) / FPS)
    assert np.abs(shown.degrees(Bone.LEFT_HAND)).max() < 0.01


def test_a_root_and_a_mouth_that_jump_for_a_frame_are_not_followed() -> None:
    shapes, root_m = np.zeros((90, SHAPE_COUNT)), np.zeros((90, 3))
    shapes[60, Blendshape.JAW_OPEN], root_m[60] = 1.0, (0.0, 1.0, 0.0)
    shown = play(solved(turned(np.zeros(90)), shapes, root_m), np.arange(90) / FPS)
    assert np.abs(shown.shapes).max() < 0.01
    assert np.abs(shown.root_m).max() < 0.01
    assert shown.outliers == 2


def test_a_jump_that_lasts_is_followed_from_the_second_frame_on() -> None:
    angles = np.where(np.arange(90) < 60, 0.0, 90.0)
    motions = Motions()
    heard = []
    for frame in range(90):
        observe(motions, solved(turned(angles[frame])), frame / FPS)
        state = show(motions, frame / FPS)
        heard.append(
            float(np.degrees(2 * np.arctan2(state.rotations[0, Bone.HEAD, 1], state.rotations[0, Bone.HEAD, 3])))
        )
    assert heard[60] == pytest.approx(0.0, abs=0.01)
    assert heard[61] > 10.0
    assert heard[70] == pytest.approx(90.0, abs=3.0)
    assert motions.outliers == 0


def test_a_very_fast_arm_is_late_by_one_frame_once() -> None:
    # From rest to 1,500° a second at once, faster than a serve at tennis turns the elbow.
    angles = np.clip((np.arange(90) - 59) * 50.0, 0.0, 150.0)
    steady = play(solved(turned(angles)), np.arange(90) / FPS)
    arm = steady.degrees(Bone.LEFT_LOWER_ARM)
    assert arm[np.searchsorted(steady.at_s, 62.5 / FPS)] > 10.0
    assert arm[np.searchsorted(steady.at_s, 69 / FPS)] > 140.0
    assert steady.outliers == 0


def test_a_frame_rate_twice_as_high_doubts_no_more() -> None:
    rng = np.random.default_rng(3)
    for fps in (15.0, 30.0, 60.0, 120.0):
        noisy = rng.normal(scale=3.0, size=200)
        assert play(solved(turned(noisy)), np.arange(200) / fps).outliers == 0
