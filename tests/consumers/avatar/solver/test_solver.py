"""A puppet posed by known rotations comes back out of the solver in the same pose."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.solve import Solver, solve
from keypoints import FrameBatch
from keypoints.landmarks import FACE_MIRROR, POSE_MIRROR, PoseLandmark
from tests.consumers.avatar.oracle import pose_arm, random_poses
from tests.consumers.avatar.posing import (
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
    degrees_between,
    film,
    film_all,
    matrix_of,
    turn,
)

ARM_AXIS = {"Left": np.array([-1.0, 0.0, 0.0]), "Right": np.array([1.0, 0.0, 0.0])}
NEVER_SOLVED = {Bone.LEFT_EYE, Bone.RIGHT_EYE, Bone.JAW}
"""The puppet's face has no irises, and no bone of a jaw."""


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


@pytest.mark.parametrize(
    ("axis", "degrees"), [("y", -45.0), ("y", 45.0), ("y", 90.0), ("z", -90.0), ("z", -45.0), ("z", 45.0), ("z", 90.0)]
)
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_an_arm_turned_alone_is_found_exactly(side: str, axis: str, degrees: float) -> None:
    sign = 1.0 if side == "Left" else -1.0
    pose = pose_arm(side, turn(axis, sign * degrees))
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 1.0, name
    other = "Right" if side == "Left" else "Left"
    for name in (f"{other}UpperArm", f"{other}Shoulder", "UpperChest"):
        assert degrees_between(matrix_of(local(solved, bone_named(name))), np.eye(3)) < 1.0, name


@pytest.mark.parametrize("degrees", [45.0, 90.0])
@pytest.mark.parametrize("twist", [-90.0, -45.0, 0.0, 45.0, 90.0])
def test_a_bent_elbow_shows_the_bend_and_the_twist_of_the_upper_arm(degrees: float, twist: float) -> None:
    pose = both_sides("LowerArm", "y", degrees) | both_sides("UpperArm", "x", twist)
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 0.5, name


@pytest.mark.parametrize(("axis", "degrees"), [("y", 45.0), ("y", 90.0), ("z", -90.0), ("z", -45.0), ("z", 45.0)])
def test_a_forearm_points_where_it_points_whatever_the_upper_arm_has_to_do(axis: str, degrees: float) -> None:
    pose = both_sides("LowerArm", axis, degrees)
    for side in ("Left", "Right"):
        assert direction_error(pose, f"{side}LowerArm", ARM_AXIS[side]) < 0.5
        assert direction_error(pose, f"{side}UpperArm", ARM_AXIS[side]) < 0.5
        assert space_errors(pose, [f"{side}Hand"])[f"{side}Hand"] < 0.5


def test_an_elbow_bent_the_wrong_way_is_not_followed() -> None:
    bent = local(solve_pose(both_sides("LowerArm", "y", -45.0)), Bone.LEFT_LOWER_ARM)
    assert degrees_between(matrix_of(bent), np.eye(3)) < 20.0


def test_a_bending_arm_turns_without_a_jump_from_straight_to_bent() -> None:
    angles = np.arange(0.0, 90.0, 1.0)
    solved = solve(
        film_all([both_sides("LowerArm", "y", float(a)) | both_sides("UpperArm", "x", 90.0) for a in angles])
    )
    for bone in (Bone.LEFT_UPPER_ARM, Bone.RIGHT_LOWER_ARM):
        matrices = [matrix_of(rotation) for rotation in solved.rotations[:, bone]]
        assert max(degrees_between(now, after) for now, after in pairwise(matrices)) < 8.0


def test_a_straight_arm_turned_over_by_its_hand_turns_in_the_shoulder_too() -> None:
    solved = solve_pose(both_sides("Hand", "x", 90.0))
    assert degrees_between(matrix_of(local(solved, Bone.LEFT_UPPER_ARM)), turn("x", 30.0)) < 1.0
    assert degrees_between(matrix_of(local(solved, Bone.RIGHT_LOWER_ARM)), turn("x", 30.0)) < 1.0
    assert degrees_between(solved_space(solved, Bone.LEFT_HAND), turn("x", 90.0)) < 0.5


@pytest.mark.parametrize(("axis", "degrees"), [("y", 35.0), ("z", -20.0)])
def test_a_turn_of_the_waist_is_shared_by_the_spine_and_leaves_the_hips(axis: str, degrees: float) -> None:
    pose = dict.fromkeys(("Spine", "Chest", "UpperChest"), turn(axis, degrees / 3))
    errors = space_errors(pose, ["Hips", "Spine", "Chest", "UpperChest", "LeftUpperArm", "RightUpperArm"])
    assert max(errors.values()) < 1.0


