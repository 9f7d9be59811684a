"""Joints stay within what people's joints can do, and nothing jumps at the border."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.limits import limit_rotations
from consumers.avatar.humanoid.rotations import about_axis, angle_between
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone

AXES = np.eye(3)


def alone(bone: Bone, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses float64[N, 55, 4] in which one bone alone is turned, by float64[N, 4]."""
    pose = np.tile([0.0, 0.0, 0.0, 1.0], (len(rotation), BONE_COUNT, 1))
    pose[:, bone] = rotation
    return pose


def turned(bone: Bone, axis: int, degrees: float | NDArray[np.float64]) -> NDArray[np.float64]:
    angles = np.atleast_1d(np.radians(degrees)).astype(np.float64)
    return alone(bone, about_axis(np.broadcast_to(AXES[axis], (len(angles), 3)), angles))


def degrees_of(pose: NDArray[np.float64], bone: Bone, axis: int) -> NDArray[np.float64]:
    angles: NDArray[np.float64] = np.degrees(2.0 * np.arctan2(pose[:, bone, axis], pose[:, bone, 3]))
    return angles


# The normal ranges of the American Academy of Orthopaedic Surgeons (1965), as turns of the rig: bone, axis, degrees.
NORMAL = [
    (Bone.LEFT_UPPER_LEG, 0, -120.0), (Bone.LEFT_UPPER_LEG, 0, 30.0), (Bone.LEFT_UPPER_LEG, 2, -45.0),
    (Bone.RIGHT_UPPER_LEG, 2, 45.0), (Bone.RIGHT_UPPER_LEG, 1, 45.0), (Bone.LEFT_LOWER_LEG, 0, 135.0),
    (Bone.LEFT_FOOT, 0, -20.0), (Bone.RIGHT_FOOT, 0, 50.0), (Bone.LEFT_TOES, 0, -70.0),
    (Bone.LEFT_LOWER_ARM, 1, 150.0), (Bone.RIGHT_LOWER_ARM, 1, -150.0), (Bone.LEFT_LOWER_ARM, 0, 80.0),
    (Bone.LEFT_UPPER_ARM, 2, 90.0), (Bone.RIGHT_UPPER_ARM, 2, 90.0), (Bone.LEFT_UPPER_ARM, 1, 135.0),
    (Bone.LEFT_UPPER_ARM, 0, -70.0), (Bone.LEFT_UPPER_ARM, 0, 90.0), (Bone.LEFT_HAND, 2, 80.0),
    (Bone.RIGHT_HAND, 2, 70.0), (Bone.LEFT_SHOULDER, 2, -35.0), (Bone.LEFT_INDEX_PROXIMAL, 2, 90.0),
    (Bone.RIGHT_LITTLE_INTERMEDIATE, 2, -100.0), (Bone.NECK, 1, 40.0), (Bone.SPINE, 0, 27.0),
]  # fmt: skip

# What no joint does, and the most that is left of it: the range and the tolerance of the landmarks.
BEYOND = [
    (Bone.LEFT_LOWER_LEG, 0, -40.0, 14.0), (Bone.RIGHT_LOWER_LEG, 0, -40.0, 14.0), (Bone.LEFT_LOWER_LEG, 2, 60.0, 35.0),
    (Bone.LEFT_LOWER_ARM, 1, -40.0, 14.0), (Bone.RIGHT_LOWER_ARM, 1, 40.0, 14.0), (Bone.LEFT_UPPER_LEG, 0, 70.0, 40.0),
    (Bone.RIGHT_UPPER_ARM, 1, 90.0, 66.0), (Bone.LEFT_INDEX_DISTAL, 2, -45.0, 24.0), (Bone.HEAD, 1, 80.0, 60.0),
    (Bone.LEFT_SHOULDER, 2, -70.0, 50.0), (Bone.LEFT_TOES, 1, 45.0, 20.0),
]  # fmt: skip


@pytest.mark.parametrize(("bone", "axis", "degrees"), NORMAL)
def test_what_a_healthy_joint_does_is_left_as_it_is(bone: Bone, axis: int, degrees: float) -> None:
    pose = turned(bone, axis, degrees)
    np.testing.assert_allclose(limit_rotations(pose), pose, atol=1e-9)


@pytest.mark.parametrize(("bone", "axis", "degrees", "most"), BEYOND)
def test_what_no_joint_does_is_led_back(bone: Bone, axis: int, degrees: float, most: float) -> None:
    left = degrees_of(limit_rotations(turned(bone, axis, degrees)), bone, axis)[0]
    assert 0.0 < np.copysign(left, degrees * left) <= most


@pytest.mark.parametrize("bone", [bone for bone in Bone if bone is not Bone.HIPS])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_joint_turned_all_the_way_round_never_jumps(bone: Bone, axis: int) -> None:
    limited = limit_rotations(turned(bone, axis, np.arange(1441, dtype=np.float64) / 4.0))[:, bone]
    assert np.degrees(angle_between(limited[1:], limited[:-1])).max() < 4.0
    np.testing.assert_allclose(np.linalg.norm(limited, axis=-1), 1.0, atol=1e-9)


def test_limiting_twice_changes_nothing_and_any_rotation_comes_out_near_its_range() -> None:
    rng = np.random.default_rng(5)
    poses = rng.normal(size=(300, BONE_COUNT, 4))
    poses /= np.linalg.norm(poses, axis=-1, keepdims=True)
    once = limit_rotations(poses)
    assert np.degrees(angle_between(limit_rotations(once), once)).max() < 1e-5
    assert np.degrees(angle_between(once, poses)).max() > 90.0
    np.testing.assert_allclose(np.linalg.norm(once, axis=-1), 1.0, atol=1e-9)
    np.testing.assert_array_equal(once[:, Bone.HIPS], poses[:, Bone.HIPS])


def test_left_and_right_are_limited_alike() -> None:
    rng = np.random.default_rng(6)
    rotations = rng.normal(size=(200, 4))
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    for left in Bone:
        if left.name.startswith("LEFT_"):
            right = Bone[left.name.replace("LEFT_", "RIGHT_")]
            here = limit_rotations(alone(left, rotations))[:, left]
            there = limit_rotations(alone(right, rotations * [1.0, -1.0, -1.0, 1.0]))[:, right]
            np.testing.assert_allclose(there, here * [1.0, -1.0, -1.0, 1.0], atol=1e-9)


def test_bones_not_seen_stay_unseen_and_hanging_arms_hang() -> None:
    pose = np.stack((REST_POSE, REST_POSE))
    pose[1, Bone.LEFT_HAND] = np.nan
    limited = limit_rotations(pose)
    np.testing.assert_array_equal(limited, pose)
    pose[0, Bone.LEFT_LOWER_LEG] = (-0.7, 0.0, 0.0, 0.7)
    assert np.isnan(limit_rotations(pose)[1, Bone.LEFT_HAND]).all()
