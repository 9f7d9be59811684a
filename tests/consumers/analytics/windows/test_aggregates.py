"""What a window says of its frames, on made bodies and on performers; and that what is missing is not zero."""

import numpy as np
import pytest

from consumers.analytics.facts import FaceFacts, FrameFacts, HandFacts
from consumers.analytics.features.motion import Track, measure_motion, track_bodies
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.windows.pane import ANGLES
from consumers.analytics.windows.recogniser import Windows
from consumers.analytics.windows.window_row import WindowRow
from performers import Act, ActKind, Performer, Side
from tests.consumers.analytics.windows.made_facts import START_US, make_facts, pick, play, stand_for, standing

FACE = FaceFacts(*[0.0] * len(FaceFacts._fields))
HAND = HandFacts(0.5, 0.5, 0.5, 0.4, 0.1, 1.0, 0.5, 1.0, 1.0, (0.0,))


def perform(*acts: Act, seconds: float, fps: float = 30.0) -> list[FrameFacts]:
    at_s = np.linspace(0.0, seconds, round(seconds * fps), endpoint=False)
    batch = Performer("dancer", acts, seed=6).batch(at_s, start_us=START_US)
    facts = read_facts(batch)
    before = np.arange(len(facts), dtype=np.intp) - 1
    for frame, motion in zip(facts, measure_motion(Track.allocate(0), track_bodies(batch), before), strict=True):
        frame.motion = motion
    return facts


def watch(frames: list[FrameFacts]) -> list[WindowRow]:
    windows = Windows()
    return play(windows, frames) + windows.end()


def test_a_window_says_in_how_much_of_it_each_part_was_observed() -> None:
    frames = [
        make_facts(
            number / 10,
            body=standing() if number < 73 else None,
            face=FACE if number % 2 else None,
            left=HAND if number < 10 else None,
        )
        for number in range(100)
    ]
    row = pick(watch(frames), 0.0, 10)
    assert (row.body_share, row.face_share, row.left_hand_share, row.right_hand_share) == (0.73, 0.5, 0.1, 0.0)


def test_a_window_in_which_nobody_was_there_has_coverage_and_no_other_number() -> None:
    row = pick(watch([make_facts(number / 10) for number in range(100)]), 0.0, 10)
    assert (row.frames, row.body_share) == (100, 0.0)
    assert row.seconds_covered == pytest.approx(9.9)
    assert row.frames_per_s == pytest.approx(10.0)
    unknown = (row.activity_mean, row.activity_peak, row.seconds_still, row.seconds_moving)
    assert unknown == (None,) * 4
    assert (row.left_wrist_travel, row.right_wrist_travel) == (None, None)
    assert row.ranges_deg == {}


def test_one_frame_alone_says_angles_and_nothing_that_takes_time() -> None:
    row = pick(watch([make_facts(1.0, body=standing())]), 0.0, 10)
    assert (row.frames, row.body_share, row.seconds_covered, row.frames_per_s) == (1, 1.0, 0.0, None)
    assert (row.seconds_still, row.left_wrist_travel, row.activity_mean) == (None, None, None)
    assert row.ranges_deg["left_knee"].least == row.ranges_deg["left_knee"].greatest == standing().left_knee


def test_what_cannot_be_told_of_a_body_is_in_no_range_and_no_travel() -> None:
    unseen = standing()._replace(left_knee=np.nan, left_wrist_right=np.nan, left_wrist_up=np.nan)
    frames = [*stand_for(0.0, 5.0, body=unseen)]
    frames[20].motion = None
    for facts in frames[30:40]:
        assert facts.motion
        facts.motion = facts.motion._replace(activity=np.nan)
    row = pick(watch(frames), 0.0, 10)
    assert set(row.ranges_deg) == set(ANGLES) - {"left_knee"}
    assert row.left_wrist_travel is None
    assert row.right_wrist_travel == 0.0
    assert row.activity_mean == pytest.approx(0.2)


