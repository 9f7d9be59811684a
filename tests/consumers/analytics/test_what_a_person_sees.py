"""The whole watch says of each act what a person watching would, and nothing a person would shake their head at."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from consumers.analytics.exercises.labelled import FRAME_US, read_clips
from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Category, Finding, Moment, Phase
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.streams import PartitionStreams
from consumers.analytics.taught.gesture import BUILT_IN
from consumers.analytics.watch import Watch
from holistic_cli.recordings.pose_take import read_pose_take
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer
from tests.consumers.analytics.movements.made_movements import make_act, perform
from tests.consumers.analytics.shapes.test_recordings import find_landmarks
from tests.consumers.analytics.working_out import take

FPS = 30
Told = tuple[str, str]
"""A kind and its subject."""

HAND: Final = "hand"
"""The one that does it; OTHER is the other one."""
OTHER: Final = "other"
_OPEN_HANDS: Final = {("open", HAND), ("open", OTHER)}
SEEN: Final[dict[ActKind, set[Told]]] = {
    ActKind.IDLE: set(),
    ActKind.WAVE: {("wave", HAND), ("open", HAND)},
    ActKind.THUMBS_UP: {("thumbs_up", HAND)},
    ActKind.THUMBS_DOWN: {("thumbs_down", HAND)},
    ActKind.OPEN: {("open", HAND)},
    ActKind.CLOSED: {("closed", HAND)},
    ActKind.POINTING: {("pointing", HAND)},
    ActKind.VICTORY: {("victory", HAND)},
    ActKind.OK: {("ok", HAND)},
    ActKind.PINCH: {("pinch", HAND)},
    ActKind.ROCK: {("rock", HAND)},
    ActKind.I_LOVE_YOU: {("i_love_you", HAND)},
    ActKind.THREE: {("three", HAND)},
    ActKind.FOUR: {("four", HAND)},
    ActKind.WALK: {("walk", "body")},
    ActKind.SQUAT: {("squat", "body")},
    ActKind.FALL: {("fall", "body")},
    ActKind.HANDS_OUT: set(),
    ActKind.LEAVE: {("left_frame", "body")},
    ActKind.SPEAK: {("speaking", "face")},
    ActKind.BLINK: {("blink", "face")},
    ActKind.HEAD_TURN: set(),
    ActKind.T_POSE: {("t_pose", "body"), *_OPEN_HANDS},
    ActKind.PUSH_UP: {("push_up", "body"), *_OPEN_HANDS},
    ActKind.JUMPING_JACK: {("jumping_jack", "body")},
    ActKind.CURL: {("curl", HAND), ("closed", HAND)},
    ActKind.HALF_SQUAT: {("half_squat", "body")},
    ActKind.POOR_SQUAT: {("squat", "body")},
    ActKind.SIDEWAYS: set(),
    ActKind.NOD: {("nod", "head")},
    ActKind.SHAKE: {("shake", "head")},
    ActKind.CLAP: {("clap", "both"), *_OPEN_HANDS},
    ActKind.SWIPE_LEFT: {("swipe_left", HAND), ("open", HAND)},
    ActKind.SWIPE_RIGHT: {("swipe_right", HAND), ("open", HAND)},
    ActKind.SWIPE_UP: {("swipe_up", HAND), ("open", HAND)},
    ActKind.SWIPE_DOWN: {("swipe_down", HAND), ("open", HAND)},
    ActKind.CIRCLE_CLOCKWISE: {("circle_clockwise", HAND), ("pointing", HAND)},
    ActKind.CIRCLE_COUNTER_CLOCKWISE: {("circle_counter_clockwise", HAND), ("pointing", HAND)},
    ActKind.RAISE_HAND: {("raised_hand", HAND)},
    ActKind.CROSS_ARMS: {("crossed_arms", "both")},
    ActKind.JUMP: {("jump", "body")},
    ActKind.SIT: {("sit_down", "body"), ("sitting", "body"), ("stand_up", "body")},
    ActKind.REACH_FACE: set(),
    ActKind.GESTICULATE: _OPEN_HANDS,
}
"""What is to be told of an act, all of it."""
MAY_BE_SEEN: Final[dict[ActKind, set[Told]]] = {
    # The hand is at the image's upper edge.
    ActKind.RAISE_HAND: {("open", HAND)},
    # Three steps, about.
    ActKind.LEAVE: {("walk", "body")},
    # Of who lies with the head to the camera, the hands on the floor are below the image.
    ActKind.PUSH_UP: {("push_up", "body"), *_OPEN_HANDS},
}
"""What people would not agree about."""


def watch(batch: FrameBatch) -> list[Finding]:
    """What begins or happens in the records of one stream, to its end."""
    partition = PartitionStreams()
    outcome = take(partition, batch)
    outcome.extend(partition.end_all(len(batch), Repertoire()))
    return [event.result.finding for _, event in outcome.events if event.phase is not Phase.END]


def tell(findings: Iterable[Finding], side: Side) -> set[Told]:
    """What was found, by the hand that does it or the other; blinks apart, for nobody holds their eyes open."""
    hands = {"left": HAND if side is Side.LEFT else OTHER, "right": HAND if side is Side.RIGHT else OTHER}
    return {(finding.kind, hands.get(finding.subject, finding.subject)) for finding in findings}


def check_act(kind: ActKind, seed: int, *, yaw_deg: float, fps: float) -> None:
    told = tell(watch(perform(kind, seed, yaw_deg=yaw_deg, fps=fps)), make_act(kind, seed).side)
    least, most = SEEN[kind] - MAY_BE_SEEN.get(kind, set()), SEEN[kind] | MAY_BE_SEEN.get(kind, set())
    assert least <= told, (kind, seed, least - told)
    assert told <= most | {("blink", "face")}, (kind, seed, told - most)


def test_every_act_is_told_as_what_it_is_and_as_nothing_else() -> None:
    assert set(SEEN) == set(ActKind)
    for seed, kind in enumerate(ActKind):
        check_act(kind, seed, yaw_deg=0.0, fps=FPS)


@pytest.mark.long
@pytest.mark.parametrize(("fps", "yaw_deg"), [(30, -20.0), (30, 20.0), (15, 10.0), (60, -10.0)])
def test_every_act_is_told_from_either_side_and_at_any_usual_rate(fps: float, yaw_deg: float) -> None:
    for kind in ActKind:
        for seed in range(2):
            check_act(kind, seed, yaw_deg=yaw_deg, fps=fps)


def test_who_gets_up_from_the_floor_does_not_swipe() -> None:
    for seed in range(4):
        falls = [Act(ActKind.FALL, 1.0 + 7.0 * turn, 7.0 + 7.0 * turn, Side(seed % 2)) for turn in range(3)]
        batch = Performer("performer", falls, seed=seed).batch(np.arange(23 * FPS) / FPS)
        assert [finding.kind for finding in watch(batch) if finding.kind != "blink"] == ["fall"] * 3


@pytest.mark.parametrize("yaw_deg", [-40.0, 40.0])
def test_jumping_jacks_seen_aslant_are_no_walk(yaw_deg: float) -> None:
    for seed in range(2):
        told = {finding.kind for finding in watch(perform(ActKind.JUMPING_JACK, seed, yaw_deg=yaw_deg))}
        # Their feet leave the floor.
        assert told - {"blink", "jump"} == {"jumping_jack"}


def test_after_a_minute_of_standing_nothing_ordinary_is_unusual() -> None:
    ordinary = (
        ActKind.WAVE,
        ActKind.SWIPE_LEFT,
        ActKind.CLAP,
        ActKind.WALK,
        ActKind.SQUAT,
        ActKind.SIT,
        ActKind.REACH_FACE,
        ActKind.GESTICULATE,
        ActKind.HEAD_TURN,
        ActKind.CURL,
    )
    acts = [Act(kind, 65.0 + 7.0 * place, 71.0 + 7.0 * place) for place, kind in enumerate(ordinary)]
    batch = Performer("performer", acts, seed=2).batch(np.arange(136 * FPS) / FPS)
    assert [finding for finding in watch(batch) if finding.category is Category.ANOMALY] == []


@pytest.mark.mediapipe
def test_of_films_is_told_what_a_person_sees_in_them(shared_data: Path) -> None:
    def told(name: str) -> list[tuple[str, str, int]]:
        frames = find_landmarks(shared_data / "videos" / f"{name}.mp4")
        return [(each.kind, each.subject, each.first_offset) for each in watch(FrameBatch.from_frames(frames))]

    # The thumb turns down in frames 12 to 14, and stays so.
    [(kind, subject, offset)] = told("hoy_001")
    assert (kind, subject) == ("thumbs_down", "right")
    assert abs(offset - 13) <= 5
    # The left fist is tapped; the right hand is curled at the mouth at first.
    assert [(kind, subject) for kind, subject, _ in told("doctor_001")] == [("closed", "left"), ("closed", "right")]


def test_of_a_recorded_signer_with_body_and_face_is_told_that_both_hands_point(shared_data: Path) -> None:
    frames = read_pose_take(shared_data / "recordings" / "example.pose").frames
    assert any(frame.pose is not None for frame in frames)
    assert any(frame.face is not None for frame in frames)
    told = [(finding.kind, finding.subject) for finding in watch(FrameBatch.from_frames(frames))]
    # Both hands are there in frames 20 to 58 alone, with the index fingers stretched.
    assert sorted(told) == [("pointing", "left"), ("pointing", "right")]


def test_of_filmed_squats_is_told_that_they_are_squats(shared_data: Path) -> None:
    for clip in read_clips(shared_data / "squat" / "train.csv"):
        watched, kinds = Watch(), []
        for number, body in enumerate(clip.bodies):
            at_us = number * FRAME_US
            facts = FrameFacts("film", 1, number, at_us, "t", 0, number, None, None, body, None)
            changes, _ = watched.advance(Moment(at_us, number), facts, Verdict.IN_TIME, Repertoire())
            kinds += [finding.kind for _, finding in changes]
        kinds += [finding.kind for _, finding in watched.end("film", Repertoire())[0]]
        assert kinds == ["squat"] * clip.repetitions


def test_no_gesture_that_is_taught_may_take_the_name_of_anything_that_is_told() -> None:
    assert {kind for told in SEEN.values() for kind, _ in told} <= BUILT_IN
