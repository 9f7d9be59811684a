"""Feet that stand neither slide nor sink, when one asks for it."""

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.kinematics import place_bones
from consumers.avatar.humanoid.rotations import angle_between
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.ground import GroundContact
from consumers.avatar.solver.root import place_soles
from consumers.avatar.solver.solve import Solver
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.performer import Performer, Stage

FPS = 30
FEET = [Bone.LEFT_FOOT, Bone.RIGHT_FOOT]


def still(root_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses float64[N, 55, 4] of one who stands with bent knees."""
    pose = np.tile([0.0, 0.0, 0.0, 1.0], (len(root_m), len(Bone), 1))
    for bone, degrees in ((Bone.LEFT_UPPER_LEG, -20.0), (Bone.LEFT_LOWER_LEG, 40.0), (Bone.LEFT_FOOT, -20.0)):
        half = np.radians(degrees) / 2
        right = Bone[bone.name.replace("LEFT", "RIGHT")]
        pose[:, [bone, right]] = (np.sin(half), 0.0, 0.0, np.cos(half))
    return pose


def hold(rotations: NDArray[np.float64], root_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frame after frame, at 30 a second."""
    contact = GroundContact(1)
    return np.concatenate(
        [
            contact.hold(np.array([0]), rotations[row : row + 1], root_m[row : row + 1], np.array([row / FPS]))
            for row in range(len(rotations))
        ]
    )


def ankles(rotations: NDArray[np.float64], root_m: NDArray[np.float64]) -> NDArray[np.float64]:
    positions, _ = place_bones(rotations, root_m)
    return positions[:, FEET]


def lowest_m(rotations: NDArray[np.float64], root_m: NDArray[np.float64]) -> NDArray[np.float64]:
    lowest: NDArray[np.float64] = place_soles(*place_bones(rotations, root_m))[..., 1].min(axis=(1, 2))
    return lowest


def standing_height_m() -> float:
    return float(-lowest_m(still(np.zeros((1, 3))), np.zeros((1, 3)))[0])


def test_a_standing_foot_does_not_slide_as_the_hips_sway() -> None:
    at_s = np.arange(60) / FPS
    root_m = np.stack((0.05 * np.sin(2.0 * at_s), np.full(60, standing_height_m()), 0.03 * np.sin(3.0 * at_s)), axis=-1)
    loose = still(root_m)
    held = hold(loose, root_m)
    slid, stayed = ankles(loose, root_m)[5:], ankles(held, root_m)[5:]
    assert np.ptp(slid[:, 0, 0]) > 0.08
    assert np.ptp(stayed, axis=0)[:, [0, 2]].max() < 0.003
    assert np.abs(lowest_m(held, root_m)[5:]).max() < 0.005
    np.testing.assert_allclose(np.linalg.norm(held, axis=-1), 1.0, atol=1e-9)


def test_feet_keep_their_turn_in_space_and_the_knees_still_bend_forward() -> None:
    root_m = np.array([[0.0, standing_height_m(), 0.0], [0.03, standing_height_m(), 0.0], [0.05, 0.0, 0.0]])
    root_m[2, 1] = standing_height_m() - 0.05
    held = hold(still(root_m), root_m)
    _, spaces = place_bones(held, root_m)
    assert np.degrees(angle_between(spaces[:, FEET], np.array([0.0, 0.0, 0.0, 1.0]))).max() < 0.1
    assert (held[:, [Bone.LEFT_LOWER_LEG, Bone.RIGHT_LOWER_LEG], 0] > 0.1).all()


def test_a_foot_below_the_floor_is_lifted_to_it() -> None:
    root_m = np.tile([0.0, standing_height_m() - 0.08, 0.0], (3, 1))
    assert lowest_m(still(root_m), root_m).min() < -0.07
    assert np.abs(lowest_m(hold(still(root_m), root_m), root_m)).max() < 1e-3


def test_a_foot_that_steps_is_let_go_without_a_jump() -> None:
    at_s = np.arange(90) / FPS
    walked = np.where(at_s < 1.0, 0.08 * at_s, 0.08 + 1.2 * (at_s - 1.0))
    root_m = np.stack((np.zeros(90), np.full(90, standing_height_m()), walked), axis=-1)
    held = ankles(hold(still(root_m), root_m), root_m)[:, 0, 2]
    free = ankles(still(root_m), root_m)[:, 0, 2]
    assert np.ptp(held[2:25]) < 0.003
    assert np.diff(held).max() < 0.08
    np.testing.assert_allclose(held[-1], free[-1], atol=0.01)


def test_legs_not_seen_stay_unseen() -> None:
    root_m = np.tile([0.0, standing_height_m() - 0.05, 0.0], (4, 1))
    pose = still(root_m)
    pose[:, [Bone.LEFT_UPPER_LEG, Bone.LEFT_LOWER_LEG, Bone.LEFT_FOOT]] = np.nan
    held = hold(pose, root_m)
    np.testing.assert_array_equal(np.isnan(held), np.isnan(pose))


def test_who_stands_in_noise_slides_less_with_contact_than_without() -> None:
    batch = Performer("p", [Act(ActKind.WAVE, 0.5, 4.0)], seed=6, stage=Stage(camera=Camera(distance_m=3.4))).batch(
        np.arange(0.0, 4.0, 1 / FPS, dtype=np.float64)
    )
    wander = []
    for contact in (False, True):
        solver = Solver(1)
        solver.keep_feet(0, contact)
        solved = [solver.solve(batch.take([row]), np.array([0])) for row in range(len(batch))]
        rotations = np.concatenate([one.rotations for one in solved])
        root_m = np.concatenate([one.root_m for one in solved])
        rotations = np.where(np.isfinite(rotations), rotations, [0.0, 0.0, 0.0, 1.0])
        wander.append(np.abs(np.diff(ankles(rotations, root_m)[..., [0, 2]], axis=0)).mean())
    assert wander[1] < 0.3 * wander[0]
