"""What is told of people who fall, stand still, tremble, leave, and move as they never did."""

import numpy as np
import pytest

from consumers.analytics.finding import Category, Phase, Severity
from keypoints.frame import FrameBatch
from keypoints.landmarks import PoseLandmark
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import Side
from performers.noise import Noise
from performers.performer import Stage
from tests.consumers.analytics.watched_people import find, kinds, only_finding, perform, seconds_in

_LEFT_HAND = [
    PoseLandmark.LEFT_WRIST,
    PoseLandmark.LEFT_PINKY,
    PoseLandmark.LEFT_INDEX,
    PoseLandmark.LEFT_THUMB,
]


def shake_hand(hertz: float, *, fps: float, seconds: float = 8.0, width: float = 0.004) -> FrameBatch:
    """Somebody whose left hand trembles from second 2 to 6, by `width` of the image's width to either side."""
    batch = perform([], seconds, seed=4, fps=fps)
    at_s = np.arange(len(batch)) / fps
    moved = width * np.sin(2.0 * np.pi * hertz * at_s) * ((at_s > 2.0) & (at_s < 6.0))
    batch.pose[:, _LEFT_HAND, 0] += moved[:, None].astype(np.float32)
    return batch


def stand_like_a_statue(seconds: float, strength: float = 1.0) -> FrameBatch:
    """Somebody who does not move, with the unrest of the landmarks."""
    seen = perform([], seconds, stage=Stage(noise=Noise(strength)))
    smooth = perform([], seconds, stage=Stage(noise=Noise(0.0)))
    for name in ("pose", "pose_world", "face", "left_hand", "right_hand"):
        column, still = getattr(seen, name), getattr(smooth, name)
        column[:] = still[:1] + (column - still)
    return seen


@pytest.mark.parametrize("fps", [10, 30, 60])
@pytest.mark.parametrize("side", list(Side))
def test_a_fall_is_critical_within_a_second_and_ends_when_they_are_up_again(side: Side, fps: int) -> None:
    for seed in range(3):
        changes = find(perform([Act(ActKind.FALL, 3.0, 11.0, side=side)], 14.0, seed=seed, fps=fps))
        assert kinds(changes) == ["fall"]
        start = only_finding(changes, "fall", Phase.START)
        assert start.severity is Severity.CRITICAL
        assert 3.0 <= seconds_in(start.started_us) <= 4.0
        assert seconds_in(start.last_us) <= 3.9 + 1.0
        drop, lean = start.evidence["drop_scales"], start.evidence["lean_deg"]
        assert isinstance(drop, float)
        assert isinstance(lean, float)
        assert drop > 1.0
        assert lean > 70.0
        end = only_finding(changes, "fall", Phase.END)
        assert end.evidence["risen"] is True
        assert 9.0 <= seconds_in(end.last_us) <= 11.0


def test_who_fell_and_lies_still_is_told_as_immobile_long_before_a_minute() -> None:
    batch = perform([Act(ActKind.FALL, 3.0, 40.0)], 34.0, stage=Stage(noise=Noise(0.5)))
    lying = np.arange(len(batch)) >= 6 * 30
    unrest = perform([Act(ActKind.FALL, 3.0, 40.0)], 34.0, stage=Stage(noise=Noise(0.0)))
    for name in ("pose", "pose_world", "face"):
        column, smooth = getattr(batch, name), getattr(unrest, name)
        column[lying] += smooth[180] - smooth[lying]
    changes = find(batch)
    assert kinds(changes) == ["fall", "immobility"]
    finding = only_finding(changes, "immobility", Phase.START)
    assert finding.severity is Severity.CRITICAL
    assert seconds_in(finding.last_us) < 20.0


@pytest.mark.parametrize(
    "kind",
    [
        ActKind.SQUAT,
        ActKind.SIT,
        ActKind.PUSH_UP,
        ActKind.WALK,
        ActKind.JUMP,
        ActKind.HANDS_OUT,
        ActKind.WAVE,
        ActKind.CLAP,
        ActKind.SPEAK,
        ActKind.JUMPING_JACK,
        ActKind.CURL,
    ],
)
def test_what_people_do_is_no_anomaly(kind: ActKind) -> None:
    for seed in (1, 2):
        changes = find(perform([Act(kind, 2.0, 14.0)], 16.0, seed=seed))
        assert kinds(changes) == []


def test_a_statue_is_immobile_after_a_minute_and_somebody_at_a_desk_is_not() -> None:
    changes = find(stand_like_a_statue(75.0))
    assert kinds(changes) == ["immobility"]
    finding = only_finding(changes, "immobility", Phase.START)
    assert finding.severity is Severity.WARNING
    assert 60.0 <= seconds_in(finding.last_us) - seconds_in(finding.started_us) <= 65.0
    assert kinds(find(perform([], 90.0, fps=15, stage=Stage(camera=Camera.at_desk())))) == []


