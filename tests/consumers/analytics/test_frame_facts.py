"""What is known of each record, however polls cut them."""

from dataclasses import replace

import numpy as np
import pytest

from consumers.analytics.facts import FrameFacts
from consumers.analytics.features.geometry import Floats
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.shapes.hand_shape import SHAPES, HandShape
from keypoints.frame import FrameBatch
from performers import Act, ActKind, Performer, Side
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.made_streams import cut


def perform() -> FrameBatch:
    """A busy performer, who also leaves, and frames in which this part or that is missing."""
    script = [
        Act(ActKind.THUMBS_UP, 0.5, 3.0, Side.LEFT),
        Act(ActKind.SQUAT, 3.0, 6.0),
        Act(ActKind.WALK, 6.0, 12.0),
        Act(ActKind.LEAVE, 12.0, 15.0),
        Act(ActKind.SPEAK, 15.0, 17.0),
    ]
    batch = Performer("dancer", script, seed=8).batch(np.linspace(0.0, 17.0, 512))
    dice = np.random.default_rng(3)
    return replace(
        batch,
        pose_world_present=batch.pose_world_present & (dice.random(len(batch)) > 0.1),
        face_points=np.where(dice.random(len(batch)) > 0.1, batch.face_points, 0).astype(np.int16),
        left_hand_present=batch.left_hand_present & (dice.random(len(batch)) > 0.1),
        mirrored=dice.random(len(batch)) > 0.8,
        identity_offset=batch.offset + 1_000,
    )


def test_polls_of_any_size_give_the_same_facts_to_the_last_bit() -> None:
    batch = perform()
    whole = [repr(facts) for facts in read_facts(batch)]
    for rows in (1, 7, 500):
        assert [repr(facts) for part in cut(batch, rows) for facts in read_facts(part)] == whole


def test_an_absent_part_is_none_whatever_its_rows_hold() -> None:
    batch = perform()
    facts = read_facts(batch)
    assert len(facts) == len(batch)
    presence = {
        "body": batch.pose_present,
        "face": batch.face_present,
        "left": batch.left_hand_present,
        "right": batch.right_hand_present,
    }
    for name, present in presence.items():
        assert [getattr(frame, name) is not None for frame in facts] == present.tolist()
        assert 0 < present.sum() < len(batch)
    assert not any(frame.has_person for frame, seen in zip(facts, batch.has_person, strict=True) if not seen)
    assert all(frame.motion is None for frame in facts)


def test_a_record_is_named_by_who_it_was_when_it_was_first_published() -> None:
    batch = perform()
    frame = read_facts(batch)[7]
    assert (frame.stream_id, frame.sequence, frame.epoch) == ("dancer", batch.sequence[7], batch.epoch[7])
    assert (frame.topic, frame.partition, frame.offset) == (batch.identity_topic[7], 0, 1_007)
    assert frame.captured_at_us == batch.captured_at_us[7]
    assert frame.image_width == pytest.approx(16 / 9)
    assert {type(value) for value in (frame.sequence, frame.epoch, frame.captured_at_us, frame.offset)} == {int}


def test_metres_that_are_absent_are_not_taken_from_what_their_rows_hold() -> None:
    batch = perform()
    absent = batch.pose_present & ~batch.pose_world_present
    assert absent.any()
    for frame, without_metres in zip(read_facts(batch), absent.tolist(), strict=True):
        if frame.body:
            assert np.isnan(frame.body.trunk_m) == without_metres


def read_hand(shape: str, side: str, *, mirrored: bool = False) -> FrameFacts:
    hand = make_hand(shape, side=side)
    (frame,) = make_frames([None])
    parts = replace(frame, mirrored=mirrored, left_hand=hand if side == "left" else None)
    return read_facts(FrameBatch.from_frames([replace(parts, right_hand=hand if side == "right" else None)]))[0]


def test_a_hand_says_its_side_shape_and_where_its_palm_looks() -> None:
    for side in ("left", "right"):
        facts = read_hand("victory", side)
        hand = facts.left if side == "left" else facts.right
        assert hand is not None
        assert (facts.right if side == "left" else facts.left) is None
        assert hand.palm_facing > 0.9
        assert hand.scores[SHAPES.index(HandShape.VICTORY)] > 0.5
        assert len(hand.scores) == len(SHAPES)


def test_a_hand_in_a_mirror_shows_its_palm_when_it_looks_like_the_other_hands() -> None:
    # In the mirror's image a left hand that shows its palm has its thumb where a right hand has it.
    hand = make_hand("open", side="right")
    (frame,) = make_frames([None])
    facts = read_facts(FrameBatch.from_frames([replace(frame, mirrored=True, left_hand=hand)]))[0]
    assert facts.left is not None
    assert facts.left.palm_facing > 0.9
    assert facts.mirrored


def test_a_hand_with_a_coordinate_that_is_not_finite_is_not_there() -> None:
    batch = FrameBatch.from_frames(make_frames([make_hand("open"), make_hand("open")]))
    batch.right_hand[0, 3, 1] = np.nan
    assert [frame.right is not None for frame in read_facts(batch)] == [False, True]


class _TwoTaught:
    """Scores that say which row and which side they are of."""

    def score(self, batch: FrameBatch) -> tuple[Floats, Floats]:
        rows = batch.offset.astype(np.float64) / 1_000.0
        return np.column_stack([rows, rows * 0.0]), np.column_stack([rows, rows * 0.0 + 1.0])


def test_scores_of_taught_shapes_follow_those_everybody_has() -> None:
    batch = perform()
    for row, frame in enumerate(read_facts(batch, _TwoTaught())):
        for hand, side in ((frame.left, 0.0), (frame.right, 1.0)):
            if hand is not None:
                assert list(hand.scores[len(SHAPES) :]) == [row / 1_000.0, side]


def test_no_frames_have_no_facts() -> None:
    assert read_facts(FrameBatch.empty()) == []
