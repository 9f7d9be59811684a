"""A body whose joints end up where a hand calculation puts them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from performers.joints import LEVELS, PARENTS, SIDES, Joint, Side, sided
from performers.posture import Finger, Limb, Posture, Trunk
from performers.rotations import (
    FloatArray,
    compose,
    cos_sin,
    from_quaternion,
    inverse,
    rotate,
    to_quaternion,
    turn_about,
    turn_deg,
)
from performers.skeleton import Body, Stance, stand

BODY = Body(height_m=1.80)
UPPER_ARM_M = 0.172 * 1.80
FOREARM_M = 0.146 * 1.80
THIGH_M = 0.245 * 1.80
SHANK_M = 0.246 * 1.80


def hold(posture: Posture) -> Stance:
    return stand(BODY.offsets, posture.rotations())


def hold_limb(side: Side, **degrees: float) -> Stance:
    posture = Posture.rest(1)
    for name, value in degrees.items():
        posture.limbs[side, Limb[name]] = value
    return hold(posture)


def between(stance: Stance, start: Joint, end: Joint) -> FloatArray:
    return np.asarray((stance.positions[:, end] - stance.positions[:, start])[:, 0])


def draw_posture(seed: int, instants: int) -> Posture:
    chance = np.random.default_rng(seed)
    posture = Posture.rest(instants)
    for angles in (posture.trunk, posture.limbs, posture.fingers):
        angles[:] = chance.uniform(-80.0, 80.0, angles.shape)
    return posture


def angle_deg(one: NDArray[np.floating], other: NDArray[np.floating]) -> FloatArray:
    """Angles (N,) between vectors (3, N)."""
    crossed = np.cross(one, other, axis=0)
    return np.asarray(np.degrees(np.arctan2(np.sqrt((crossed**2).sum(axis=0)), (one * other).sum(axis=0))))


def test_at_rest_the_arms_are_level_and_the_legs_straight() -> None:
    stance = hold(Posture.rest(1))
    np.testing.assert_allclose(between(stance, Joint.LEFT_UPPER_ARM, Joint.LEFT_LOWER_ARM), [UPPER_ARM_M, 0, 0])
    np.testing.assert_allclose(between(stance, Joint.RIGHT_LOWER_ARM, Joint.RIGHT_HAND), [-FOREARM_M, 0, 0])
    np.testing.assert_allclose(between(stance, Joint.LEFT_UPPER_LEG, Joint.LEFT_LOWER_LEG), [0, -THIGH_M, 0])
    for side in SIDES:
        heel = stance.site(*BODY.sites[f"{side.name}_HEEL"])
        assert heel[1, 0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("side", "sign"), [(Side.LEFT, -1.0), (Side.RIGHT, 1.0)])
def test_an_arm_let_down_hangs_and_is_a_quarter_turn(side: Side, sign: float) -> None:
    stance = hold_limb(side, ARM_DOWN=90.0)
    hanging = between(stance, sided(side, "UPPER_ARM"), sided(side, "LOWER_ARM"))
    np.testing.assert_allclose(hanging, [0, -UPPER_ARM_M, 0], atol=1e-12)
    posture = Posture.rest(1)
    posture.limbs[side, Limb.ARM_DOWN] = 90.0
    quaternion = to_quaternion(posture.rotations())[:, sided(side, "UPPER_ARM"), 0]
    np.testing.assert_allclose(quaternion, [0, 0, sign * np.sqrt(0.5), np.sqrt(0.5)], atol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_a_hanging_arm_bent_at_the_elbow_points_forward_with_the_thumb_up(side: Side) -> None:
    stance = hold_limb(side, ARM_DOWN=90.0, ELBOW=90.0)
    forearm = between(stance, sided(side, "LOWER_ARM"), sided(side, "HAND"))
    np.testing.assert_allclose(forearm, [0, 0, FOREARM_M], atol=1e-12)
    thumb = between(stance, sided(side, "THUMB_PROXIMAL"), sided(side, "THUMB_DISTAL"))
    assert thumb[1] > 0.7 * np.linalg.norm(thumb)


@pytest.mark.parametrize("side", SIDES)
def test_hip_and_knee_bend_the_way_knees_do(side: Side) -> None:
    stance = hold_limb(side, HIP_FLEX=90.0, KNEE=90.0)
    thigh = between(stance, sided(side, "UPPER_LEG"), sided(side, "LOWER_LEG"))
    shank = between(stance, sided(side, "LOWER_LEG"), sided(side, "FOOT"))
    np.testing.assert_allclose(thigh, [0, 0, THIGH_M], atol=1e-12)
    np.testing.assert_allclose(shank, [0, -SHANK_M, 0], atol=1e-12)


@pytest.mark.parametrize(("side", "outwards"), [(Side.LEFT, 1.0), (Side.RIGHT, -1.0)])
def test_a_finger_curls_to_the_palm_and_spreads_to_the_thumb(side: Side, outwards: float) -> None:
    posture = Posture.rest(1)
    posture.fingers[side, Finger.INDEX_MCP] = 90.0
    posture.fingers[side, Finger.LITTLE_SPREAD] = 90.0
    stance = hold(posture)
    index = between(stance, sided(side, "INDEX_PROXIMAL"), sided(side, "INDEX_DISTAL"))
    little = between(stance, sided(side, "LITTLE_PROXIMAL"), sided(side, "LITTLE_DISTAL"))
    palm_down, thumb_forward = np.array([0, -1, 0]), np.array([0, 0, 1])
    np.testing.assert_allclose(index / np.linalg.norm(index), palm_down, atol=1e-12)
    np.testing.assert_allclose(little / np.linalg.norm(little), thumb_forward, atol=1e-12)
    middle = between(stance, sided(side, "MIDDLE_PROXIMAL"), sided(side, "MIDDLE_DISTAL"))
    assert middle[0] * outwards > 0


def test_turning_the_head_left_looks_to_the_persons_left() -> None:
    posture = Posture.rest(1)
    posture.trunk[Trunk.NECK_YAW] = 90.0
    facing = hold(posture).rotations[:, 2, Joint.HEAD, 0]
    np.testing.assert_allclose(facing, [1, 0, 0], atol=1e-12)


def test_bones_keep_their_length_in_any_posture() -> None:
    stance = hold(draw_posture(3, 200))
    for joint, parent in PARENTS.items():
        length = np.sqrt(((stance.positions[:, joint] - stance.positions[:, parent]) ** 2).sum(axis=0))
        np.testing.assert_allclose(length, np.linalg.norm(BODY.offsets[:, joint]), rtol=1e-12)


def test_elbow_knee_and_finger_angles_come_back_from_positions_to_a_hundredth_of_a_degree() -> None:
    posture = draw_posture(4, 300)
    chance = np.random.default_rng(5)
    bends = {"ELBOW": ("UPPER_ARM", "LOWER_ARM", "HAND"), "KNEE": ("UPPER_LEG", "LOWER_LEG", "FOOT")}
    for side in SIDES:
        for name in bends:
            posture.limbs[side, Limb[name]] = chance.uniform(0.0, 150.0, 300)
        posture.fingers[side, Finger.RING_PIP] = chance.uniform(0.0, 110.0, 300)
    stance = hold(posture)
    for side in SIDES:
        wanted = {joints: posture.limbs[side, Limb[name]] for name, joints in bends.items()}
        wanted["RING_PROXIMAL", "RING_INTERMEDIATE", "RING_DISTAL"] = posture.fingers[side, Finger.RING_PIP]
        for (above, hinge, below), degrees in wanted.items():
            upper = stance.positions[:, sided(side, hinge)] - stance.positions[:, sided(side, above)]
            lower = stance.positions[:, sided(side, below)] - stance.positions[:, sided(side, hinge)]
            np.testing.assert_allclose(angle_deg(upper, lower), degrees, atol=0.01)


def test_mirrored_angles_give_a_mirrored_body() -> None:
    posture = draw_posture(6, 50)
    posture.limbs[Side.RIGHT], posture.fingers[Side.RIGHT] = posture.limbs[Side.LEFT], posture.fingers[Side.LEFT]
    posture.trunk[:] = 0.0
    stance = hold(posture)
    for joint in Joint:
        if joint.name.startswith("LEFT"):
            other = Joint[joint.name.replace("LEFT", "RIGHT")]
            mirrored = stance.positions[:, other] * [[-1], [1], [1]]
            np.testing.assert_allclose(stance.positions[:, joint], mirrored, atol=1e-12)


def test_every_joint_but_the_hips_hangs_on_one_a_level_above() -> None:
    assert set(PARENTS) == set(Joint) - {Joint.HIPS}
    depth = {joint: level for level, joints in enumerate(LEVELS) for joint in joints}
    assert all(depth[parent] == depth[joint] - 1 for joint, parent in PARENTS.items())
    assert len(Joint) == 54


def test_quaternions_and_matrices_say_the_same() -> None:
    local = draw_posture(7, 100).rotations()
    quaternions = to_quaternion(local)
    np.testing.assert_allclose((quaternions**2).sum(axis=0), 1.0, atol=1e-12)
    np.testing.assert_allclose(from_quaternion(quaternions), local, atol=1e-12)
    assert (quaternions[3] >= 0).all()


def test_a_rotation_undone_leaves_things_as_they_were() -> None:
    axis = np.array([2.0, -1.0, 2.0])[:, None] / 3.0
    turned = turn_about(axis, np.array([37.0, -120.0]))
    vector = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    np.testing.assert_allclose(rotate(inverse(turned), rotate(turned, vector)), vector, atol=1e-12)
    about_z = turn_about(np.array([0.0, 0.0, 1.0])[:, None], np.array([50.0]))
    np.testing.assert_allclose(about_z, turn_deg(2, np.array([50.0])), atol=1e-12)
    np.testing.assert_allclose(compose(inverse(turned), turned)[:, :, 0], np.eye(3), atol=1e-12)


def test_a_sine_is_the_same_alone_and_among_others() -> None:
    angles = np.linspace(-7.0, 7.0, 1001)
    together = cos_sin(angles)
    for size in (1, 3, 8, 13):
        for start in range(0, 990, 97):
            alone = cos_sin(angles[start : start + size])
            assert alone[0].tobytes() == together[0][start : start + size].tobytes()
            assert alone[1].tobytes() == together[1][start : start + size].tobytes()
