"""Hips go where performers go, and feet stay on the floor."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.humanoid.kinematics import place_bones
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.root import place_soles
from consumers.avatar.solver.solve import Solver, solve
from consumers.avatar.states import SolvedMotion
from keypoints import FrameBatch
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import Joint
from performers.noise import Noise
from performers.performer import Performer, Stage

FPS = 30
WIDE = Camera(distance_m=3.6, vertical_view_deg=43.0)
_FLIP = np.array([-1.0, 1.0, 1.0])


def act(kind: ActKind, seconds: float = 6.0, camera: Camera = WIDE, noise: float = 0.0) -> Performer:
    return Performer("p", [Act(kind, 0.5, seconds)], seed=3, stage=Stage(camera=camera, noise=Noise(noise)))


def follow(solver: Solver, batch: FrameBatch, slot: int = 0) -> SolvedMotion:
    """One frame after the other, in one slot."""
    solved = [solver.solve(batch.take([row]), np.array([slot])) for row in range(len(batch))]
    return SolvedMotion(*(np.concatenate([getattr(one, name) for one in solved])
                          for name in ("rotations", "shapes", "root_m")))  # fmt: skip


def watch(performer: Performer, seconds: float = 6.0) -> tuple[SolvedMotion, NDArray[np.float64]]:
    """What is solved of a performer, and float64[N, 3] how far the hips truly are from where they began."""
    at_s = np.arange(0.0, seconds, 1 / FPS, dtype=np.float64)
    hips_m = performer.truth(at_s).positions[:, Joint.HIPS] * _FLIP
    return follow(Solver(1), performer.batch(at_s)), hips_m - hips_m[0]


def lowest_sole_m(solved: SolvedMotion) -> NDArray[np.float64]:
    rotations = np.where(np.isfinite(solved.rotations), solved.rotations, [0.0, 0.0, 0.0, 1.0])
    soles = place_soles(*place_bones(rotations, solved.root_m))
    lowest: NDArray[np.float64] = soles[..., 1].min(axis=(1, 2))
    return lowest


def test_a_performer_who_stands_still_stays_where_they_are() -> None:
    solved, _ = watch(Performer("p", seed=3, stage=Stage(camera=WIDE, noise=Noise(0.0))))
    assert np.abs(solved.root_m).max() < 0.04


def test_who_walks_across_the_stage_crosses_the_avatars_stage() -> None:
    solved, true_m = watch(act(ActKind.WALK))
    seen = np.isfinite(solved.root_m[:, 0])
    assert np.ptp(true_m[seen, 0]) > 1.0
    np.testing.assert_allclose(solved.root_m[seen, 0], true_m[seen, 0], atol=0.12)
    assert np.abs(solved.root_m[seen, 2]).max() < 0.25


@pytest.mark.parametrize("kind", [ActKind.SQUAT, ActKind.SIT, ActKind.HALF_SQUAT])
def test_who_squats_or_sits_lowers_the_hips_and_keeps_the_feet_on_the_floor(kind: ActKind) -> None:
    solved, true_m = watch(act(kind))
    assert true_m[:, 1].min() < -0.1
    np.testing.assert_allclose(solved.root_m[:, 1], true_m[:, 1], atol=0.06)
    assert np.abs(lowest_sole_m(solved)).max() < 0.03


def test_who_jumps_leaves_the_floor_and_comes_back_to_it() -> None:
    solved, true_m = watch(act(ActKind.JUMP))
    at_top = int(true_m[:, 1].argmax())
    assert true_m[at_top, 1] > 0.15
    assert lowest_sole_m(solved)[at_top] > 0.6 * true_m[at_top, 1]
    assert np.abs(lowest_sole_m(solved)[-20:]).max() < 0.03


def test_who_comes_nearer_comes_forward() -> None:
    roots = []
    solver = Solver(1)
    for distance_m in np.repeat([3.6, 3.2], 15):
        camera = Camera(distance_m=float(distance_m), vertical_view_deg=43.0)
        performer = Performer("p", seed=3, stage=Stage(camera=camera, noise=Noise(0.0)))
        roots.append(solver.solve(performer.batch(np.zeros(1)), np.array([0])).root_m[0])
    assert roots[-1][2] == pytest.approx(0.4, abs=0.06)
    assert abs(roots[-1][0]) < 0.03
    assert abs(roots[-1][1]) < 0.03


def test_at_a_desk_there_is_a_sway_and_no_more() -> None:
    solved, _ = watch(act(ActKind.WAVE, camera=Camera.at_desk()))
    seen = np.isfinite(solved.root_m[:, 0])
    assert seen.mean() > 0.9
    assert np.abs(solved.root_m[seen]).max() < 0.08
    legs = [bone for bone in Bone if bone.name.endswith(("LEG", "FOOT", "TOES"))]
    assert np.isnan(solved.rotations[:, legs]).all()


def test_noise_of_landmarks_hardly_moves_who_stands() -> None:
    solved, _ = watch(Performer("p", seed=4, stage=Stage(camera=WIDE)))
    assert np.std(np.diff(solved.root_m, axis=0), axis=0).max() < 0.02
    assert lowest_sole_m(solved).max() < 0.05


def test_a_slot_used_again_begins_anew_and_slots_do_not_meet() -> None:
    walking, standing = act(ActKind.WALK), Performer("q", seed=9, stage=Stage(camera=WIDE, noise=Noise(0.0)))
    solver = Solver(1)
    at_s = np.arange(0.5, 2.0, 1 / FPS, dtype=np.float64)
    there = follow(solver, walking.batch(at_s)).root_m[-1]
    solver.grow(3)
    here = follow(solver, standing.batch(at_s), slot=2).root_m[-1]
    assert abs(there[0]) > 0.3
    assert abs(here[0]) < 0.05
    solver.reset(np.array([0]))
    again = solver.solve(walking.batch(at_s[-1:]), np.array([0])).root_m[0]
    np.testing.assert_allclose(again[[0, 2]], 0.0, atol=1e-9)


def test_performers_solved_together_and_alone_are_where_they_are() -> None:
    cast = [act(ActKind.WALK), act(ActKind.SQUAT), act(ActKind.WAVE, camera=Camera.at_desk())]
    together, alone = Solver(3), Solver(3)
    for at_s in np.arange(1.0, 1.5, 1 / FPS):
        batches = [performer.batch(np.array([at_s])) for performer in cast]
        frames = FrameBatch.from_frames([batch.frame(0) for batch in batches])
        all_at_once = together.solve(frames, np.arange(3))
        for slot, batch in enumerate(batches):
            one = alone.solve(batch, np.array([slot]))
            np.testing.assert_allclose(one.root_m[0], all_at_once.root_m[slot], atol=1e-9)
            np.testing.assert_allclose(one.rotations[0], all_at_once.rotations[slot], atol=1e-9)


def test_in_a_mirrored_picture_a_performer_goes_the_same_way() -> None:
    batch = act(ActKind.WALK).batch(np.arange(0.0, 2.0, 1 / FPS, dtype=np.float64))
    there = follow(Solver(1), batch).root_m
    batch.mirrored[:] = True
    batch.pose[..., 0] = 1.0 - batch.pose[..., 0]
    np.testing.assert_allclose(follow(Solver(1), batch).root_m, there, atol=1e-3)


def test_nobody_has_no_place() -> None:
    batch = act(ActKind.IDLE).batch(np.zeros(1))
    batch.pose_present[:] = batch.pose_world_present[:] = False
    assert np.isnan(solve(batch).root_m).all()
    assert np.isnan(Solver(1).solve(batch, np.array([0])).root_m).all()
