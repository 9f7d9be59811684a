"""What is measured of a body, on made bodies and on performers: how they stand is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from consumers.analytics.facts import BodyFacts
from consumers.analytics.frame_facts import read_facts
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import Part, PoseLandmark
from performers import Act, ActKind, Joint, Noise, Performer, Stage
from tests.consumers.analytics.made_bodies import (
    HEIGHTS_PER_M,
    SHOULDER_WIDTH_M,
    TRUNK_M,
    Points,
    rotation,
    see_body,
    stand_up,
)

JOINTS = ("elbow", "shoulder", "hip", "knee", "ankle")
ANGLES = tuple(f"{side}_{joint}" for joint in JOINTS for side in ("left", "right"))
LEGS = {
    PoseLandmark[f"{side}_{name}"]: 0.1
    for side in ("LEFT", "RIGHT")
    for name in ("HIP", "KNEE", "ANKLE", "HEEL", "FOOT_INDEX")
}


def measure(frame: HolisticFrame) -> BodyFacts:
    body = read_facts(FrameBatch.from_frames([frame]))[0].body
    assert body is not None
    return body


def names_of_nan(body: BodyFacts) -> set[str]:
    return {name for name in BodyFacts._fields if np.isnan(getattr(body, name))}


def bend(body: Points, joint: str, ends: tuple[str, str], degrees: float, about: tuple[float, float, float]) -> Points:
    """The body with the left one of a joint's angles, between the way to `ends`, being `degrees`: what hangs on the
    second end is not moved along."""
    start, end = PoseLandmark[f"LEFT_{ends[0]}"], PoseLandmark[f"LEFT_{ends[1]}"]
    at = PoseLandmark[f"LEFT_{joint}"]
    bent = body.copy()
    across = np.cross(body[start] - body[at], about)
    way = body[start] - body[at]
    bent[end] = body[at] + 0.8 * rotation(tuple(across), degrees) @ way
    return bent


def angle_deg(places: NDArray[np.float64], start: Joint, at: Joint, end: Joint) -> NDArray[np.float64]:
    """(N,) at a joint of a performer, by the tangent."""
    one, other = places[:, start] - places[:, at], places[:, end] - places[:, at]
    sine = np.sqrt((np.cross(one, other) ** 2).sum(axis=1))
    return np.asarray(np.degrees(np.arctan2(sine, (one * other).sum(axis=1))))


@pytest.mark.parametrize(
    ("joint", "ends"),
    [
        ("ELBOW", ("SHOULDER", "WRIST")),
        ("SHOULDER", ("HIP", "ELBOW")),
        ("HIP", ("SHOULDER", "KNEE")),
        ("KNEE", ("HIP", "ANKLE")),
        ("ANKLE", ("KNEE", "FOOT_INDEX")),
    ],
)
@pytest.mark.parametrize("degrees", [0.5, 15.0, 60.0, 90.0, 135.0, 179.5])
def test_a_joint_bent_by_a_known_angle_has_that_angle(joint: str, ends: tuple[str, str], degrees: float) -> None:
    for about in ((1.0, 0.2, 0.1), (0.1, 0.3, 1.0)):
        body = measure(see_body(bend(stand_up(), joint, ends, degrees, about)))
        assert getattr(body, f"left_{joint.lower()}") == pytest.approx(degrees, abs=0.01)


def test_the_joints_of_performers_are_measured_as_they_truly_are() -> None:
    script = [Act(ActKind.WAVE, 0.5, 3.0), Act(ActKind.SQUAT, 4.0, 9.0), Act(ActKind.FALL, 10.0, 16.0)]
    performer = Performer("dancer", script, seed=5, stage=Stage(noise=Noise(0.0)))
    at_s = np.linspace(0.0, 17.0, 171)
    facts = read_facts(performer.batch(at_s))
    places = performer.truth(at_s).positions
    chains = {
        "elbow": ("UPPER_ARM", "LOWER_ARM", "HAND"),
        "shoulder": ("UPPER_LEG", "UPPER_ARM", "LOWER_ARM"),
        "hip": ("UPPER_ARM", "UPPER_LEG", "LOWER_LEG"),
        "knee": ("UPPER_LEG", "LOWER_LEG", "FOOT"),
    }
    for name, chain in chains.items():
        for side in ("left", "right"):
            start, at, end = (Joint[f"{side.upper()}_{joint}"] for joint in chain)
            measured = np.array([getattr(frame.body, f"{side}_{name}") for frame in facts])
            seen = ~np.isnan(measured)
            assert seen.mean() > 0.9
            np.testing.assert_allclose(measured[seen], angle_deg(places, start, at, end)[seen], atol=0.01)


@given(
    turned=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1), st.floats(-180, 180)),
    heights_per_m=st.floats(0.05, 1.5),
    hips_at=st.tuples(st.floats(-1, 3), st.floats(-1, 2)),
)
def test_how_a_body_is_turned_moved_or_far_away_changes_none_of_its_angles(
    turned: tuple[float, float, float, float], heights_per_m: float, hips_at: tuple[float, float]
) -> None:
    body = bend(stand_up(), "KNEE", ("HIP", "ANKLE"), 100.0, (1.0, 0.0, 0.0))
    turn = rotation(turned[:3], turned[3])
    reference = measure(see_body(body))
    seen = measure(see_body(body @ turn.T, heights_per_m=heights_per_m, hips_at=hips_at))
    for name in ANGLES:
        assert getattr(seen, name) == pytest.approx(getattr(reference, name), abs=0.01), name
    assert seen.symmetry == pytest.approx(reference.symmetry, abs=1e-4)
    assert seen.trunk_m == pytest.approx(TRUNK_M, rel=1e-5)
    assert seen.left_shin_m == pytest.approx(reference.left_shin_m, rel=1e-5)


@given(
    heights_per_m=st.floats(0.05, 1.5),
    hips_at=st.tuples(st.floats(-1, 3), st.floats(-1, 2)),
    size=st.sampled_from([(1920, 1080), (1080, 1920), (640, 480), (500, 500)]),
)
def test_what_is_in_body_scales_is_the_same_near_and_far_and_anywhere_in_any_image(
    heights_per_m: float, hips_at: tuple[float, float], size: tuple[int, int]
) -> None:
    reference = measure(see_body(stand_up()))
    seen = measure(see_body(stand_up(), heights_per_m=heights_per_m, hips_at=hips_at, width=size[0], height=size[1]))
    in_scales = [name for name in BodyFacts._fields if name.endswith(("_right", "_up", "_span", "head_drop"))]
    assert len(in_scales) == 19
    for name in (*in_scales, "head_turn", "trunk_lean", "symmetry"):
        assert getattr(seen, name) == pytest.approx(getattr(reference, name), abs=2e-3), name
    assert seen.scale == pytest.approx(heights_per_m * TRUNK_M, rel=1e-3)


def test_places_are_image_heights_and_up_and_right_are_the_images() -> None:
    body = measure(see_body(stand_up(), hips_at=(0.9, 0.6)))
    assert (body.hips_x, body.hips_y) == pytest.approx((0.9, 0.6), abs=1e-6)
    assert (body.shoulders_x, body.shoulders_y) == pytest.approx((0.9, 0.6 - HEIGHTS_PER_M * TRUNK_M), abs=1e-6)
    assert (body.nose_x, body.nose_y) == pytest.approx((0.9, 0.6 - HEIGHTS_PER_M * 0.7), abs=1e-6)
    assert (body.left_wrist_right, body.left_wrist_up) == pytest.approx((0.24 / TRUNK_M, -0.53 / TRUNK_M), abs=1e-5)
    assert (body.right_ankle_right, body.right_ankle_up) == pytest.approx((-0.11 / TRUNK_M, -0.84 / TRUNK_M), abs=1e-5)
    assert body.shoulder_span == pytest.approx(SHOULDER_WIDTH_M / TRUNK_M, abs=1e-5)
    assert body.head_turn == pytest.approx(0.0, abs=1e-5)
    assert body.head_drop == pytest.approx(0.02 / TRUNK_M, abs=1e-5)
    assert body.shoulder_width_m == pytest.approx(SHOULDER_WIDTH_M, rel=1e-5)


@pytest.mark.parametrize("degrees", [0, 30, 60, 90, 120, 180])
def test_the_body_scale_stays_when_the_person_turns_or_bends(degrees: float) -> None:
    upright, scale = stand_up(), HEIGHTS_PER_M * TRUNK_M
    turned = measure(see_body(upright @ rotation((0, 1, 0), degrees).T))
    assert turned.scale == pytest.approx(scale, rel=1e-4)
    assert turned.shoulder_span == pytest.approx(0.72 * np.cos(np.radians(degrees)), abs=1e-4)
    assert measure(see_body(upright @ rotation((1, 0, 0), degrees).T)).scale == pytest.approx(scale, rel=1e-4)


def test_the_body_scale_stays_within_a_tenth_for_a_performer_who_walks_squats_and_falls() -> None:
    script = [Act(ActKind.WALK, 1.0, 11.0), Act(ActKind.SQUAT, 12.0, 18.0), Act(ActKind.FALL, 19.0, 24.0)]
    facts = read_facts(Performer("walker", script, seed=4).batch(np.linspace(0.0, 25.0, 251)))
    scales = [frame.body.scale for frame in facts if frame.body]
    assert len(scales) > 230
    # The camera is 2.7 m away: who squats and leans to it is a tenth nearer.
    assert np.ptp(scales) / np.mean(scales) < 0.2


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, -90])
def test_the_trunk_leans_by_as_much_as_it_is_tilted_in_the_image(degrees: float) -> None:
    tilted = stand_up() @ rotation((0, 0, 1), degrees).T
    assert measure(see_body(tilted)).trunk_lean == pytest.approx(abs(degrees), abs=1e-3)


def test_the_head_turns_to_the_images_right_when_the_person_looks_to_their_left() -> None:
    body = stand_up()
    head = [mark for mark in PoseLandmark if mark <= PoseLandmark.MOUTH_RIGHT]
    body[head] = body[head] @ rotation((0, 1, 0), 40.0).T
    assert measure(see_body(body)).head_turn == pytest.approx(0.12 * np.sin(np.radians(40.0)) / 0.15, abs=1e-3)


def test_a_mirror_changes_the_way_a_person_faces_not_their_sides() -> None:
    frame = see_body(stand_up())
    pose = np.array(frame.pose)
    pose[:, 0] = 1.0 - pose[:, 0]
    mirrored = measure(replace(frame, pose=pose, mirrored=True))
    assert mirrored.shoulder_span == pytest.approx(measure(frame).shoulder_span, abs=1e-5)
    assert mirrored.left_wrist_right == pytest.approx(-measure(frame).left_wrist_right, abs=1e-5)


def test_the_centre_of_mass_of_who_stands_upright_is_a_little_above_the_hips() -> None:
    body = measure(see_body(stand_up()))
    above_m = (body.hips_y - body.centre_of_mass_y) / HEIGHTS_PER_M
    # By hand from the table of masses: the trunk's 0.497 at 0.25 m, the head's 0.081 at 0.72 m, arms and legs.
    arms_m = 2 * (0.028 * (0.5 - 0.436 * 0.28) + 0.016 * (0.22 - 0.430 * 0.25) + 0.006 * (-0.03 - 0.506 * 0.08))
    legs_m = 2 * (0.1 * -0.433 * 0.42 + 0.0465 * (-0.42 - 0.433 * 0.42) + 0.0145 * (-0.84 - 0.5 * 0.05))
    assert above_m == pytest.approx(0.497 * 0.25 + 0.081 * 0.72 + arms_m + legs_m, abs=1e-5)
    assert body.centre_of_mass_x == pytest.approx(body.hips_x, abs=1e-6)


def test_left_and_right_are_alike_in_a_mirror_image_and_not_with_one_arm_up() -> None:
    body = stand_up()
    assert measure(see_body(body)).symmetry == pytest.approx(1.0, abs=1e-5)
    body[PoseLandmark.LEFT_ELBOW] = (0.2, 0.8, 0.0)
    body[PoseLandmark.LEFT_WRIST] = (0.2, 1.05, 0.0)
    assert measure(see_body(body)).symmetry < 0.6


def test_a_landmark_that_is_hardly_visible_is_not_measured_nor_what_stands_on_it() -> None:
    body = measure(see_body(stand_up(), hidden={PoseLandmark.LEFT_WRIST: 0.49}))
    assert names_of_nan(body) == {"left_wrist_right", "left_wrist_up", "left_elbow", "left_forearm_m"}
    assert body.visibility == pytest.approx(1.0 - 0.51 / 33)


def test_of_a_pair_one_that_hides_the_other_is_enough() -> None:
    hidden = {PoseLandmark.LEFT_SHOULDER: 0.3, PoseLandmark.LEFT_HIP: 0.3, PoseLandmark.LEFT_EAR: 0.3}
    body, whole = measure(see_body(stand_up(), hidden=hidden)), measure(see_body(stand_up()))
    assert names_of_nan(body) == {
        "left_elbow", "left_shoulder", "left_hip", "left_knee", "left_upper_arm_m", "left_thigh_m",
    }  # fmt: skip
    for name in ("scale", "shoulders_x", "hips_y", "shoulder_span", "hip_span", "head_turn", "trunk_lean", "trunk_m"):
        assert getattr(body, name) == getattr(whole, name), name


def test_who_sits_at_a_desk_has_a_scale_and_arms_but_neither_legs_nor_a_centre_of_mass() -> None:
    body = measure(see_body(stand_up(), hidden=LEGS))
    assert body.scale == pytest.approx(HEIGHTS_PER_M * TRUNK_M, rel=1e-4)
    assert body.legs_visibility == pytest.approx(0.1)
    assert not np.isnan([body.left_elbow, body.left_wrist_up, body.symmetry]).any()
    absent = names_of_nan(body)
    assert {"hips_x", "trunk_lean", "left_knee", "left_knee_up", "centre_of_mass_y", "left_hip", "trunk_m"} <= absent


def test_without_metres_angles_are_told_from_the_image_and_lengths_are_not() -> None:
    frame = replace(see_body(stand_up() @ rotation((0, 1, 0), 20.0).T), pose_world=None)
    body, whole = measure(frame), measure(see_body(stand_up()))
    assert names_of_nan(body) == {name for name in BodyFacts._fields if name.endswith("_m")}
    for name in (*ANGLES, "symmetry"):
        assert getattr(body, name) == pytest.approx(getattr(whole, name), abs=0.02), name
    assert body.scale == pytest.approx(whole.scale, rel=0.01)


@given(
    part=st.sampled_from([Part.POSE, Part.POSE_WORLD]),
    landmark=st.sampled_from(list(PoseLandmark)),
    axis=st.integers(0, 3),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40]),
)
def test_coordinates_no_camera_sees_make_numbers_unknown_never_an_error(
    part: Part, landmark: PoseLandmark, axis: int, value: float
) -> None:
    batch = FrameBatch.from_frames([see_body(stand_up())])
    batch.part(part)[0, landmark, axis] = value
    body = read_facts(batch)[0].body
    if body is not None:
        assert not np.isinf(body).any()
        assert body.scale > 0.0
    # A part of the body that has nothing to do with it is measured as ever.
    if landmark in (PoseLandmark.LEFT_THUMB, PoseLandmark.MOUTH_LEFT):
        assert body is not None
        assert names_of_nan(body) <= {"visibility"}


def test_a_body_without_a_size_is_not_there() -> None:
    frame = see_body(stand_up())
    nowhere = np.zeros((33, 4), dtype=np.float32)
    assert read_facts(FrameBatch.from_frames([replace(frame, pose=nowhere)]))[0].body is None
