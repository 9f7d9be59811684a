"""Heads of puppets, performers and recorded people, with a face mesh and without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import angle_between
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.head import solve_head
from consumers.avatar.solver.head_keeper import HeadKeeper
from consumers.avatar.solver.landmarks_in_unity import place_in_unity
from consumers.avatar.solver.solve import solve
from keypoints import FrameBatch
from keypoints.landmarks import FaceLandmark
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import Joint
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.consumers.avatar.posing import local, solve_pose, space_errors
from tests.consumers.avatar.puppet import Face, degrees_between, film, film_all, matrix_of, turn
from tests.consumers.avatar.recordings import read_pose_file


@pytest.mark.parametrize("with_face", [True, False])
@pytest.mark.parametrize(
    ("axis", "degrees"), [("y", 75.0), ("y", 40.0), ("y", -40.0), ("x", 45.0), ("x", -45.0), ("z", 15.0), ("z", -45.0)]
)
def test_a_turned_head_turns_with_and_without_a_face_mesh(axis: str, degrees: float, with_face: bool) -> None:
    pose = {"Head": turn(axis, degrees)}
    assert space_errors(pose, ["Head"], Face() if with_face else None)["Head"] < 1.0
    assert degrees_between(matrix_of(local(solve_pose(pose), Bone.NECK)), turn(axis, 0.4 * degrees)) < 1.0


def test_a_head_turns_no_further_than_necks_do_and_never_spins() -> None:
    angles = np.arange(0.0, 361.0, 3.0)
    solved = solve(film_all([{"Head": turn("y", float(angle))} for angle in angles]))
    turned = solved.rotations[:, Bone.NECK, :], solved.rotations[:, Bone.HEAD, :]
    for rotations in turned:
        assert np.degrees(angle_between(rotations[1:], rotations[:-1])).max() < 10.0
    neck_deg, head_deg = (2.0 * np.degrees(np.arcsin(np.abs(rotations[:, 1]))) for rotations in turned)
    assert (neck_deg + head_deg).max() == pytest.approx(80.0, abs=1.0)


def test_a_head_seen_from_behind_faces_away() -> None:
    pose = {"Hips": turn("y", 180.0), "Head": turn("y", 20.0)}
    assert space_errors(pose, ["Head"])["Head"] < 1.0


def test_a_head_that_is_not_seen_is_left_out() -> None:
    frame = film({})
    assert frame.pose_world is not None
    frame.pose_world[:11, 3] = 0.05
    solved = solve(FrameBatch.from_frames([frame]))
    assert np.isnan(local(solved, Bone.HEAD)).all()
    assert np.isnan(local(solved, Bone.NECK)).all()
    assert np.isfinite(local(solved, Bone.LEFT_UPPER_ARM)).all()
    face = film({}, face=Face()).face
    assert np.isfinite(local(solve(FrameBatch.from_frames([replace(frame, face=face)])), Bone.HEAD)).all()


@pytest.mark.parametrize("kind", [ActKind.HEAD_TURN, ActKind.NOD, ActKind.SHAKE, ActKind.SPEAK, ActKind.WALK])
@pytest.mark.parametrize("camera", [Camera(), Camera.at_desk(), Camera(height_m=1.7)])
def test_a_performers_head_is_seen_past_the_pictures_perspective(kind: ActKind, camera: Camera) -> None:
    at_s = np.arange(24, dtype=np.float64) / 4
    stage = Stage(camera=camera, noise=Noise(0.0))
    batch = Performer("p", [Act(kind, 0.0, 6.0)], seed=3, stage=stage).batch(at_s)
    stance = Performer("p", [Act(kind, 0.0, 6.0)], seed=3, stage=stage).stance(at_s)
    heads = solve_head(place_in_unity(batch))
    for row in np.flatnonzero(batch.face_present):
        true = _true_head(stance.rotations[:, :, :, row])
        assert degrees_between(true, matrix_of(heads[row])) < 2.0


def _true_head(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The head's rotation in Unity's space, whose x runs the other way than the stage's."""
    flip = np.diag([-1.0, 1.0, 1.0])
    head: NDArray[np.float64] = flip @ rotations[:, :, Joint.HEAD] @ flip
    return head


