"""Synthetic performers, whose true rotations are known, come out of the solver as they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import PARENTS, Bone
from consumers.avatar.solver.solve import solve
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import PARENTS as JOINT_PARENTS
from performers.joints import Joint
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.consumers.avatar.puppet import Matrix, degrees_between, matrix_of

FAR_AWAY = Camera(distance_m=60.0, height_m=0.93, vertical_view_deg=2.0)
"""Without perspective, as the solver takes hands and faces to be seen."""

SECONDS = np.arange(24, dtype=np.float64) / 4
# Seen from the side one shoulder hides behind the other; and a raised arm lifts the shoulder the chest is read from.
_UNLIKE = {ActKind.LEAVE, ActKind.FALL, ActKind.HANDS_OUT, ActKind.SIDEWAYS, ActKind.RAISE_HAND}
ACTS = [kind for kind in ActKind if kind not in _UNLIKE]

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


def act_out(kind: ActKind) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True rotations [N, 54, 4] and solved ones [N, 55, 4]."""
    performer = Performer("p", [Act(kind, 0.0, 6.0)], seed=3, stage=Stage(camera=FAR_AWAY, noise=Noise(0.0)))
    return performer.truth(SECONDS).rotations, solve(performer.batch(SECONDS)).rotations


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
    true, solved = act_out(kind)
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
