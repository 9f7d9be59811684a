"""Shapes taught by a few examples, recognised on others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.features.geometry import Floats
from consumers.analytics.learning.rows import read_rows
from consumers.analytics.taught.gesture import TaughtGesture, TaughtHand
from consumers.analytics.taught.shapes import TaughtShapes
from consumers.analytics.taught.teaching import take_hands, take_labelled, teach_shape
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import HandLandmark
from performers.acts import HAND_ACTS, Act
from performers.camera import Camera
from performers.joints import SIDES, Side
from performers.performer import Performer, Stage
from performers.skeleton import Body
from tests.consumers.analytics.made_streams import cut
from tests.consumers.analytics.taught.own_gestures import (
    held,
    shapes_held,
    show_shaka,
    subject,
    taught_shaka,
    turn_hand,
)


@pytest.fixture(scope="module")
def shaka() -> TaughtGesture:
    return taught_shaka()


def test_a_shape_taught_from_five_frames_is_recognised_on_other_bodies_sides_and_turns(shaka: TaughtGesture) -> None:
    told = []
    for seed in range(20, 44):
        side = SIDES[seed % 2]
        body = Body(height_m=1.55 + 0.015 * (seed % 20), hands=0.92 + 0.01 * (seed % 17))
        camera = Camera.at_desk() if seed % 3 == 0 else Camera()
        batch = turn_hand(show_shaka(seed, side=side, body=body, camera=camera), 30.0 * (seed % 12), side)
        findings = shapes_held(batch, [shaka])
        told.append([(finding.kind, finding.subject) for finding in findings] == [("shaka", side.name.lower())])
    assert sum(told) / len(told) >= 0.95


def test_a_finding_says_which_teaching_it_is_of(shaka: TaughtGesture) -> None:
    (finding,) = shapes_held(show_shaka(5), [shaka])
    assert finding.made_by == shaka.version == TaughtShapes([shaka]).version_of("shaka")
    assert TaughtShapes([shaka]).version_of("open") is None


def test_no_built_in_shape_is_taken_for_a_taught_one(shaka: TaughtGesture) -> None:
    taught = TaughtShapes([shaka])
    for kind in HAND_ACTS:
        for side in SIDES:
            performer = Performer(kind, [Act(kind, 0.0, 6.0, side)], seed=3, stage=Stage(Body(1.7)))
            assert max(scores.max() for scores in taught.score(performer.batch(np.arange(24) / 4.0))) < 0.5, kind


def test_only_the_hand_it_was_taught_for_makes_it(shaka: TaughtGesture) -> None:
    right = replace(shaka, hand=TaughtHand.RIGHT)
    assert [finding.subject for finding in shapes_held(show_shaka(6), [right])] == ["right"]
    assert not shapes_held(show_shaka(6, side=Side.LEFT), [right])


def test_a_shape_taught_upright_is_not_recognised_upside_down() -> None:
    upright = taught_shaka(upright=True)
    shown = show_shaka(7)
    assert [finding.kind for finding in shapes_held(turn_hand(shown, 15.0), [upright])] == ["shaka"]
    assert "shaka" not in [finding.kind for finding in shapes_held(turn_hand(shown, 120.0), [upright])]


def test_scores_are_the_same_to_the_last_bit_however_polls_cut_the_frames(shaka: TaughtGesture) -> None:
    batch = FrameBatch.concat([show_shaka(8), show_shaka(9, side=Side.LEFT)])
    taught = TaughtShapes([shaka, replace(taught_shaka(upright=True), name="upright_shaka")])
    whole = taught.score(batch)
    for rows in (1, 7):
        parts = [taught.score(part) for part in cut(batch, rows)]
        for side in (0, 1):
            assert np.concatenate([part[side] for part in parts]).tobytes() == whole[side].tobytes()


def test_a_hand_that_is_absent_or_cannot_be_measured_has_no_taught_shape(shaka: TaughtGesture) -> None:
    batch = held(show_shaka(10), 3)
    batch.right_hand[1, HandLandmark.THUMB_TIP, 0] = np.nan
    batch.right_hand_present[2] = False
    left, right = TaughtShapes([shaka]).score(batch)
    assert not left.any()
    assert right[0, 0] >= 0.5
    assert right[1:, 0].tolist() == [0.0, 0.0]


def test_nothing_taught_costs_nothing_and_says_nothing() -> None:
    left, right = TaughtShapes().score(show_shaka(11))
    assert left.shape == right.shape == (120, 0)


def test_recorded_hands_of_one_label_are_told_from_the_other_labels(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "static_train.csv")
    labels = np.array(rows.labels)
    mine = np.flatnonzero(labels == "ok")
    learned = mine[:: len(mine) // 20][:20]
    gesture, lesson = teach_shape(subject("ring"), take_labelled(rows.values[learned]), [])
    scores = _score_rows(gesture, rows.values)
    assert lesson.resembles == ("ok",)
    assert (scores[np.setdiff1d(mine, learned)] >= 0.5).mean() > 0.95
    assert (scores[labels != "ok"] >= 0.5).mean() < 0.01


def test_a_hand_seen_in_a_mirror_is_the_same_hand(shaka: TaughtGesture) -> None:
    upright = taught_shaka(upright=True)
    shown = held(show_shaka(12))
    seen = shown.right_hand.copy()
    seen[:, :, 0] = 1.0 - seen[:, :, 0]
    mirrored = replace(shown, right_hand=seen, mirrored=np.ones(len(shown), dtype=np.bool_))
    assert TaughtShapes([upright]).score(mirrored)[1].min() >= 0.5
    assert TaughtShapes([shaka]).score(mirrored)[1].min() >= 0.5


def test_the_hand_held_higher_is_the_one_learned_from() -> None:
    shown, side = take_hands(held(show_shaka(1, side=Side.LEFT)), TaughtHand.EITHER)
    assert side is TaughtHand.LEFT
    gesture, _ = teach_shape(subject("shaka"), shown, [])
    assert [finding.subject for finding in shapes_held(show_shaka(2), [gesture])] == ["right"]


def _score_rows(gesture: TaughtGesture, values: Floats) -> Floats:
    hands = np.zeros((len(values), len(HandLandmark), 3), dtype=np.float32)
    hands[:, :, :2] = 0.5 + 0.2 * values.reshape(len(values), -1, 2)
    frames = [
        HolisticFrame(stream_id="rows", sequence=row, epoch=0, captured_at_us=row, processed_at_us=row, width=100,
                      height=100, right_hand=hand)
        for row, hand in enumerate(hands)
    ]  # fmt: skip
    return TaughtShapes([gesture]).score(FrameBatch.from_frames(frames))[1][:, 0]
