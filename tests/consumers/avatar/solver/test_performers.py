"""Synthetic performers, whose true rotations are known, come out of the solver as they are."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from consumers.avatar.solver.solve import solve
from keypoints.landmarks import PoseLandmark
from performers.acts import Act, ActKind
from performers.joints import PARENTS as JOINT_PARENTS
from performers.joints import Joint
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.consumers.avatar.puppet import Matrix, degrees_between, matrix_of

SECONDS = np.arange(24, dtype=np.float64) / 4
IN_PICTURE = 0.03
"""How far from the picture's edges what is compared must be, for beyond them MediaPipe guesses, and is not believed."""
TRUNK = [PoseLandmark.LEFT_SHOULDER, PoseLandmark.RIGHT_SHOULDER, PoseLandmark.LEFT_HIP, PoseLandmark.RIGHT_HIP]
LIMBS = [*TRUNK, *range(PoseLandmark.LEFT_ELBOW, PoseLandmark.RIGHT_WRIST + 1),
         *range(PoseLandmark.LEFT_KNEE, PoseLandmark.RIGHT_ANKLE + 1)]  # fmt: skip
ACTS = list(ActKind)

# The room's space has x to the person's left, Unity's to the right.
_FLIP = np.diag([-1.0, 1.0, 1.0])


def true_space(rotations: NDArray[np.float64], joint: Joint) -> Matrix:
    """A joint's rotation in Unity's space."""
    here: Matrix = _FLIP @ matrix_of(rotations[joint]) @ _FLIP
    return true_space(rotations, JOINT_PARENTS[joint]) @ here if joint in JOINT_PARENTS else here


def solved_space(rotations: NDArray[np.float64], bone: Bone) -> Matrix:
    """A bone's rotation in Unity's space; one that was not solved does not turn."""
    here = matrix_of(rotations[bone]) if np.isfinite(rotations[bone]).all() else np.eye(3)
    parent = PARENTS[bone]
    return here if parent is None else solved_space(rotations, parent) @ here


def act_out(kind: ActKind, shown: Sequence[int] = TRUNK) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True rotations [N, 54, 4] and solved ones [N, 55, 4], of the frames that show all these landmarks."""
    performer = Performer("p", [Act(kind, 0.0, 6.0)], seed=3, stage=Stage(noise=Noise(0.0)))
    batch = performer.batch(SECONDS)
    inside = np.abs(batch.pose[:, shown, :2] - 0.5).max(axis=(1, 2)) < 0.5 - IN_PICTURE
    rows = np.flatnonzero(batch.pose_present & inside)
    assert len(rows) >= 3
    return performer.truth(SECONDS).rotations[rows], solve(batch.take(rows)).rotations


@pytest.mark.parametrize("kind", ACTS)
def test_the_trunk_of_a_performer_is_that_of_the_avatar(kind: ActKind) -> None:
    true, solved = act_out(kind)
    for name in ("HIPS", "CHEST"):
        errors = [
            degrees_between(true_space(true[row], Joint[name]), solved_space(solved[row], Bone[name]))
            for row in range(len(true))
        ]
        assert max(errors) < 3.0, name
        assert np.mean(errors) <= 1.0, name


@pytest.mark.parametrize("kind", ACTS)
def test_limbs_of_a_performer_point_where_the_avatars_do(kind: ActKind) -> None:
    true, solved = act_out(kind, LIMBS)
    limits = {
        "UPPER_ARM": 1.0,
        "LOWER_ARM": 1.0,
        "HAND": 6.0,
        "INDEX_PROXIMAL": 6.0,
        "UPPER_LEG": 1.0,
        "LOWER_LEG": 1.0,
    }
    for name, most in limits.items():
        for side, outwards in (("LEFT", -1.0), ("RIGHT", 1.0)):
            bone = Bone[f"{side}_{name}"]
            along = np.array([0.0, -1.0, 0.0] if "LEG" in name else [outwards, 0.0, 0.0])
            for row in np.flatnonzero(np.isfinite(solved[:, bone, 0])):
                there = true_space(true[row], Joint[bone.name]) @ along
                found = solved_space(solved[row], bone) @ along
                assert np.degrees(np.arccos(np.clip(there @ found, -1.0, 1.0))) < most, bone.name


@pytest.mark.parametrize("kind", [ActKind.HEAD_TURN, ActKind.SPEAK])
def test_a_performers_head_is_the_avatars_and_does_not_nod_at_each_word(kind: ActKind) -> None:
    true, solved = act_out(kind)
    errors = [
        degrees_between(true_space(true[row], Joint.HEAD), solved_space(solved[row], Bone.HEAD))
        for row in range(len(true))
    ]
    assert max(errors) < 4.0
    assert np.ptp(errors) < 1.5


def test_each_side_of_a_performer_is_the_avatars_own_side() -> None:
    true, solved = act_out(ActKind.WAVE)
    raised = [solved_space(solved[row], Bone.RIGHT_LOWER_ARM) @ [1.0, 0.0, 0.0] for row in range(8, 20)]
    resting = [solved_space(solved[row], Bone.LEFT_LOWER_ARM) @ [-1.0, 0.0, 0.0] for row in range(8, 20)]
    assert min(direction[1] for direction in raised) > 0.3
    assert max(direction[1] for direction in resting) < -0.5
    assert len(true) == len(solved)