def test_of_those_who_sway_to_and_fro_in_one_rhythm_hardly_anybody_is_immobile() -> None:
    # Over a whole to-and-fro the means of places stay the same; but who is alive does not keep the head still.
    told = [kinds(find(perform([], 70.0, fps=10, seed=seed, stage=Stage(loop_s=4.0)))) for seed in range(11, 31)]
    assert sum(map(bool, told)) <= 1, "0.1 a minute would be two"


def test_a_frozen_picture_is_not_immobility() -> None:
    batch = perform([], 90.0, fps=10)
    for name in ("pose", "pose_world", "face", "left_hand", "right_hand"):
        column = getattr(batch, name)
        column[50:] = column[50]
    assert kinds(find(batch)) == ["frozen"]


@pytest.mark.parametrize("hertz", [4.0, 6.0, 8.0, 10.0])
@pytest.mark.parametrize("fps", [30, 60])
def test_a_hand_that_trembles_is_told_with_its_frequency(hertz: float, fps: int) -> None:
    changes = find(shake_hand(hertz, fps=fps))
    assert kinds(changes) == ["tremor"]
    start = only_finding(changes, "tremor", Phase.START)
    assert start.subject == "left"
    assert start.evidence["frequency_hz"] == pytest.approx(hertz, rel=0.05)
    assert seconds_in(start.last_us) <= 4.5
    assert seconds_in(only_finding(changes, "tremor", Phase.END).last_us) == pytest.approx(6.0, abs=0.3)


def test_waving_and_what_a_slow_camera_cannot_tell_are_no_tremor() -> None:
    for hertz in (1.0, 1.7, 2.5):
        assert kinds(find(shake_hand(hertz, fps=30, width=0.05))) == []
    for hertz in (5.0, 7.0, 10.0):
        assert kinds(find(shake_hand(hertz, fps=15))) == []


def test_restless_landmarks_are_no_tremor() -> None:
    for seed in range(3):
        for fps in (24, 30, 60):
            noisy = Stage(noise=Noise(3.0), camera=Camera(distance_m=4.0))
            assert kinds(find(perform([], 20.0, seed=seed, fps=fps, stage=noisy))) == []


@pytest.mark.parametrize("side", list(Side))
def test_who_walks_out_has_left_by_that_edge_until_they_are_back(side: Side) -> None:
    for seed in range(3):
        changes = find(perform([Act(ActKind.LEAVE, 2.0, 14.0, side=side)], 16.0, seed=seed))
        assert kinds(changes) == ["left_frame"]
        start, end = (only_finding(changes, "left_frame", phase) for phase in (Phase.START, Phase.END))
        assert start.evidence["edge"] == ("right" if side is Side.LEFT else "left")
        assert start.started_us == end.started_us
        assert end.evidence["came_back"] is True
        assert 10.0 <= seconds_in(end.last_us) <= 14.0


def test_who_is_not_found_in_the_middle_has_not_left() -> None:
    batch = perform([], 10.0)
    for name in ("pose_present", "pose_world_present", "left_hand_present", "right_hand_present"):
        getattr(batch, name)[90:180] = False
    batch.face_points[90:180] = 0
    assert kinds(find(batch), Category.ANOMALY) == []


def test_jumping_jacks_after_two_minutes_of_standing_are_unusual_and_in_the_middle_of_training_are_not() -> None:
    stood = find(perform([Act(ActKind.JUMPING_JACK, 122.0, 134.0)], 140.0, fps=15))
    assert kinds(stood) == ["unusual_motion"]
    start = only_finding(stood, "unusual_motion", Phase.START)
    assert start.severity is Severity.INFO
    assert 121.0 <= seconds_in(start.started_us) <= 125.0
    trained = [Act(ActKind.JUMPING_JACK, 2.0 + 20.0 * turn, 17.0 + 20.0 * turn) for turn in range(7)]
    assert kinds(find(perform(trained, 142.0, fps=15))) == []


def test_a_first_walk_after_two_minutes_of_standing_is_everyday() -> None:
    for act in (ActKind.WALK, ActKind.WAVE, ActKind.SQUAT):
        assert kinds(find(perform([Act(act, 122.0, 134.0)], 136.0, fps=15))) == []


def test_half_an_hour_of_standing_and_walking_about_is_no_anomaly_and_no_fault() -> None:
    for seed in range(6):
        walks = [Act(ActKind.WALK, 40.0, 80.0), Act(ActKind.WALK, 150.0, 250.0)]
        assert kinds(find(perform(walks, 300.0, seed=seed, fps=20 if seed % 2 else 30))) == []


def test_a_stream_that_is_set_back_starts_anew() -> None:
    batch = perform([Act(ActKind.FALL, 3.0, 30.0)], 10.0)
    batch.captured_at_us[200:] -= 3_600_000_000
    changes = find(batch)
    assert kinds(changes) == ["fall", "time_jump"]
    assert only_finding(changes, "fall", Phase.END).evidence["risen"] is False
