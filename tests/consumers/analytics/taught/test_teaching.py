"""What a teacher is told, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from consumers.analytics.taught.gesture import MovementExamples, NameRefused, ShapeExamples, TaughtGesture, TaughtHand
from consumers.analytics.taught.lesson import TeachingRefused
from consumers.analytics.taught.teaching import take_hands, teach_movement, teach_shape
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.performer import Performer
from tests.consumers.analytics.taught.own_gestures import (
    draw_eight,
    held,
    show_shaka,
    subject,
    taught_eight,
    taught_shaka,
    turn_hand,
)


def perform(kind: ActKind, seconds: float = 4.0, seed: int = 1) -> FrameBatch:
    return Performer(kind, [Act(kind, 0.0, seconds)], seed=seed).batch(np.arange(round(seconds * 30)) / 30.0)


def test_a_hand_on_its_way_into_the_shape_is_left_out() -> None:
    shown, _ = take_hands(show_shaka(2), TaughtHand.RIGHT)
    _, lesson = teach_shape(subject("shaka"), shown, [])
    assert 20 < lesson.left_out < 60
    assert lesson.taken + lesson.left_out == shown.hands.shape[2]
    assert lesson.consistency == "much alike"


def test_two_frames_are_too_few_and_that_is_said() -> None:
    shown, _ = take_hands(held(show_shaka(2), 2), TaughtHand.RIGHT)
    _, lesson = teach_shape(subject("shaka"), shown, [])
    assert lesson.missing == ("3 more: 5 examples at least, turned a little each",)


def test_teaching_again_adds_examples(shaka: TaughtGesture) -> None:
    shown, _ = take_hands(held(turn_hand(show_shaka(3), 80.0)), TaughtHand.RIGHT)
    more, lesson = teach_shape(subject("shaka"), shown, [shaka])
    assert isinstance(shaka.examples, ShapeExamples)
    assert (lesson.taken, lesson.kept, lesson.missing) == (5, 5, ())
    assert more.examples != shaka.examples
    assert more.version != shaka.version
    assert more.source == "performers; performers"


def test_examples_taught_two_at_a_time_add_up() -> None:
    known: list[TaughtGesture] = []
    for seed, still_missing in ((2, ("3 more: 5 examples at least, turned a little each",)),
                                (3, ("1 more: 5 examples at least, turned a little each",)), (4, ())):  # fmt: skip
        shown, _ = take_hands(held(show_shaka(seed), 2), TaughtHand.RIGHT)
        gesture, lesson = teach_shape(subject("shaka"), shown, known)
        known = [gesture]
        assert lesson.missing == still_missing


def test_a_shape_that_is_built_in_or_taught_already_is_named(shaka: TaughtGesture) -> None:
    victory, _ = take_hands(perform(ActKind.VICTORY).take(np.arange(30, 90, 6)), TaughtHand.RIGHT)
    assert teach_shape(subject("peace"), victory, [])[1].resembles == ("victory",)
    same, _ = take_hands(held(show_shaka(4)), TaughtHand.RIGHT)
    assert teach_shape(subject("hang_loose"), same, [shaka])[1].resembles == ("shaka",)


def test_a_hand_that_hangs_is_refused() -> None:
    shown, _ = take_hands(perform(ActKind.IDLE), TaughtHand.RIGHT)
    with pytest.raises(TeachingRefused, match="hangs relaxed"):
        teach_shape(subject("nothing"), shown, [])


def test_frames_without_the_hand_are_refused() -> None:
    batch = held(show_shaka(2))
    batch.right_hand_present[:] = False
    with pytest.raises(TeachingRefused, match="no right hand was seen in 5 frames"):
        take_hands(batch, TaughtHand.RIGHT)


@pytest.mark.parametrize("name", ["open", "wave", "squat", "frozen", "1st", "my-shape", "", "é", "a" * 49])
def test_names_that_are_taken_or_none_are_refused(name: str) -> None:
    shown, _ = take_hands(held(show_shaka(2)), TaughtHand.RIGHT)
    with pytest.raises(NameRefused):
        teach_shape(subject(name), shown, [])


def test_a_name_keeps_its_kind_and_hand(shaka: TaughtGesture) -> None:
    with pytest.raises(TeachingRefused, match="is a shape of either hand already, not a movement of either"):
        teach_movement(subject("shaka"), [draw_eight(1)], [shaka])
    shown, _ = take_hands(held(show_shaka(2)), TaughtHand.RIGHT)
    with pytest.raises(TeachingRefused, match="not a shape of right"):
        teach_shape(subject("shaka", TaughtHand.RIGHT), shown, [shaka])


def test_one_performance_is_too_few_and_that_is_said() -> None:
    _, lesson = teach_movement(subject("eight"), [draw_eight(1)], [])
    assert lesson.missing == ("2 more: 3 examples at least",)
    assert lesson.consistency == "not known of a single example"


def test_performances_are_added_one_by_one() -> None:
    gesture, _ = teach_movement(subject("eight"), [draw_eight(1)], [])
    gesture, lesson = teach_movement(subject("eight"), [draw_eight(2, speed=1.2)], [gesture])
    assert (lesson.taken, lesson.kept) == (1, 2)
    gesture, lesson = teach_movement(subject("eight"), [draw_eight(3, speed=0.8)], [gesture])
    assert lesson.kept == 3
    assert not lesson.missing


def test_a_movement_taught_already_is_named() -> None:
    eight = taught_eight()
    _, lesson = teach_movement(subject("infinity"), [draw_eight(seed) for seed in (4, 5, 6)], [eight])
    assert lesson.resembles == ("eight",)


def test_a_movement_that_is_built_in_is_named() -> None:
    swipes = [perform(ActKind.SWIPE_LEFT, 5.5, seed) for seed in (1, 2, 3)]
    _, lesson = teach_movement(subject("brush"), swipes, [])
    assert "swipe_left" in lesson.resembles


def test_a_hand_that_does_not_move_is_refused() -> None:
    with pytest.raises(TeachingRefused, match="example 1: the hand hardly moves"):
        teach_movement(subject("still"), [perform(ActKind.IDLE)], [])


def test_a_source_that_was_not_cut_is_refused() -> None:
    walk = Performer("w", [Act(ActKind.WAVE, 0.0, 14.0)], seed=1).batch(np.arange(420) / 30.0)
    with pytest.raises(TeachingRefused, match="the hand moves for 1"):
        teach_movement(subject("long"), [walk], [])


def test_without_a_body_it_is_said_that_places_are_not_known() -> None:
    batch = draw_eight(1)
    batch = replace(batch, pose_present=np.zeros(len(batch), dtype=np.bool_))
    gesture, lesson = teach_movement(subject("eight"), [batch], [])
    assert any("a body" in missing for missing in lesson.missing)
    assert isinstance(gesture.examples, MovementExamples)
    assert not gesture.examples.tracks[0].placed


@pytest.fixture(scope="module")
def shaka() -> TaughtGesture:
    return taught_shaka()