def test_a_performer_turned_round_turns_the_hips_and_all_else_with_them() -> None:
    pose = {"Hips": turn("y", 130.0) @ turn("x", 15.0)} | both_sides("UpperArm", "z", 70.0)
    assert max(space_errors(pose, ["Hips", "UpperChest", "Head", "LeftHand", "RightUpperLeg"]).values()) < 1.0


@pytest.mark.parametrize(("back_share", "knee", "least", "most"), [(1.0, 0.0, 0.3, 0.75), (0.0, 60.0, -0.02, 0.02)])
def test_who_stands_bows_with_the_back_and_who_squats_with_the_hips(
    back_share: float, knee: float, least: float, most: float
) -> None:
    """The share of the trunk's bend that lies in the spine."""
    hips = turn("x", 40.0 * (1.0 - 0.5 * back_share))
    pose = {"Hips": hips, **both_sides("UpperLeg", "x", -40.0 * (1.0 - 0.5 * back_share) - knee)}
    pose |= both_sides("LowerLeg", "x", 2.0 * knee)
    pose |= dict.fromkeys(("Spine", "Chest", "UpperChest"), turn("x", 20.0 * back_share))
    solved = solve_pose(pose)
    chest, pelvis = (solved_space(solved, bone) @ [0.0, 1.0, 0.0] for bone in (Bone.UPPER_CHEST, Bone.HIPS))
    bent, carried = (np.degrees(np.arctan2(up[2], up[1])) for up in (chest, pelvis))
    assert bent > 35.0
    assert least <= (bent - carried) / bent <= most


@pytest.mark.parametrize(("axis", "degrees"), [("x", 25.0), ("z", 15.0), ("z", -15.0)])
def test_who_leans_at_a_desk_bends_the_back_and_does_not_tip_over_like_a_board(axis: str, degrees: float) -> None:
    frame = film({"Hips": turn(axis, degrees)})
    assert frame.pose_world is not None
    frame.pose_world[PoseLandmark.LEFT_HIP :, 3] = 0.05
    solved = solve(FrameBatch.from_frames([frame]))
    assert degrees_between(solved_space(solved, Bone.UPPER_CHEST), turn(axis, degrees)) < 1.0
    assert degrees_between(solved_space(solved, Bone.HIPS), np.eye(3)) < 0.45 * abs(degrees)


def test_one_raised_arm_lifts_its_shoulder_and_leaves_the_chest_upright() -> None:
    pose = pose_arm("Right", turn("z", 80.0)) | {"LeftUpperArm": turn("z", 80.0)}
    errors = space_errors(pose, ["Hips", "UpperChest", "LeftShoulder", "RightShoulder", "RightUpperArm"])
    assert max(errors.values()) < 1.0


def test_one_shrugged_shoulder_is_raised_and_hardly_tilts_the_chest() -> None:
    pose = {"LeftShoulder": turn("z", -15.0), "LeftUpperArm": turn("z", 95.0), "RightUpperArm": turn("z", -80.0)}
    solved = solve_pose(pose)
    higher = (solved_space(solved, Bone.LEFT_SHOULDER) @ [-1.0, 0.0, 0.0])[1]
    lower = (solved_space(solved, Bone.RIGHT_SHOULDER) @ [1.0, 0.0, 0.0])[1]
    assert higher - lower > np.sin(np.radians(6.0))
    assert degrees_between(solved_space(solved, Bone.UPPER_CHEST), np.eye(3)) < 5.0


@pytest.mark.parametrize("hidden", ["LEFT_SHOULDER", "RIGHT_HIP"])
def test_a_hidden_shoulder_or_hip_that_is_guessed_wrong_does_not_spin_the_trunk(hidden: str) -> None:
    frame = film(both_sides("UpperArm", "z", 80.0))
    assert frame.pose_world is not None
    frame.pose_world[PoseLandmark[hidden]] += [0.0, 0.0, 0.3, -0.95]
    solved = solve(FrameBatch.from_frames([frame]))
    for bone in (Bone.HIPS, Bone.UPPER_CHEST):
        ahead = solved_space(solved, bone) @ [0.0, 0.0, 1.0]
        assert abs(np.degrees(np.arctan2(ahead[0], ahead[2]))) < 3.0


@pytest.mark.parametrize("degrees", [-30.0, 20.0, 40.0])
def test_a_straight_leg_is_turned_as_its_foot_is(degrees: float) -> None:
    pose = both_sides("UpperLeg", "y", degrees)
    errors = space_errors(pose, ["LeftUpperLeg", "RightUpperLeg", "LeftLowerLeg", "RightFoot"])
    assert max(errors.values()) < 0.5


