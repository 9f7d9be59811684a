"""A performer does what its script says, when it says so, and the same every time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from keypoints.codec import decode, encode_avro
from keypoints.landmarks import PART_SHAPES, FaceLandmark, HandLandmark, Part, PoseLandmark
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.hand_shapes import HandShape
from performers.joints import SIDES, Joint, Side, sided
from performers.loops import cycle_acts
from performers.motions import blink_starts_s, squat_starts_s
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Face, Limb
from performers.rotations import FloatArray

FPS = 30.0
EVERYTHING = cycle_acts(list(ActKind), 6.0)
SIDE_PARTS = {Side.LEFT: Part.LEFT_HAND, Side.RIGHT: Part.RIGHT_HAND}
Points = NDArray[np.float32]


def clock(seconds: float) -> FloatArray:
    return np.arange(round(seconds * FPS), dtype=np.float64) / FPS


def perform(*acts: Act, seed: int = 1) -> Performer:
    return Performer("someone", acts, seed=seed, stage=Stage(noise=Noise(0.0)))


def in_pixels(points: Points, camera: Camera | None = None) -> NDArray[np.float64]:
    size = camera or Camera()
    return np.asarray(points[..., :2] * np.array([size.width, size.height]), dtype=np.float64)


@pytest.mark.parametrize("size", [1, 7, 128, 500])
def test_frames_are_the_same_to_the_last_bit_however_they_are_asked_for(size: int) -> None:
    performer = Performer("someone", EVERYTHING, seed=11)
    at_s = clock(EVERYTHING[-1].end_s)[::3]
    whole = performer.batch(at_s)
    first = 150
    for start in range(first, first + max(size, 60), size):
        cut = Performer("someone", EVERYTHING, seed=11).batch(at_s[start : start + size])
        rows = slice(start, start + len(cut))
        for part in PART_SHAPES:
            assert cut.part(part).tobytes() == whole.part(part)[rows].tobytes()
            assert cut.present(part).tobytes() == whole.present(part)[rows].tobytes()


def test_another_seed_is_another_performance() -> None:
    at_s = clock(1.0)
    one, other = (Performer("someone", seed=seed).batch(at_s) for seed in (1, 2))
    assert np.abs(one.pose - other.pose).max() > 1e-4


def test_a_loop_has_no_seam_and_repeats_to_the_last_bit() -> None:
    loop_s = 12.0
    script = [Act(ActKind.WAVE, 1.0, 4.0), Act(ActKind.SQUAT, 5.0, 11.0)]
    performer = Performer("someone", script, seed=4, stage=Stage(loop_s=loop_s))
    # Dyadic times, so that the second round is asked for at the very same place of the loop.
    at_s = np.arange(round(loop_s * 32.0), dtype=np.float64) / 32.0
    first, second = performer.batch(at_s), performer.batch(at_s + loop_s)
    assert first.pose.tobytes() == second.pose.tobytes()
    assert first.face.tobytes() == second.face.tobytes()
    truth = Performer("someone", script, seed=4, stage=Stage(noise=Noise(0.0), loop_s=loop_s))
    around = truth.batch(np.array([loop_s - 1e-4, loop_s, loop_s + 1e-4]))
    assert np.abs(np.diff(around.pose[:, :, :3], axis=0)).max() < 1e-4


def test_an_act_beyond_the_loop_is_refused() -> None:
    with pytest.raises(ValueError, match=r"after the loop of 5\.0 s"):
        Performer("someone", [Act(ActKind.WAVE, 1.0, 6.0)], stage=Stage(loop_s=5.0))
    with pytest.raises(ValueError, match="runs forward"):
        Act(ActKind.WAVE, 3.0, 3.0)


def test_a_frame_travels_through_the_codec_unchanged() -> None:
    frames = list(perform(Act(ActKind.LEAVE, 0.0, 6.0)).frames(6.0, 5.0, start_us=1_000_000, epoch=9))
    assert [frame.sequence for frame in frames] == list(range(30))
    assert [frame.captured_at_us for frame in frames] == [1_000_000 + 200_000 * place for place in range(30)]
    assert {frame.has_person for frame in frames} == {True, False}
    for frame in frames:
        assert decode(encode_avro(frame)).equals(frame)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("kind", "upwards"), [(ActKind.THUMBS_UP, 1.0), (ActKind.THUMBS_DOWN, -1.0)])
def test_a_thumb_points_where_its_name_says_while_the_fingers_are_curled(
    kind: ActKind, upwards: float, side: Side
) -> None:
    act = Act(kind, 1.0, 5.0, side)
    performer = perform(act)
    held = clock(6.0)
    held = held[(held >= act.held_s[0]) & (held <= act.held_s[1])]
    truth = performer.truth(held)
    assert set(truth.hand_shapes[side]) == {HandShape.THUMB_OUT}
    assert set(truth.hand_shapes[Side(1 - side)]) == {None}
    batch = performer.batch(held)
    hand = in_pixels(batch.part(SIDE_PARTS[side]))
    assert batch.present(SIDE_PARTS[side]).all()
    thumb = hand[:, HandLandmark.THUMB_TIP] - hand[:, HandLandmark.THUMB_MCP]
    slope = -upwards * thumb[:, 1] / np.hypot(thumb[:, 0], thumb[:, 1])
    assert (slope > np.cos(np.radians(20.0))).all()
    rest = [mark for mark in HandLandmark if "THUMB" not in mark.name]
    extreme = hand[:, HandLandmark.THUMB_TIP, 1] * -upwards
    assert (extreme > (hand[:, rest, 1] * -upwards).max(axis=1)).all()


@pytest.mark.parametrize("side", SIDES)
def test_a_wave_is_an_open_palm_going_to_and_fro_above_the_elbow(side: Side) -> None:
    performer = perform(Act(ActKind.WAVE, 0.0, 5.0, side))
    held = clock(5.0)[15:-15]
    pose = performer.batch(held).pose
    wrist = pose[:, PoseLandmark[f"{side.name}_WRIST"]]
    elbow = pose[:, PoseLandmark[f"{side.name}_ELBOW"]]
    assert (wrist[:, 1] < elbow[:, 1]).all()
    swings = np.count_nonzero(np.diff(np.sign(wrist[:, 0] - wrist[:, 0].mean())))
    assert 12 <= swings <= 15
    facing = -performer.stance(held).rotations[2, 1, sided(side, "HAND")]
    assert (facing > 0.7).all()


def test_squats_go_down_as_often_as_they_say_and_the_feet_stay() -> None:
    act = Act(ActKind.SQUAT, 2.0, 13.2)
    performer = perform(act)
    at_s = clock(15.0)
    knee = performer.posture(at_s).limbs[Side.LEFT, Limb.KNEE]
    bottoms = np.count_nonzero(np.diff(np.sign(knee - 80.0)) > 0)
    assert bottoms == len(squat_starts_s(act)) == 4
    positions = performer.stance(at_s).positions
    hips, foot = positions[1, Joint.HIPS], positions[:, Joint.LEFT_FOOT]
    assert hips.min() < 0.62 * hips.max()
    assert np.ptp(foot[1]) < 0.02
    assert np.ptp(foot[[0, 2]], axis=1).max() < 0.12


def test_nobody_sinks_into_the_floor_or_floats_above_it() -> None:
    performer = perform(*EVERYTHING)
    at_s = clock(EVERYTHING[-1].end_s)
    stance, body = performer.stance(at_s), performer.stage.body
    soles = [stance.site(*body.sites[f"{side.name}_{name}"])[1] for side in SIDES for name in ("HEEL", "TOE_TIP")]
    assert np.min(soles) > -1e-9
    assert stance.positions[1].min() > -0.05
    standing = np.ones(len(at_s), dtype=np.bool_)
    for act in EVERYTHING:
        if act.kind in (ActKind.FALL, ActKind.JUMP, ActKind.JUMPING_JACK, ActKind.PUSH_UP):
            standing &= (at_s < act.start_s) | (at_s > act.end_s)
    assert np.min(soles, axis=0)[standing].max() < 1e-9


def test_a_fall_ends_on_the_floor_within_a_second_and_stays_there() -> None:
    head = perform(Act(ActKind.FALL, 1.0, 8.0)).stance(clock(9.0)).positions[1, Joint.HEAD]
    assert head[: int(FPS)].min() > 1.4
    lying = head[round(2.1 * FPS) : round(6.0 * FPS)]
    assert lying.max() < 0.6
    assert np.ptp(lying) < 0.05
    assert head[-1] > 1.4


def test_nothing_jumps_between_frames() -> None:
    # A quick act moves a wrist 3 m/s; a jump would be a whole limb's length in one frame of a thirtieth of a second.
    positions = perform(*EVERYTHING).stance(clock(EVERYTHING[-1].end_s)).positions
    step = np.sqrt((np.diff(positions, axis=-1) ** 2).sum(axis=0))
    assert step.max() * FPS < 9.0


def test_eyes_close_in_a_blink_and_only_then() -> None:
    act = Act(ActKind.BLINK, 5.0, 8.0)
    performer = perform(act)
    at_s = np.arange(540, dtype=np.float64) / 60.0
    face = in_pixels(performer.batch(at_s).face)
    opening = np.linalg.norm(face[:, FaceLandmark.LEFT_EYE_UPPER] - face[:, FaceLandmark.LEFT_EYE_LOWER], axis=1)
    width = np.linalg.norm(face[:, FaceLandmark.LEFT_EYE_OUTER] - face[:, FaceLandmark.LEFT_EYE_INNER], axis=1)
    shut = opening / width < 0.1
    starts = np.concatenate([performer.blinks_s(9.0), blink_starts_s(act)])
    in_blink = (np.abs(at_s[:, None] - (starts + 0.12)) <= 0.13).any(axis=1)
    assert not shut[~in_blink].any()
    for start in blink_starts_s(act):
        assert shut[(at_s > start) & (at_s < start + 0.24)].any()


def test_a_speaking_mouth_moves_and_a_silent_one_does_not() -> None:
    performer = perform(Act(ActKind.SPEAK, 3.0, 8.0))
    face = in_pixels(performer.batch(clock(8.0)).face)
    gap = np.linalg.norm(face[:, FaceLandmark.UPPER_LIP_INNER] - face[:, FaceLandmark.LOWER_LIP_INNER], axis=1)
    silent, speaking = gap[: round(3 * FPS)], gap[round(3.5 * FPS) : round(7.5 * FPS)]
    assert np.ptp(silent) < 0.2
    assert np.ptp(speaking) > 3.0
    assert 12 < np.count_nonzero(np.diff(np.sign(speaking - np.median(speaking)))) < 48


def test_truth_is_what_the_script_says() -> None:
    script = (Act(ActKind.OPEN, 1.0, 3.0, Side.LEFT), Act(ActKind.CLOSED, 1.5, 4.0, Side.RIGHT))
    truth = perform(*script).truth(np.array([0.5, 1.2, 2.2, 3.2, 3.8]))
    assert truth.hand_shapes[Side.LEFT].tolist() == [None, None, HandShape.OPEN, None, None]
    assert truth.hand_shapes[Side.RIGHT].tolist() == [None, None, HandShape.CLOSED, HandShape.CLOSED, None]
    assert truth.rotations.shape == (5, len(Joint), 4)
    np.testing.assert_allclose((truth.rotations**2).sum(axis=2), 1.0)
    t_pose = perform(Act(ActKind.T_POSE, 0.0, 4.0)).truth(np.array([2.0])).rotations[0]
    eyes = [Joint.LEFT_EYE, Joint.RIGHT_EYE]
    np.testing.assert_allclose(np.delete(t_pose, eyes, axis=0)[:, 3], 1.0)


def test_a_person_at_rest_still_breathes_looks_about_and_blinks() -> None:
    performer = perform()
    at_s = clock(30.0)
    posture = performer.posture(at_s)
    assert np.ptp(posture.face[Face.GAZE_YAW]) > 4.0
    assert 5 <= len(performer.blinks_s(30.0)) <= 9
    wrists = performer.batch(at_s).pose[:, [PoseLandmark.LEFT_WRIST, PoseLandmark.RIGHT_WRIST], :2]
    assert 0.001 < np.ptp(wrists, axis=0).max() < 0.03


def test_noise_is_small_without_bias_and_drifts_slowly() -> None:
    at_s = clock(60.0)
    still, restless = (Performer("someone", seed=3, stage=Stage(noise=noise)) for noise in (Noise(0.0), Noise(1.0)))
    unrest = (restless.batch(at_s).pose - still.batch(at_s).pose)[:, :, 0] * Camera().width
    assert 0.6 < unrest.std() < 2.0
    assert abs(unrest.mean()) < 0.3
    steps = np.diff(unrest, axis=0)
    assert 0.3 < steps.std() < 0.9 * np.sqrt(2.0) * unrest.std()
    visibility = (restless.batch(at_s).pose - still.batch(at_s).pose)[:, :, 3]
    assert not visibility.any()
