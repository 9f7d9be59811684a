"""Bones stand where a puppet of the same measures has them."""

import numpy as np

from consumers.avatar.humanoid.kinematics import ALL_LEVELS, list_levels, place_bones
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, REST_POSE, Bone
from tests.consumers.avatar.puppet import matrix_of


def test_bones_at_rest_stand_where_their_offsets_add_up_to() -> None:
    at_rest = np.tile([0.0, 0.0, 0.0, 1.0], (1, len(Bone), 1))
    positions, spaces = place_bones(at_rest, np.zeros((1, 3)))
    for bone in Bone:
        chain, here = np.zeros(3), bone
        while True:
            chain = chain + REST_OFFSETS_M[here]
            above = PARENTS[here]
            if above is None:
                break
            here = above
        np.testing.assert_allclose(positions[0, bone], chain, atol=1e-12)
    np.testing.assert_allclose(spaces, at_rest, atol=1e-12)


def test_turned_bones_carry_what_hangs_on_them() -> None:
    rng = np.random.default_rng(2)
    poses = rng.normal(size=(5, len(Bone), 4))
    poses /= np.linalg.norm(poses, axis=-1, keepdims=True)
    root_m = rng.normal(size=(5, 3))
    positions, spaces = place_bones(poses, root_m)
    for row in range(5):
        np.testing.assert_allclose(positions[row, Bone.HIPS], root_m[row] + REST_OFFSETS_M[Bone.HIPS])
        for bone in Bone:
            above = PARENTS[bone]
            if above is not None:
                there = matrix_of(spaces[row, above])
                expected = positions[row, above] + there @ REST_OFFSETS_M[bone]
                np.testing.assert_allclose(positions[row, bone], expected, atol=1e-9)
                expected = there @ matrix_of(poses[row, bone])
                np.testing.assert_allclose(matrix_of(spaces[row, bone]), expected, atol=1e-9)


def test_hanging_hands_are_beside_the_thighs() -> None:
    positions, _ = place_bones(REST_POSE[None], np.zeros((1, 3)))
    left, right = positions[0, Bone.LEFT_HAND], positions[0, Bone.RIGHT_HAND]
    assert left[0] < -0.2
    assert 0.8 < left[1] < 1.0
    np.testing.assert_allclose(right, left * [-1.0, 1.0, 1.0], atol=1e-12)


def test_some_bones_alone_stand_where_they_do_among_all() -> None:
    legs = [bone for bone in Bone if bone.name.endswith(("HIPS", "LEG", "FOOT", "TOES"))]
    rng = np.random.default_rng(3)
    poses = rng.normal(size=(4, len(Bone), 4))
    poses /= np.linalg.norm(poses, axis=-1, keepdims=True)
    everything, _ = place_bones(poses, np.zeros((4, 3)), levels=ALL_LEVELS)
    some, _ = place_bones(poses, np.zeros((4, 3)), levels=list_levels(legs))
    np.testing.assert_allclose(some[:, legs], everything[:, legs])
    assert np.isnan(some[:, Bone.HEAD]).all()
