"""A puppet posed by known rotations comes back out of the solver in the same pose."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.solve import solve
from keypoints import FrameBatch
from keypoints.landmarks import FACE_MIRROR, POSE_MIRROR
from tests.consumers.avatar.posing import (
    FINGERS,
    bone_named,
    both_sides,
    direction_error,
    local,
    solve_pose,
    solved_space,
    space_errors,
)
from tests.consumers.avatar.puppet import (
    Face,
    Matrix,
    degrees_between,
    film,
    film_all,
    matrix_of,
    spaces,
    turn,
)

ARM_AXIS = {"Left": np.array([-1.0, 0.0, 0.0]), "Right": np.array([1.0, 0.0, 0.0])}
BODY = [bone for bone in Bone if bone <= Bone.RIGHT_FOOT or Bone.SPINE <= bone <= Bone.RIGHT_HAND]
NEVER_SOLVED = {
    Bone.UPPER_CHEST, Bone.LEFT_SHOULDER, Bone.RIGHT_SHOULDER, Bone.LEFT_TOES, Bone.RIGHT_TOES, Bone.LEFT_EYE,
    Bone.RIGHT_EYE, Bone.JAW,
}  # fmt: skip


def test_a_puppet_in_t_pose_is_all_identity() -> None:
    solved = solve_pose({}, Face())
    for bone in set(Bone) - NEVER_SOLVED:
        np.testing.assert_allclose(local(solved, bone), [0, 0, 0, 1], atol=2e-3, err_msg=bone.unity_name)


def test_arms_straight_down_are_the_quaternions_of_the_protocol() -> None:
    solved = solve_pose(both_sides("UpperArm", "z", 90.0))
    half = np.sqrt(0.5)
    np.testing.assert_allclose(local(solved, Bone.LEFT_UPPER_ARM), [0, 0, half, half], atol=1e-4)
    np.testing.assert_allclose(local(solved, Bone.RIGHT_UPPER_ARM), [0, 0, -half, half], atol=1e-4)
    np.testing.assert_allclose(local(solved, Bone.LEFT_LOWER_ARM), [0, 0, 0, 1], atol=1e-3)


@pytest.mark.parametrize("degrees", [-90.0, -45.0, 45.0, 90.0])
@pytest.mark.parametrize("axis", ["y", "z"])
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_shoulder_turned_alone_is_found_exactly(side: str, axis: str, degrees: float) -> None:
    solved = solve_pose({f"{side}UpperArm": turn(axis, degrees)})
    found = matrix_of(local(solved, bone_named(f"{side}UpperArm")))
    assert degrees_between(found, turn(axis, degrees)) < 0.5
    other = "Right" if side == "Left" else "Left"
    assert degrees_between(matrix_of(local(solved, bone_named(f"{other}UpperArm"))), np.eye(3)) < 0.5


@pytest.mark.parametrize("degrees", [45.0, 90.0])
@pytest.mark.parametrize("twist", [-90.0, -45.0, 0.0, 45.0, 90.0])
def test_a_bent_elbow_shows_the_bend_and_the_twist_of_the_upper_arm(degrees: float, twist: float) -> None:
    pose = both_sides("LowerArm", "y", degrees) | both_sides("UpperArm", "x", twist)
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 0.5, name


@pytest.mark.parametrize("degrees", [-90.0, -45.0, 45.0, 90.0])
@pytest.mark.parametrize("axis", ["y", "z"])
def test_a_forearm_points_where_it_points_whatever_the_elbow_would_have_to_do(axis: str, degrees: float) -> None:
    for side in ("Left", "Right"):
        pose = {f"{side}LowerArm": turn(axis, degrees)}
        assert direction_error(pose, f"{side}LowerArm", ARM_AXIS[side]) < 0.5
        assert direction_error(pose, f"{side}UpperArm", ARM_AXIS[side]) < 0.5
        assert space_errors(pose, [f"{side}Hand"])[f"{side}Hand"] < 0.5


@pytest.mark.parametrize(("axis", "degrees"), [("y", 35.0), ("z", -20.0)])
def test_a_turn_of_the_waist_is_shared_by_the_spine_and_leaves_the_hips(axis: str, degrees: float) -> None:
    pose = {"Spine": turn(axis, degrees / 2), "Chest": turn(axis, degrees / 2)}
    errors = space_errors(pose, ["Hips", "Spine", "Chest", "LeftUpperArm", "RightUpperArm"])
    assert max(errors.values()) < (0.5 if axis == "y" else 8.0)
    assert errors["Chest"] < 0.5


def test_a_performer_turned_round_turns_the_hips_and_all_else_with_them() -> None:
    pose = {"Hips": turn("y", 130.0) @ turn("x", 15.0)} | both_sides("UpperArm", "z", 70.0)
    assert max(space_errors(pose, ["Hips", "Chest", "Head", "LeftHand", "RightUpperLeg"]).values()) < 1.0


@pytest.mark.parametrize("knee", [45.0, 90.0])
def test_a_bent_knee_and_a_lifted_leg_are_found(knee: float) -> None:
    pose = {"LeftUpperLeg": turn("x", -60.0) @ turn("y", 20.0), "LeftLowerLeg": turn("x", knee)}
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 0.5, name
    assert degrees_between(matrix_of(local(solved, Bone.RIGHT_UPPER_LEG)), np.eye(3)) < 0.5


def test_random_poses_within_a_bodys_limits_come_back_within_a_degree() -> None:
    rng = np.random.default_rng(11)
    poses = [_random_pose(rng) for _ in range(200)]
    solved = solve(film_all(poses, face=Face()))
    errors = [
        degrees_between(spaces(pose)[name][0], solved_space(solved, bone_named(name), frame))
        for frame, pose in enumerate(poses)
        for name in ("Chest", "Head", "LeftUpperArm", "RightUpperArm", "LeftHand", "RightHand", "LeftIndexIntermediate")
    ]
    assert np.mean(errors) <= 1.0
    assert np.max(errors) <= 5.0


def _random_pose(rng: np.random.Generator) -> dict[str, Matrix]:
    pose = {"Hips": turn("y", rng.uniform(-60, 60)), "Chest": turn("y", rng.uniform(-25, 25)),
            "Head": turn("y", rng.uniform(-40, 40)) @ turn("x", rng.uniform(-20, 20))}  # fmt: skip
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        pose[f"{side}UpperArm"] = turn("z", sign * rng.uniform(-50, 80)) @ turn("y", sign * rng.uniform(-20, 70))
        pose[f"{side}UpperArm"] = pose[f"{side}UpperArm"] @ turn("x", rng.uniform(-70, 70))
        pose[f"{side}LowerArm"] = turn("y", sign * rng.uniform(35, 130))
        pose[f"{side}Hand"] = turn("z", sign * rng.uniform(-40, 40)) @ turn("x", rng.uniform(-60, 60))
        for finger in FINGERS:
            pose[f"{side}{finger}Proximal"] = turn("z", sign * rng.uniform(0, 60))
            pose[f"{side}{finger}Intermediate"] = turn("z", sign * rng.uniform(0, 90))
    return pose


def test_a_mirrored_performer_gives_the_mirrored_pose() -> None:
    pose = {"LeftUpperArm": turn("z", 40.0) @ turn("y", 20.0), "LeftLowerArm": turn("y", 70.0), "Head": turn("y", 25.0)}
    there, back = solve_pose(pose, Face(left_eye=0.1)), solve(_mirror(film_all([pose], face=Face(left_eye=0.1))))
    for left in Bone:
        right = Bone[left.name.replace("LEFT_", "?").replace("RIGHT_", "LEFT_").replace("?", "RIGHT_")]
        expected = local(there, left) * [1, -1, -1, 1]
        np.testing.assert_allclose(local(back, right), expected, atol=2e-3, err_msg=left.name)
    assert there.shapes[0, Blendshape.EYE_BLINK_LEFT] > 0.9 > 0.1 > there.shapes[0, Blendshape.EYE_BLINK_RIGHT]
    assert back.shapes[0, Blendshape.EYE_BLINK_RIGHT] > 0.9 > 0.1 > back.shapes[0, Blendshape.EYE_BLINK_LEFT]


def _mirror(batch: FrameBatch) -> FrameBatch:
    frame = batch.frame(0)
    return FrameBatch.from_frames(
        [
            replace(
                frame,
                pose=_flip(frame.pose, POSE_MIRROR, around=0.5),
                pose_world=_flip(frame.pose_world, POSE_MIRROR, around=0.0),
                face=_flip(frame.face, FACE_MIRROR, around=0.5),
                left_hand=_flip(frame.right_hand, np.arange(21), around=0.5),
                right_hand=_flip(frame.left_hand, np.arange(21), around=0.5),
            )
        ]
    )


def _flip(points: NDArray[np.float32] | None, order: NDArray[np.intp], around: float) -> NDArray[np.float32]:
    assert points is not None
    flipped = points[order]
    flipped[:, 0] = 2.0 * around - flipped[:, 0]
    return flipped


def test_a_mirrored_picture_of_a_performer_gives_the_performers_own_pose() -> None:
    pose = {"RightUpperArm": turn("z", -40.0), "Head": turn("y", 25.0), "RightIndexProximal": turn("z", -50.0)}
    batch = film_all([pose], face=Face(right_eye=0.1))
    frame = batch.frame(0)
    everyone = np.arange(478)
    mirrored = replace(
        frame,
        mirrored=True,
        pose=_flip(frame.pose, everyone[:33], around=0.5),
        face=_flip(frame.face, everyone, around=0.5),
        left_hand=_flip(frame.left_hand, everyone[:21], around=0.5),
        right_hand=_flip(frame.right_hand, everyone[:21], around=0.5),
    )
    expected, found = solve(batch), solve(FrameBatch.from_frames([mirrored]))
    np.testing.assert_allclose(found.rotations, expected.rotations, atol=2e-3)
    np.testing.assert_allclose(found.shapes, expected.shapes, atol=2e-3)
    without_world = solve(FrameBatch.from_frames([replace(mirrored, pose_world=None)]))
    np.testing.assert_allclose(without_world.rotations, expected.rotations, atol=5e-3)


def test_without_world_landmarks_the_picture_alone_gives_the_pose() -> None:
    pose = {"LeftUpperArm": turn("z", 50.0), "RightLowerArm": turn("y", -80.0)}
    solved = solve(FrameBatch.from_frames([replace(film(pose), pose_world=None)]))
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 1.0


@pytest.mark.parametrize("missing", ["pose", "left_hand", "right_hand", "face", "everything"])
def test_what_is_missing_leaves_its_bones_out_and_spoils_no_other(missing: str) -> None:
    frame = film({"LeftUpperArm": turn("z", 30.0)}, face=Face())
    gone = {
        "pose": {"pose": None, "pose_world": None},
        "everything": dict.fromkeys(("pose", "pose_world", "face", "left_hand", "right_hand")),
    }.get(missing, {missing: None})
    whole = solve(FrameBatch.from_frames([frame]))
    solved = solve(FrameBatch.from_frames([replace(frame, **gone)]))  # type: ignore[arg-type]
    absent = np.isnan(solved.rotations[0]).any(axis=1)
    np.testing.assert_array_equal(absent, np.isnan(solved.rotations[0]).all(axis=1))
    assert absent[Bone.LEFT_INDEX_PROXIMAL] == (missing in ("left_hand", "everything"))
    assert absent[Bone.RIGHT_HAND] == (missing in ("pose", "right_hand", "everything"))
    assert absent[Bone.LEFT_UPPER_ARM] == (missing in ("pose", "everything"))
    assert np.isnan(solved.shapes[0]).all() == (missing in ("face", "everything"))
    shared = [Bone.NECK, Bone.HEAD, Bone.LEFT_LOWER_ARM, Bone.RIGHT_LOWER_ARM]
    kept = np.flatnonzero(~absent & ~np.isin(np.arange(len(Bone)), shared))
    np.testing.assert_allclose(solved.rotations[0, kept], whole.rotations[0, kept], atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_spoiled_landmark_never_becomes_a_spoiled_rotation(value: float) -> None:
    frame = film({}, face=Face())
    for part in (frame.pose, frame.pose_world, frame.left_hand, frame.right_hand, frame.face):
        assert part is not None
        part[::2, :3] = value
    solved = solve(FrameBatch.from_frames([frame]))
    lengths = np.linalg.norm(solved.rotations[0], axis=-1)
    assert np.all(np.isnan(lengths) | (np.abs(lengths - 1.0) < 1e-4))
    assert not np.isinf(solved.shapes).any()


def test_legs_out_of_the_picture_are_left_out() -> None:
    frame = film({})
    assert frame.pose_world is not None
    frame.pose_world[25:, 3] = 0.05
    solved = solve(FrameBatch.from_frames([frame]))
    assert np.isnan(local(solved, Bone.LEFT_UPPER_LEG)).all()
    assert np.isfinite(local(solved, Bone.HIPS)).all()


def test_frames_solved_together_and_one_by_one_agree() -> None:
    rng = np.random.default_rng(3)
    batch = film_all([_random_pose(rng) for _ in range(7)], face=Face())
    together = solve(batch)
    for row in range(len(batch)):
        np.testing.assert_allclose(solve(batch.take([row])).rotations[0], together.rotations[row], atol=1e-12)
