"""Frames are numbered without gaps, carry the person's own sides, and become the records of the contract."""

import numpy as np
import pytest

from keypoints import PoseLandmark, decode
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, FaceLandmark, HandLandmark, Part
from producer_service.capture.captured import Captured
from producer_service.encode import EpochClock, encode_record, make_frame
from producer_service.landmarks.landmarker import Landmarks, put_sides_right

PICTURE = Captured(np.zeros((720, 1280, 3), np.uint8), 1_700_000_000_123_456, 0)


def make_landmarks(seed: int = 1, face_points: int | None = None) -> Landmarks:
    rng = np.random.default_rng(seed)
    parts = {part.value: rng.random(shape).astype(np.float32) for part, shape in PART_SHAPES.items()}
    if face_points is not None:
        parts["face"] = parts["face"][:face_points]
    return Landmarks(**parts)


def test_numbers_have_no_gaps_and_begin_again_with_a_new_epoch() -> None:
    epochs = EpochClock()
    first = epochs.begin("ada", 100)
    second = epochs.begin("ada", 200)
    assert [first.take() for _ in range(3)] == [0, 1, 2]
    assert (first.epoch, second.epoch, second.take()) == (100, 200, 0)


def test_two_epochs_of_a_stream_never_share_a_number_not_even_in_the_same_microsecond() -> None:
    epochs = EpochClock()
    assert [epochs.begin("ada", 100).epoch for _ in range(3)] == [100, 101, 102]
    assert epochs.begin("bob", 100).epoch == 100


def test_a_given_epoch_is_kept_for_the_first_stretch() -> None:
    epochs = EpochClock(first=7)
    assert [epochs.begin("ada", 10**15).epoch, epochs.begin("bob", 10**15).epoch] == [7, 7]
    assert epochs.begin("ada", 10**15).epoch == 8


@pytest.mark.parametrize("content_type", ["avro/binary", "application/json"])
def test_a_record_is_read_back_as_the_frame_it_was_made_of(content_type: str) -> None:
    numbering = EpochClock().begin("ada", 5)
    frame = make_frame(PICTURE, make_landmarks(), numbering, 1_700_000_000_200_000, mirrored=False, model="test")
    record = encode_record(frame, content_type, None)
    assert record.key == b"ada"
    assert record.timestamp_ms == 1_700_000_000_123
    assert ("content-type", content_type.encode()) in record.headers
    assert decode(record.value, key=record.key).equals(frame)
    assert (frame.width, frame.height, frame.has_person) == (1280, 720, True)


def test_a_frame_with_a_right_hand_alone_has_a_person_and_one_with_nothing_has_none() -> None:
    numbering = EpochClock().begin("ada", 5)
    hand = Landmarks(right_hand=np.ones((21, 3), np.float32))
    assert make_frame(PICTURE, hand, numbering, 6, mirrored=False, model="test").has_person
    nobody = make_frame(PICTURE, Landmarks(), numbering, 7, mirrored=False, model="test")
    assert not nobody.has_person
    decoded = decode(encode_record(nobody, "avro/binary", None).value)
    assert [decoded.part(part) for part in Part] == [None] * 5


def test_in_a_mirrored_picture_every_side_changes_and_no_point_moves_in_the_picture() -> None:
    found = make_landmarks()
    right = put_sides_right(found)
    assert found.pose is not None
    assert right.pose is not None
    assert found.face is not None
    assert right.face is not None
    assert right.left_hand is found.right_hand
    assert right.right_hand is found.left_hand
    np.testing.assert_array_equal(right.pose[PoseLandmark.LEFT_WRIST], found.pose[PoseLandmark.RIGHT_WRIST])
    np.testing.assert_array_equal(right.pose[PoseLandmark.NOSE], found.pose[PoseLandmark.NOSE])
    np.testing.assert_array_equal(right.face[FaceLandmark.MOUTH_LEFT], found.face[FaceLandmark.MOUTH_RIGHT])
    np.testing.assert_array_equal(right.face[FaceLandmark.LEFT_IRIS_CENTER], found.face[FaceLandmark.RIGHT_IRIS_CENTER])
    np.testing.assert_array_equal(right.face[FaceLandmark.NOSE_TIP], found.face[FaceLandmark.NOSE_TIP])


def test_the_posture_in_metres_of_a_mirrored_person_is_the_real_one() -> None:
    found = make_landmarks()
    right = put_sides_right(found)
    assert found.pose_world is not None
    assert right.pose_world is not None
    x, y, z, visibility = found.pose_world[PoseLandmark.RIGHT_ELBOW]
    np.testing.assert_array_equal(right.pose_world[PoseLandmark.LEFT_ELBOW], [-x, y, z, visibility])


def test_putting_sides_right_twice_changes_nothing_and_absent_parts_stay_absent() -> None:
    found = make_landmarks(face_points=FACE_POINTS_WITHOUT_IRIS)
    twice = put_sides_right(put_sides_right(found))
    for part in Part:
        np.testing.assert_array_equal(getattr(twice, part.value), getattr(found, part.value))
    hand = put_sides_right(Landmarks(left_hand=np.ones((21, 3), np.float32)))
    assert hand.right_hand is not None
    assert hand.right_hand[HandLandmark.WRIST, 0] == 1
    assert (hand.pose, hand.pose_world, hand.face, hand.left_hand) == (None, None, None, None)
