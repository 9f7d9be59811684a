"""Recorded people move as they did, without jumps."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import angle_between
from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from consumers.avatar.solver.solve import solve
from keypoints import FrameBatch, HandLandmark, PoseLandmark
from tests.consumers.avatar import playback
from tests.consumers.avatar.puppet import matrix_of
from tests.consumers.avatar.recordings import extract_video, read_pose_file
from tests.consumers.avatar.steadiness import largest_step_deg

# MediaPipe asks protobuf in its old way.
pytestmark = pytest.mark.filterwarnings("ignore:label:DeprecationWarning")

MOST_STEP_DEG = 25.0


def play_out(batch: FrameBatch) -> tuple[playback.Playback, NDArray[np.float64]]:
    """All that is shown, and float64[N, 55, 4]: what is shown of each frame before the next one arrives."""
    at_s = (batch.captured_at_us - batch.captured_at_us[0]) / 1e6
    shown = playback.play(solve(batch), at_s)
    last = np.searchsorted(shown.at_s, np.append(at_s[1:], np.inf) - 1e-4) - 1
    return shown, shown.rotations[last]


def points_towards(rotations: NDArray[np.float64], bone: Bone) -> NDArray[np.float64]:
    """Where a bone of the right arm points, in Unity's space."""
    space, parent = np.eye(3), bone
    while True:
        if np.isfinite(rotations[parent]).all():
            space = matrix_of(rotations[parent]) @ space
        above = PARENTS[parent]
        if above is None:
            direction: NDArray[np.float64] = space @ [1.0, 0.0, 0.0]
            return direction
        parent = above


def test_a_recorded_signer_who_raises_both_hands_is_shown_to(shared_data: Path) -> None:
    batch = read_pose_file(shared_data / "recordings" / "example.pose")
    wrists_up = batch.pose[:, PoseLandmark.RIGHT_WRIST, 1] < batch.pose[:, PoseLandmark.RIGHT_ELBOW, 1] - 0.1
    rotations = solve(batch).rotations
    forearm_up = np.array([points_towards(rotations[row], Bone.RIGHT_LOWER_ARM)[1] for row in range(len(batch))])
    assert wrists_up.any()
    assert not wrists_up.all()
    assert (forearm_up[wrists_up] > 0.05).all()
    assert (forearm_up[:5] < -0.5).all()


@pytest.mark.mediapipe
@pytest.mark.parametrize("video", ["hoy_001.mp4", "doctor_001.mp4"])
def test_a_filmed_signer_never_jumps_and_bends_the_arm_that_signs(shared_data: Path, video: str) -> None:
    batch = extract_video(shared_data / "videos" / video)
    shown, at_frames = play_out(batch)
    np.testing.assert_allclose(np.linalg.norm(shown.rotations, axis=-1), 1.0, atol=1e-4)
    assert largest_step_deg(shown.rotations, shown.at_s).max() <= MOST_STEP_DEG
    # Forearms point where the landmarks do, but for the smoothing.
    for row in range(20, len(batch), 10):
        body = -batch.pose_world[row, :, :3]
        true = body[PoseLandmark.RIGHT_WRIST] - body[PoseLandmark.RIGHT_ELBOW]
        found = points_towards(at_frames[row], Bone.RIGHT_LOWER_ARM)
        assert true @ found / np.linalg.norm(true) > 0.9


@pytest.mark.mediapipe
def test_a_filmed_thumbs_down_points_the_avatars_thumb_down(shared_data: Path) -> None:
    batch = extract_video(shared_data / "videos" / "hoy_001.mp4")
    solved = solve(batch)
    last = solved.rotations[-5]
    thumb = batch.right_hand[-5, HandLandmark.THUMB_TIP] - batch.right_hand[-5, HandLandmark.THUMB_MCP]
    assert thumb[1] > 0
    space, bone = np.eye(3), Bone.RIGHT_THUMB_INTERMEDIATE
    chain: list[Bone] = []
    above: Bone | None = bone
    while above is not None:
        chain.append(above)
        above = PARENTS[above]
    for link in reversed(chain):
        if np.isfinite(last[link]).all():
            space = space @ matrix_of(last[link])
    assert (space @ [np.sqrt(0.5), 0.0, np.sqrt(0.5)])[1] < -0.5
    curls = [np.degrees(angle_between(last[Bone[f"RIGHT_{finger}_INTERMEDIATE"]], np.array([0.0, 0, 0, 1])))
             for finger in ("INDEX", "MIDDLE", "RING", "LITTLE")]  # fmt: skip
    assert min(curls) > 30.0