@pytest.mark.parametrize("degrees", [15.0, 35.0])
def test_who_stands_on_tiptoe_bends_the_toes(degrees: float) -> None:
    pose = both_sides("Foot", "x", degrees) | both_sides("Toes", "x", -degrees)
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 1.0, name


def test_a_foot_that_hangs_in_the_air_keeps_its_toes_straight() -> None:
    pose = {"LeftUpperLeg": turn("x", -50.0), "LeftLowerLeg": turn("x", 50.0), "LeftFoot": turn("x", 35.0)}
    solved = solve_pose(pose)
    assert degrees_between(matrix_of(local(solved, Bone.LEFT_TOES)), np.eye(3)) < 0.5
    assert degrees_between(matrix_of(local(solved, Bone.LEFT_FOOT)), turn("x", 35.0)) < 0.5


@pytest.mark.parametrize("knee", [45.0, 90.0])
def test_a_bent_knee_and_a_lifted_leg_are_found(knee: float) -> None:
    pose = {"LeftUpperLeg": turn("x", -60.0) @ turn("y", 20.0), "LeftLowerLeg": turn("x", knee)}
    solved = solve_pose(pose)
    for name, true in pose.items():
        assert degrees_between(matrix_of(local(solved, bone_named(name))), true) < 0.5, name
    assert degrees_between(matrix_of(local(solved, Bone.RIGHT_UPPER_LEG)), np.eye(3)) < 0.5


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
    shared = [Bone.NECK, Bone.HEAD, *(b for b in Bone if b.name.endswith("_ARM"))]
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


def test_damaged_landmarks_give_unit_rotations_or_none_and_no_place_out_of_bounds() -> None:
    rng = np.random.default_rng(8)
    solver = Solver(3)
    solver.keep_feet(1, True)
    for _ in range(60):
        batch = film_all(random_poses(3, seed=int(rng.integers(5))), face=Face())
        for part in (batch.pose, batch.pose_world, batch.face, batch.left_hand, batch.right_hand):
            damaged = rng.random(part.shape) < rng.choice([0.02, 0.3, 0.9])
            part[damaged] = rng.choice([np.nan, np.inf, 0.0, 1e30, -5.0])
        batch.pose_world_present[:] = rng.random(3) < 0.7
        solved = solver.solve(batch, np.arange(3))
        lengths = np.linalg.norm(solved.rotations, axis=-1)
        assert np.all(np.isnan(lengths) | (np.abs(lengths - 1.0) < 1e-4))
        assert not np.isinf(solved.root_m).any()
        assert np.isnan(solved.root_m).any(axis=1).tolist() == np.isnan(solved.root_m).all(axis=1).tolist()


def test_no_frames_at_all_are_solved_to_nothing() -> None:
    nobody = film_all([{}]).take([])
    assert len(solve(nobody).rotations) == 0
    assert len(Solver(1).solve(nobody, np.array([], dtype=np.intp)).root_m) == 0


def test_legs_out_of_the_picture_are_left_out() -> None:
    frame = film(both_sides("UpperLeg", "x", -40.0))
    assert frame.pose_world is not None
    frame.pose_world[PoseLandmark.LEFT_KNEE :, 3] = 0.05
    solved = solve(FrameBatch.from_frames([frame]))
    legs = [bone for bone in Bone if bone.name.endswith(("LEG", "FOOT", "TOES"))]
    assert np.isnan(solved.rotations[0, legs]).all()
    assert np.isfinite(local(solved, Bone.HIPS)).all()
    np.testing.assert_allclose(solved.root_m[0], 0.0, atol=0.01)


def test_legs_vanish_little_by_little_and_never_jump() -> None:
    frames = []
    for visibility in np.linspace(0.0, 1.0, 101):
        frame = film(both_sides("UpperLeg", "x", -60.0) | both_sides("LowerLeg", "x", 60.0))
        assert frame.pose_world is not None
        frame.pose_world[PoseLandmark.LEFT_KNEE :, 3] = visibility
        frames.append(frame)
    thighs = solve(FrameBatch.from_frames(frames)).rotations[:, Bone.LEFT_UPPER_LEG]
    seen = np.flatnonzero(np.isfinite(thighs[:, 0]))
    assert 10 < seen[0] < 30
    matrices = [matrix_of(rotation) for rotation in thighs[seen]]
    assert degrees_between(matrices[0], np.eye(3)) < 3.0
    assert degrees_between(matrices[-1], turn("x", -60.0)) < 0.5
    assert max(degrees_between(now, after) for now, after in pairwise(matrices)) < 6.0


def test_frames_solved_together_and_one_by_one_agree() -> None:
    batch = film_all(random_poses(7, seed=3), face=Face())
    together = solve(batch)
    for row in range(len(batch)):
        np.testing.assert_allclose(solve(batch.take([row])).rotations[0], together.rotations[row], atol=1e-12)
