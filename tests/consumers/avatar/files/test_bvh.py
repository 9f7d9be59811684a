"""A BVH file opened by another program shows the performer's own pose."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from consumers.avatar.files.bvh import BvhFile
from consumers.avatar.humanoid.kinematics import place_bones
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.files.opened import JOINTS, Bvh, move, open_bvh, place


def write(*blocks: AvatarStates, rate: float = 30.0) -> Bvh:
    buffer = BytesIO()
    file = BvhFile(buffer, rate)
    for block in blocks:
        file.add(block)
    file.finish()
    return open_bvh(buffer.getvalue().decode("ascii"))


def test_every_joint_is_where_it_was_in_any_pose() -> None:
    states = move(40)

    opened = write(states)

    positions, _ = place_bones(states.rotations, states.root_m)
    for row in range(40):
        found, wanted = opened.place(row), place(states, row)
        assert found.keys() == wanted.keys()
        for name in wanted:
            np.testing.assert_allclose(found[name], 100.0 * wanted[name], atol=0.02)
        for bone in JOINTS:
            np.testing.assert_allclose(found[bone.unity_name] / (-100, 100, 100), positions[row, bone], atol=2e-4)


@pytest.mark.parametrize("half", [0.5, -0.5])
def test_a_bone_turned_by_a_right_angle_forward_or_back_is_not_lost_in_gimbal_lock(half: float) -> None:
    states = move(1)
    states.rotations[:] = (half * np.sqrt(2.0), 0.0, 0.0, np.sqrt(0.5))
    states.rotations[:, Bone.LEFT_UPPER_ARM] = (half, half, 0.5, 0.5)

    found, wanted = write(states).place(0), place(states, 0)

    for name in wanted:
        np.testing.assert_allclose(found[name], 100.0 * wanted[name], atol=0.02)


def test_states_that_come_in_blocks_make_one_file_with_its_count_and_rate() -> None:
    opened = write(move(3, seed=1), move(0), move(4, seed=2), rate=60.0)

    assert len(opened.rows) == 7
    assert opened.frame_time_s == pytest.approx(1 / 60, abs=1e-8)
    alone = write(move(4, seed=2))
    for row in range(4):
        found, wanted = opened.place(3 + row), alone.place(row)
        np.testing.assert_allclose(np.stack(list(found.values())), np.stack(list(wanted.values())), atol=1e-6)


def test_angles_go_on_past_half_a_turn_instead_of_jumping_back() -> None:
    states = move(1)
    around = np.radians(np.arange(0.0, 720.0, 30.0))
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (len(around), 55, 1))
    rotations[:, Bone.HEAD] = np.stack(
        (np.zeros_like(around), np.sin(around / 2), np.zeros_like(around), np.cos(around / 2)), axis=1
    )
    spinning = [replace(states, rotations=rotation[None]) for rotation in rotations]

    rows = write(*spinning).rows

    assert np.abs(np.diff(rows, axis=0)).max() == pytest.approx(30.0, abs=1e-3)


def test_a_leg_raised_past_level_has_no_jump_in_its_curve() -> None:
    raised = np.radians(np.arange(0.0, 130.0, 10.0))
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (len(raised), 55, 1))
    rotations[:, Bone.LEFT_UPPER_LEG] = np.stack(
        (-np.sin(raised / 2), np.zeros_like(raised), np.zeros_like(raised), np.cos(raised / 2)), axis=1
    )
    states = [replace(move(1), rotations=rotation[None]) for rotation in rotations]

    opened = write(*states)

    assert np.abs(np.diff(opened.rows, axis=0)).max() == pytest.approx(10.0, abs=1e-3)
    for row, one in enumerate(states):
        knee = place(one, 0)["LeftLowerLeg"]
        np.testing.assert_allclose(opened.place(row)["LeftLowerLeg"], 100.0 * knee, atol=0.02)


def test_a_root_is_placed_the_same_whether_its_offset_is_added_or_not() -> None:
    assert write(move(1)).root.offset.tolist() == [0.0, 0.0, 0.0]