def test_a_still_head_is_steadier_than_by_a_few_points_of_its_face() -> None:
    """MediaPipe-like noise: against a basis of the line of the temples and that from nose to forehead."""
    at_s = np.arange(240, dtype=np.float64) / 30
    noisy, still = (
        place_in_unity(Performer("p", [Act(ActKind.T_POSE, 0.0, 8.0)], seed=3, stage=Stage(noise=noise)).batch(at_s))
        for noise in (Noise(), Noise(0.0))
    )
    unrest = np.degrees(angle_between(solve_head(noisy), solve_head(still)))
    few = [
        degrees_between(_basis_of_four(face), _basis_of_four(true))
        for face, true in zip(noisy.face, still.face, strict=True)
    ]
    assert np.sqrt(np.mean(unrest**2)) < 0.9 * np.sqrt(np.mean(np.square(few)))


def _basis_of_four(face: NDArray[np.float64]) -> NDArray[np.float64]:
    across = face[FaceLandmark.RIGHT_TEMPLE] - face[FaceLandmark.LEFT_TEMPLE]
    x = across / np.linalg.norm(across)
    z = np.cross(x, face[FaceLandmark.FOREHEAD_TOP] - face[FaceLandmark.NOSE_BOTTOM])
    z /= np.linalg.norm(z)
    return np.stack((x, np.cross(z, x), z), axis=-1)


def _hide_faces(batch: FrameBatch, rows: NDArray[np.bool_]) -> FrameBatch:
    return replace(batch, face_points=np.where(rows, 0, batch.face_points).astype(np.int16))


def _keep_in_turn(batch: FrameBatch) -> NDArray[np.float64]:
    keeper, slots = HeadKeeper(2), np.array([1])
    return np.concatenate([keeper.solve(slots, place_in_unity(batch.take([row]))) for row in range(len(batch))])


def test_a_recorded_head_does_not_nod_as_its_face_comes_and_goes(shared_data: Path) -> None:
    batch = read_pose_file(shared_data / "recordings" / "example.pose")
    assert batch.face_present.all()
    hidden = (np.arange(len(batch)) // 15) % 2 == 1
    edges = np.flatnonzero(hidden[1:] != hidden[:-1])
    seen, at_once = solve_head(place_in_unity(batch)), solve_head(place_in_unity(_hide_faces(batch, hidden)))
    kept = _keep_in_turn(_hide_faces(batch, hidden))
    np.testing.assert_array_equal(_keep_in_turn(batch), seen)
    assert _steps_deg(at_once)[edges].max() > 20.0
    assert _steps_deg(kept)[edges].max() < 7.0
    assert _steps_deg(kept).max() < 8.0
    assert angle_between(kept, seen)[hidden].mean() < 0.6 * angle_between(at_once, seen)[hidden].mean()


def test_a_face_that_is_found_in_a_single_frame_does_not_jerk_the_head() -> None:
    bowed = film({"Head": turn("x", 20.0)}, face=Face())
    upright = film({})
    frames = [replace(upright, face=bowed.face if row in (4, 9) else None) for row in range(16)]
    batch = FrameBatch.from_frames(frames)
    assert _steps_deg(solve_head(place_in_unity(batch))).max() > 19.0
    assert _steps_deg(_keep_in_turn(batch)).max() < 5.0


def _steps_deg(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    steps: NDArray[np.float64] = np.degrees(angle_between(rotations[1:], rotations[:-1]))
    return steps


def test_a_slot_used_again_forgets_the_head_before() -> None:
    bowed = place_in_unity(film_all([{"Head": turn("x", 30.0)}], face=Face()))
    wrong = replace(bowed, body=place_in_unity(film_all([{}])).body)
    faceless = place_in_unity(film_all([{}]))
    keeper = HeadKeeper()
    keeper.grow(3)
    keeper.grow(2)
    slots = np.array([2])
    keeper.solve(slots, wrong)
    assert np.degrees(angle_between(keeper.solve(slots, faceless), solve_head(faceless)))[0] > 25.0
    keeper.reset(slots)
    np.testing.assert_array_equal(keeper.solve(slots, faceless), solve_head(faceless))