def test_ranges_are_of_the_least_and_the_greatest_angle() -> None:
    body = standing()
    frames = [
        make_facts(number / 10, body=body._replace(right_elbow=degrees, trunk_lean=degrees / 10))
        for number, degrees in enumerate((170.0, 40.0, np.nan, 90.0))
    ]
    row = pick(watch(frames), 0.0, 10)
    assert row.ranges_deg["right_elbow"] == (40.0, 170.0)
    assert row.ranges_deg["trunk_lean"] == (4.0, 17.0)


def test_activity_is_weighed_by_time_and_its_peak_is_no_single_frames() -> None:
    frames = [make_facts(number / 10, body=standing(), activity=1.0) for number in range(51)]
    frames += [make_facts(5.0 + number / 100, body=standing(), activity=0.0) for number in range(1, 101)]
    frames += [make_facts(6.1, body=standing(), activity=30.0), make_facts(6.2, body=standing(), activity=0.0)]
    row = pick(watch(frames), 0.0, 10)
    assert row.activity_mean == pytest.approx((5.0 + 30.0 * 0.1) / 6.2)
    assert row.activity_peak is not None
    assert 1.0 < row.activity_peak < 12.0


@pytest.mark.parametrize("fps", [10, 60])
def test_a_wrist_that_trembles_goes_nowhere_and_one_that_is_waved_does(fps: int) -> None:
    dice = np.random.default_rng(1)

    def watch_wrist(swing: float) -> WindowRow:
        frames = []
        for number in range(9 * fps):
            x = swing * np.sin(2.0 * np.pi * 0.5 * number / fps)
            x, y = x + dice.normal(0.0, 0.008), dice.normal(0.0, 0.008)
            frames.append(make_facts(number / fps, body=standing()._replace(left_wrist_right=x, left_wrist_up=y)))
        return pick(watch(frames), 0.0, 10)

    still, waving = watch_wrist(0.0), watch_wrist(0.5)
    assert still.left_wrist_travel == 0.0
    assert still.seconds_moving == 0.0
    # Four and a half swings of four times half a body scale.
    assert waving.left_wrist_travel == pytest.approx(9.0, rel=0.15)
    assert waving.seconds_moving == pytest.approx(9.0, rel=0.05)
    assert waving.right_wrist_travel == 0.0


def test_a_wrist_that_comes_back_elsewhere_has_not_travelled() -> None:
    away = standing()._replace(left_wrist_right=1.5)
    frames = [*stand_for(0.0, 2.0), *stand_for(2.6, 4.0, body=away)]
    assert pick(watch(frames), 0.0, 10).left_wrist_travel == 0.0


@pytest.mark.parametrize("fps", [15.0, 30.0])
def test_who_stands_is_still_and_who_walks_moves(fps: float) -> None:
    rows = watch(perform(Act(ActKind.WALK, 20.0, 40.0), seconds=60.0, fps=fps))
    standing_row, walking = pick(rows, 0.0, 10), pick(rows, 20.0, 10)
    assert standing_row.seconds_still is not None
    assert walking.seconds_moving is not None
    assert standing_row.seconds_still > 7.0
    assert walking.seconds_moving > 9.0
    assert standing_row.activity_mean is not None
    assert walking.activity_mean is not None
    assert walking.activity_mean > 3.0 * standing_row.activity_mean


def test_a_squat_and_a_wave_are_seen_in_ranges_and_travel() -> None:
    rows = watch(perform(Act(ActKind.SQUAT, 10.0, 20.0), Act(ActKind.WAVE, 21.0, 29.0, Side.LEFT), seconds=30.0))
    rest, squat, wave = (pick(rows, start_s, 10) for start_s in (0.0, 10.0, 20.0))
    assert squat.ranges_deg["left_knee"].least < 85.0
    assert rest.ranges_deg["left_knee"].least > 165.0
    assert rest.left_wrist_travel is not None
    assert wave.left_wrist_travel is not None
    assert rest.left_wrist_travel < 0.3
    assert wave.left_wrist_travel > 5.0
    assert wave.right_wrist_travel is not None
    assert wave.right_wrist_travel < 0.5
