"""As many repetitions are counted as a performer does, whoever it is, however quickly, from wherever it is seen."""

from dataclasses import replace

import numpy as np
import pytest

from performers import Act, ActKind, Body, Camera, Noise, Side
from performers.exercises import repetition_starts_s
from performers.performer import Stage
from tests.consumers.analytics.exercises.exercising import (
    EVERYTHING_IN_VIEW,
    START_US,
    perform,
    recognise,
    repetitions_of,
    tally,
)

SUBJECTS = {ActKind.SQUAT: "body", ActKind.PUSH_UP: "body", ActKind.JUMPING_JACK: "body", ActKind.CURL: "right"}


@pytest.mark.parametrize("kind", SUBJECTS)
@pytest.mark.parametrize("repetition_s", [0.9, 1.6, 2.8, 6.0])
def test_every_repetition_is_counted_quick_or_slow(kind: ActKind, repetition_s: float) -> None:
    act = Act(kind, 1.0, 25.0, ease_s=min(1.0, repetition_s / 4), repetition_s=repetition_s)
    for seed in (1, 2):
        found = recognise(perform(act, seconds=27.0, seed=seed))
        assert tally(found) == {(kind, SUBJECTS[kind]): repetitions_of(act)}
        assert [finding.evidence["repetition"] for finding in found] == list(range(1, repetitions_of(act) + 1))


@pytest.mark.parametrize("kind", SUBJECTS)
def test_bodies_cameras_and_frame_rates_make_no_difference(kind: ActKind) -> None:
    act = Act(kind, 1.0, 21.0, ease_s=0.6, repetition_s=2.0)
    stages = [
        Stage(body=Body(1.52, breadth=0.92), camera=Camera(distance_m=3.0, height_m=0.7)),
        Stage(body=Body(1.93, breadth=1.12), camera=Camera(distance_m=4.4, height_m=1.2), noise=Noise(2.0)),
        Stage(camera=Camera(distance_m=3.6, width=1280, height=960)),
    ]
    for stage, fps in zip(stages, (60.0, 15.0, 10.0), strict=True):
        found = recognise(perform(act, seconds=23.0, fps=fps, stage=stage))
        assert tally(found) == {(kind, SUBJECTS[kind]): repetitions_of(act)}


@pytest.mark.parametrize("side", list(Side))
def test_squats_are_counted_from_the_side(side: Side) -> None:
    act = Act(ActKind.SQUAT, 2.0, 24.0)
    found = recognise(perform(Act(ActKind.SIDEWAYS, 0.0, 26.0, side=side), act, seconds=26.0))
    assert tally(found) == {("squat", "body"): repetitions_of(act)}


def test_each_arm_is_counted_by_itself() -> None:
    left, right = (Act(ActKind.CURL, 1.0, 22.0, side=side, repetition_s=2.0 + side) for side in (Side.LEFT, Side.RIGHT))
    assert tally(recognise(perform(left, right, seconds=24.0))) == {
        ("curl", "left"): repetitions_of(left),
        ("curl", "right"): repetitions_of(right),
    }


@pytest.mark.parametrize("kind", SUBJECTS)
def test_frames_in_which_nobody_is_found_lose_no_repetition(kind: ActKind) -> None:
    act = Act(kind, 1.0, 25.0, repetition_s=2.4)
    dice = np.random.default_rng(5)
    frames = [
        replace(facts, body=None) if dice.random() < 0.15 or facts.offset % 71 < 12 else facts
        for facts in perform(act, seconds=27.0)
    ]
    found = recognise(frames)
    assert tally(found) == {(kind, SUBJECTS[kind]): repetitions_of(act)}
    assert all(0.5 < finding.observed < 1.0 for finding in found[1:])


def test_a_repetition_runs_from_rest_to_rest() -> None:
    act = Act(ActKind.PUSH_UP, 1.0, 25.0, ease_s=1.2, repetition_s=3.0)
    found = recognise(perform(act, seconds=27.0))
    for finding, start_s in zip(found, repetition_starts_s(act), strict=True):
        duration_s = (finding.last_us - finding.started_us) / 1e6
        assert finding.evidence["duration_s"] == pytest.approx(duration_s)
        assert duration_s == pytest.approx(3.0, abs=0.8)
        assert (finding.started_us - START_US) / 1e6 == pytest.approx(start_s, abs=0.5)
        assert finding.last_offset - finding.first_offset == pytest.approx(30 * duration_s, abs=0.01)


def test_after_a_rest_another_set_begins() -> None:
    sets = [Act(ActKind.SQUAT, 1.0, 12.2), Act(ActKind.SQUAT, 26.0, 31.6)]
    found = recognise(perform(*sets))
    assert [finding.evidence["repetition"] for finding in found] == [1, 2, 3, 4, 1, 2]


def test_what_began_before_the_stream_is_not_counted() -> None:
    act = Act(ActKind.SQUAT, 0.0, 14.0)
    frames = perform(act, seconds=15.0)
    lowest = round(30 * 14.0 / repetitions_of(act) / 2)
    assert tally(recognise(frames[lowest:])) == {("squat", "body"): repetitions_of(act) - 1}


def test_half_repetitions_within_a_set_are_noted_and_not_counted() -> None:
    squats, halves = Act(ActKind.SQUAT, 1.0, 12.2), Act(ActKind.HALF_SQUAT, 13.0, 22.0)
    found = recognise(perform(squats, halves, seconds=24.0))
    assert tally(found) == {("squat", "body"): 4, ("half_squat", "body"): repetitions_of(halves)}
    assert [finding.evidence["counted"] for finding in found[3:5]] == [True, False]
    assert all(finding.evidence["too_shallow"] for finding in found[4:])
    assert {finding.evidence["repetition"] for finding in found[4:]} == {4}


def test_legs_or_hands_out_of_the_picture_count_nothing() -> None:
    desk = Stage(camera=Camera.at_desk())
    for kind in (ActKind.SQUAT, ActKind.JUMPING_JACK):
        assert recognise(perform(Act(kind, 1.0, 19.0), seconds=20.0, stage=desk)) == []
    from_above = Stage(camera=replace(EVERYTHING_IN_VIEW, height_m=1.5))
    assert recognise(perform(Act(ActKind.PUSH_UP, 1.0, 19.0), seconds=20.0, stage=from_above)) == []
