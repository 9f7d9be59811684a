"""Exercises are done as often as they say, and look the way a trainer would show them, right or wrong."""

import numpy as np
import pytest

from keypoints.landmarks import Part, PoseLandmark
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.exercises import repetition_starts_s
from performers.joints import Joint, Side
from performers.motions import squat_starts_s
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Limb
from performers.rotations import FloatArray


def clock() -> FloatArray:
    return np.arange(360, dtype=np.float64) / 30.0


def perform(*acts: Act) -> Performer:
    return Performer("someone", acts, seed=2, stage=Stage(noise=Noise(0.0), camera=Camera(distance_m=3.4)))


def held(act: Act) -> FloatArray:
    first_s, last_s = act.held_s
    at_s = clock()
    return at_s[(at_s >= first_s) & (at_s <= last_s)]


@pytest.mark.parametrize(
    ("kind", "limb", "bent_deg"),
    [
        (ActKind.PUSH_UP, Limb.ELBOW, 60.0),
        (ActKind.JUMPING_JACK, Limb.HIP_ABDUCTION, 14.0),
        (ActKind.CURL, Limb.ELBOW, 80.0),
        (ActKind.HALF_SQUAT, Limb.KNEE, 40.0),
        (ActKind.POOR_SQUAT, Limb.KNEE, 60.0),
    ],
)
@pytest.mark.parametrize("repetition_s", [0.9, None, 3.5])
def test_there_are_as_many_repetitions_as_the_act_says(
    kind: ActKind, limb: Limb, bent_deg: float, repetition_s: float | None
) -> None:
    act = Act(kind, 0.5, 11.5, repetition_s=repetition_s)
    bend = perform(act).posture(clock()).limbs[Side.RIGHT, limb]
    assert np.count_nonzero(np.diff(np.sign(bend - bent_deg)) > 0) == len(repetition_starts_s(act))


def test_a_squat_can_be_quick_or_slow() -> None:
    assert len(squat_starts_s(Act(ActKind.SQUAT, 0.0, 12.0, repetition_s=1.0))) == 12
    assert len(squat_starts_s(Act(ActKind.SQUAT, 0.0, 12.0, repetition_s=6.0))) == 2


def test_in_a_push_up_hands_and_feet_stay_on_the_floor_and_the_body_straight() -> None:
    act = Act(ActKind.PUSH_UP, 0.0, 12.0, ease_s=1.5)
    positions = perform(act).stance(held(act)).positions
    hand, foot, hips = positions[:, Joint.LEFT_HAND], positions[:, Joint.LEFT_FOOT], positions[:, Joint.HIPS]
    shoulder = positions[:, Joint.LEFT_UPPER_ARM]
    assert np.ptp(hand, axis=1).max() < 0.09
    assert np.ptp(foot, axis=1).max() < 0.03
    assert hand[1].max() < 0.08
    assert np.ptp(shoulder[1]) > 0.15
    across = (hips[0] - foot[0]) / (shoulder[0] - foot[0])
    assert np.abs(hips[1] - (foot[1] + across * (shoulder[1] - foot[1]))).max() < 0.05


def test_in_a_jumping_jack_the_hands_meet_overhead_while_the_feet_are_apart() -> None:
    act = Act(ActKind.JUMPING_JACK, 0.0, 12.0)
    positions = perform(act).stance(held(act)).positions
    apart_m = positions[0, Joint.LEFT_FOOT] - positions[0, Joint.RIGHT_FOOT]
    hand_up_m = positions[1, Joint.LEFT_HAND] - positions[1, Joint.HEAD]
    widest = np.argmax(apart_m)
    assert apart_m[widest] > 0.7
    assert apart_m.min() < 0.35
    assert hand_up_m[widest] > 0.2
    assert hand_up_m.min() < -0.5


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_in_a_curl_one_elbow_stays_at_the_side_and_the_other_arm_hangs(side: Side) -> None:
    act = Act(ActKind.CURL, 0.0, 12.0, side=side)
    positions = perform(act).stance(held(act)).positions
    elbow, hand = positions[:, Joint[f"{side.name}_LOWER_ARM"]], positions[:, Joint[f"{side.name}_HAND"]]
    other = positions[:, Joint["RIGHT_HAND" if side is Side.LEFT else "LEFT_HAND"]]
    assert np.ptp(elbow, axis=1).max() < 0.08
    assert np.ptp(hand[1]) > 0.35
    assert np.ptp(other[1]) < 0.05


def test_squats_done_badly_are_too_shallow_or_bent_with_the_knees_drawn_together() -> None:
    half, poor = (Act(kind, 0.0, 12.0) for kind in (ActKind.HALF_SQUAT, ActKind.POOR_SQUAT))
    hips_m = {act.kind: perform(act).stance(held(act)).positions[1, Joint.HIPS] for act in (half, poor)}
    assert hips_m[ActKind.HALF_SQUAT].min() > 0.7 * hips_m[ActKind.HALF_SQUAT].max()
    assert hips_m[ActKind.POOR_SQUAT].min() < 0.65 * hips_m[ActKind.POOR_SQUAT].max()
    positions = perform(poor).stance(held(poor)).positions
    bottom = np.argmin(positions[1, Joint.HIPS])
    knees_m = positions[0, Joint.LEFT_LOWER_LEG, bottom] - positions[0, Joint.RIGHT_LOWER_LEG, bottom]
    feet_m = positions[0, Joint.LEFT_FOOT, bottom] - positions[0, Joint.RIGHT_FOOT, bottom]
    assert knees_m < 0.75 * feet_m


def test_sideways_shows_another_act_from_the_side() -> None:
    acts = [Act(ActKind.SIDEWAYS, 0.0, 12.0), Act(ActKind.SQUAT, 1.0, 11.0)]
    pose = perform(*acts).batch(clock()[60:300]).part(Part.POSE)
    span = pose[:, PoseLandmark.LEFT_SHOULDER, 0] - pose[:, PoseLandmark.RIGHT_SHOULDER, 0]
    knee, ankle = pose[:, PoseLandmark.LEFT_KNEE, 0], pose[:, PoseLandmark.LEFT_ANKLE, 0]
    assert np.abs(span).max() < 0.05
    assert np.abs(knee - ankle).max() > 0.03
