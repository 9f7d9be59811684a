"""Nods, claps, swipes and their like move what they should, when they say so."""

import numpy as np
import pytest
from numpy.typing import NDArray

from keypoints.landmarks import PoseLandmark
from performers.acts import Act, ActKind
from performers.joints import SIDES, Joint, Side, sided
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.signals import circle_starts_s, clap_times_s, jump_s, nod_starts_s, shake_starts_s, sit_s, swipe_s

FPS = 30.0
Positions = NDArray[np.float64]


def perform(kind: ActKind, side: Side = Side.RIGHT, seconds: float = 4.0) -> tuple[Act, Performer, Positions]:
    """The act from 1 s on, its performer, and where the joints are (3, 54, N) until 1 s after it."""
    act = Act(kind, 1.0, 1.0 + seconds, side)
    performer = Performer("someone", [act], seed=5, stage=Stage(noise=Noise(0.0)))
    at_s = np.arange(round((seconds + 2.0) * FPS)) / FPS
    return act, performer, performer.stance(at_s).positions


def count_rises(values: Positions, level: float) -> int:
    return int(np.count_nonzero(np.diff(np.sign(values - level)) > 0))


def test_a_nodding_head_dips_and_a_shaken_head_turns_as_often_as_they_say() -> None:
    act, performer, _ = perform(ActKind.NOD)
    facing = performer.stance(np.arange(180) / FPS).rotations[:, 2, Joint.HEAD]
    assert count_rises(-facing[1], 0.15) == len(nod_starts_s(act)) == 4
    act, performer, _ = perform(ActKind.SHAKE)
    facing = performer.stance(np.arange(180) / FPS).rotations[:, 2, Joint.HEAD]
    assert count_rises(facing[0], 0.2) == len(shake_starts_s(act)) == 3


def test_clapping_palms_meet_at_their_times() -> None:
    act, performer, positions = perform(ActKind.CLAP)
    between = np.sqrt(((positions[:, Joint.LEFT_HAND] - positions[:, Joint.RIGHT_HAND]) ** 2).sum(axis=0))
    assert count_rises(-between, -0.2) == len(clap_times_s(act)) == 4
    met = performer.stance(np.array(clap_times_s(act))).positions
    assert np.abs(met[:, Joint.LEFT_HAND] - met[:, Joint.RIGHT_HAND]).max() < 0.1


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("kind", "axis", "sign"),
    [
        (ActKind.SWIPE_LEFT, 0, 1.0),
        (ActKind.SWIPE_RIGHT, 0, -1.0),
        (ActKind.SWIPE_UP, 1, 1.0),
        (ActKind.SWIPE_DOWN, 1, -1.0),
    ],
)
def test_a_swipe_goes_the_persons_own_way_quickly_and_comes_back_slower(
    kind: ActKind, axis: int, sign: float, side: Side
) -> None:
    act, performer, _ = perform(kind, side)
    start_s, end_s = swipe_s(act)
    way = performer.stance(np.array([start_s, end_s, end_s + 1.0])).positions[:, sided(side, "HAND")]
    assert sign * (way[axis, 1] - way[axis, 0]) > 0.4
    assert np.abs(way[1 - axis, 1] - way[1 - axis, 0]) < 0.1
    np.testing.assert_allclose(way[:2, 2], way[:2, 0], atol=0.1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("kind", "sign"), [(ActKind.CIRCLE_CLOCKWISE, 1), (ActKind.CIRCLE_COUNTER_CLOCKWISE, -1)])
def test_a_circle_goes_round_as_the_camera_sees_it(kind: ActKind, sign: int, side: Side) -> None:
    act, performer, _ = perform(kind, side)
    starts_s = circle_starts_s(act)
    at_s = np.linspace(starts_s[0], starts_s[-1] + 0.9, 200)
    pose = performer.batch(at_s).pose
    wrist = pose[:, PoseLandmark[f"{side.name}_WRIST"], :2] * (1280.0, 720.0)
    step = np.diff(wrist, axis=0)
    headings = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    assert sign * (headings[-1] - headings[0]) / (2.0 * np.pi) == pytest.approx(len(starts_s), abs=0.15)
    assert len(starts_s) == 3


@pytest.mark.parametrize("side", SIDES)
def test_a_raised_hand_is_above_the_head_and_the_other_hangs(side: Side) -> None:
    _, _, positions = perform(ActKind.RAISE_HAND, side)
    held = positions[1, :, round(2.0 * FPS) : round(4.0 * FPS)]
    assert (held[sided(side, "HAND")] > held[Joint.HEAD] + 0.1).all()
    assert (held[sided(Side(1 - side), "HAND")] < held[Joint.SPINE]).all()


def test_crossed_arms_bring_each_hand_to_the_other_elbow() -> None:
    _, _, positions = perform(ActKind.CROSS_ARMS)
    held = positions[:, :, round(2.0 * FPS) : round(4.0 * FPS)]
    for side in SIDES:
        way = held[:, sided(side, "HAND")] - held[:, sided(Side(1 - side), "LOWER_ARM")]
        assert np.sqrt((way * way).sum(axis=0)).max() < 0.15


def test_a_jump_leaves_the_floor_between_its_times_and_only_then() -> None:
    act, performer, positions = perform(ActKind.JUMP)
    start_s, end_s = jump_s(act)
    at_s = np.arange(positions.shape[-1]) / FPS
    stance, body = performer.stance(at_s), performer.stage.body
    soles = [stance.site(*body.sites[f"{side.name}_{name}"])[1] for side in SIDES for name in ("HEEL", "TOE_TIP")]
    lowest = np.min(soles, axis=0)
    in_air = (at_s > start_s) & (at_s < end_s)
    assert lowest[in_air].max() == pytest.approx(0.22, abs=0.01)
    assert lowest[~in_air].max() < 1e-9


def test_sitting_is_at_the_height_of_a_chair_with_feet_and_trunk_upright() -> None:
    act, performer, _ = perform(ActKind.SIT, seconds=8.0)
    seated = performer.stance(np.linspace(*sit_s(act), 20)).positions
    assert np.ptp(seated[1, Joint.HIPS]) < 0.02
    assert 0.4 < seated[1, Joint.HIPS].mean() < 0.6
    assert (seated[1, Joint.LEFT_LOWER_LEG] - seated[1, Joint.LEFT_FOOT] > 0.38).all()
    assert (np.abs(seated[2, Joint.NECK] - seated[2, Joint.HIPS]) < 0.12).all()


def test_hands_that_reach_for_the_face_come_to_the_cheeks_and_not_to_each_other() -> None:
    _, _, positions = perform(ActKind.REACH_FACE)
    held = positions[:, :, round(1.7 * FPS) : round(4.5 * FPS)]
    for side in SIDES:
        way = held[:, sided(side, "HAND")] - held[:, Joint.HEAD]
        assert np.sqrt((way * way).sum(axis=0)).min() < 0.3
    between = held[:, Joint.LEFT_HAND] - held[:, Joint.RIGHT_HAND]
    assert np.sqrt((between * between).sum(axis=0)).min() > 0.15


def test_hands_that_explain_something_keep_moving_before_the_chest() -> None:
    _, _, positions = perform(ActKind.GESTICULATE)
    held = positions[:, :, round(1.8 * FPS) : round(4.2 * FPS)]
    for side in SIDES:
        hand = held[:, sided(side, "HAND")]
        assert (hand[1] > held[1, Joint.HIPS]).all()
        assert (hand[1] < held[1, Joint.HEAD]).all()
        assert np.sqrt((np.diff(hand, axis=1) ** 2).sum(axis=0)).mean() * FPS > 0.2
