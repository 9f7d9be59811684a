"""A thousand random poses of a body come back out of the solver, bone by bone."""

import numpy as np
import pytest

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.solve import solve
from tests.consumers.avatar.oracle import OBSERVABLE, errors_by_bone, random_poses, solved_spaces
from tests.consumers.avatar.puppet import Face, Pose, degrees_between, film_all, spaces, turn

MOST_MEAN_DEG = 1.0
MOST_DEG = 5.0


def mirrored(bone: str, axis: str, degrees: float) -> Pose:
    """A bone of both sides, turned as the left one is by so much."""
    sign = 1.0 if axis == "x" else -1.0
    return {f"Left{bone}": turn(axis, degrees), f"Right{bone}": turn(axis, sign * degrees)}


# What each joint does about each axis that is seen, and can do 45° or 90° about: degrees as the left one turns.
JOINTS = [
    *(("Hips", axis, degrees) for axis in "xyz" for degrees in (-90.0, -45.0, 45.0, 90.0)),
    *(("Head", axis, degrees) for axis in "xyz" for degrees in (-45.0, 45.0)),
    *(("UpperArm", axis, degrees) for axis in "y" for degrees in (-45.0, 45.0, 90.0)),
    *(("UpperArm", "z", degrees) for degrees in (45.0, 90.0)),
    *(("LowerArm", "y", degrees) for degrees in (45.0, 90.0)),
    *(("Hand", "z", degrees) for degrees in (-45.0, 45.0)),
    *(("UpperLeg", "x", degrees) for degrees in (-90.0, -45.0)),
    *(("UpperLeg", "y", degrees) for degrees in (-45.0, 45.0)),
    ("UpperLeg", "z", -45.0),
    *(("LowerLeg", "x", degrees) for degrees in (45.0, 90.0)),
    ("Foot", "x", -20.0),
    *((f"{finger}{segment}", "z", degrees) for finger in ("Index", "Middle", "Ring", "Little")
      for segment in ("Proximal", "Intermediate", "Distal") for degrees in (45.0, 90.0)),
]  # fmt: skip


@pytest.mark.parametrize(("bone", "axis", "degrees"), JOINTS)
def test_each_joint_turned_alone_is_found(bone: str, axis: str, degrees: float) -> None:
    pose = {bone: turn(axis, degrees)} if bone in ("Hips", "Head") else mirrored(bone, axis, degrees)
    found = solved_spaces(solve(film_all([pose], face=Face())).rotations[0])
    true = spaces(pose)
    for name in OBSERVABLE:
        if bone == "Head" and name == "Neck":
            continue
        if bone in ("Hips", "LowerLeg") and name.endswith(("Foot", "Toes")):
            # Both feet point down: are they hanging, or on tiptoe?
            continue
        assert degrees_between(true[name][0], found[name]) < 1.0, name


def test_a_thousand_random_poses_come_back_within_a_degree() -> None:
    poses = random_poses(1000, seed=11)
    rotations = solve(film_all(poses, face=Face())).rotations
    np.testing.assert_allclose(np.linalg.norm(rotations[np.isfinite(rotations[..., 0])], axis=-1), 1.0, atol=1e-4)
    missing = {Bone.JAW, Bone.LEFT_EYE, Bone.RIGHT_EYE}
    assert np.isfinite(rotations[:, [bone for bone in Bone if bone not in missing]]).all()
    errors = errors_by_bone(poses, rotations)
    for bone, (mean, most) in errors.items():
        assert mean <= MOST_MEAN_DEG, bone
        assert most <= MOST_DEG, bone


def test_the_oracle_sees_an_error_where_there_is_one() -> None:
    poses = random_poses(20, seed=5)
    rotations = solve(film_all(poses)).rotations
    rotations[:, Bone.LEFT_LOWER_LEG] = (0.0, 0.0, 0.0, 1.0)
    errors = errors_by_bone(poses, rotations)
    assert errors["LeftLowerLeg"][0] > 30.0
    assert errors["RightLowerLeg"][1] < 1.0
