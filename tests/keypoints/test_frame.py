"""Frames and batches: shapes, masks, identities, and mirrors."""

import numpy as np
import pytest

from keypoints import FaceLandmark, FrameBatch, HandLandmark, Part, PoseLandmark, decode_records, encode
from keypoints.errors import Terminal
from keypoints.frame import InvalidFrame
from keypoints.landmarks import (
    FACE_CONTOURS,
    FACE_MIRROR,
    FACE_POINTS,
    FACE_POINTS_WITHOUT_IRIS,
    HAND_CONNECTIONS,
    PART_SHAPES,
    POSE_CONNECTIONS,
    POSE_MIRROR,
    landmark_names,
)
from keypoints.topics import check_stream_id, format_origin, parse_origin
from tests.keypoints.frames import Consumed, make_frame


def test_a_frame_of_the_wrong_shape_names_the_part() -> None:
    with pytest.raises(InvalidFrame, match="right_hand has shape \\(20, 3\\)"):
        _ = make_frame().__class__(
            stream_id="ada",
            sequence=0,
            epoch=0,
            captured_at_us=0,
            processed_at_us=0,
            width=1,
            height=1,
            right_hand=np.zeros((20, 3), np.float32),
        )


@pytest.mark.parametrize("name", ["", "a\x00", "x" * 513, "\ud800"])
def test_a_stream_name_that_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(Terminal, match="stream name"):
        check_stream_id(name)


@pytest.mark.parametrize("name", ["ada", "käthe/room 2", "..", "'; drop table", "x" * 512, "手話"])
def test_any_other_text_is_a_stream_name(name: str) -> None:
    assert check_stream_id(name) == name


def test_a_right_hand_alone_is_a_person() -> None:
    alone = make_frame(absent=(Part.POSE, Part.POSE_WORLD, Part.FACE, Part.LEFT_HAND))
    nobody = make_frame(absent=tuple(Part))
    assert alone.has_person
    assert not nobody.has_person
    assert FrameBatch.from_frames([alone, nobody]).has_person.tolist() == [True, False]


def test_absent_parts_are_nan_and_masked_never_zero() -> None:
    batch = FrameBatch.from_frames([make_frame(0), make_frame(1, absent=tuple(Part))])
    for part in PART_SHAPES:
        assert batch.present(part).tolist() == [True, False]
        assert np.isnan(batch.part(part)[1]).all()


def test_rows_of_a_batch_are_the_frames_it_was_made_of() -> None:
    rows = [make_frame(sequence, absent=(Part.FACE,) if sequence == 2 else ()) for sequence in range(4)]
    batch = FrameBatch.from_frames(rows, partition=2, first_offset=40)
    assert all(batch.frame(row).equals(frame) for row, frame in enumerate(rows))
    assert batch.next_offsets() == {2: 44}
    joined = FrameBatch.concat([batch.take([3, 1]), batch.take(np.array([True, False, False, False]))])
    assert joined.offset.tolist() == [43, 41, 40]
    assert joined.keys == (b"ada",) * 3
    assert joined.frame(0).equals(rows[3])


def test_batches_of_several_topics_do_not_join() -> None:
    with pytest.raises(ValueError, match="several topics"):
        FrameBatch.concat([FrameBatch.empty("a"), FrameBatch.empty("b")])


def test_a_record_published_again_is_still_who_it_was() -> None:
    origin = (("holistic-origin", format_origin("frames", 4, 99)),)
    values = [encode(make_frame(sequence)) for sequence in range(5)]
    records = [Consumed(value, offset, headers=origin if offset == 2 else ()) for offset, value in enumerate(values)]
    batch = decode_records(records).batch
    assert batch.offset.tolist() == [0, 1, 2, 3, 4]
    assert batch.identity_offset.tolist() == [0, 1, 99, 3, 4]
    assert batch.identity_partition.tolist() == [0, 0, 4, 0, 0]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"topic",
        b"topic/x/1",
        b"topic/1/-2",
        b"/1/2",
        b"topic/2147483648/1",
        b"topic/1/9223372036854775808",
        b"topic/1/" + b"9" * 5000,
        b"no\x00topic/1/2",
        b"no\xfftopic/1/2",
        b"t" * 250 + b"/1/2",
        None,
    ],
)
def test_an_origin_that_cannot_be_read_is_none(damaged: bytes | None) -> None:
    assert parse_origin([("holistic-origin", damaged)]) is None


def test_mirrors_swap_sides_and_undo_themselves() -> None:
    for mirror, size in ((POSE_MIRROR, 33), (FACE_MIRROR, FACE_POINTS)):
        assert sorted(mirror.tolist()) == list(range(size))
        assert (mirror[mirror] == np.arange(size)).all()
    assert POSE_MIRROR[PoseLandmark.LEFT_WRIST] == PoseLandmark.RIGHT_WRIST
    assert POSE_MIRROR[PoseLandmark.NOSE] == PoseLandmark.NOSE
    assert FACE_MIRROR[FaceLandmark.LEFT_EYE_OUTER] == FaceLandmark.RIGHT_EYE_OUTER
    assert FACE_MIRROR[FaceLandmark.CHIN] == FaceLandmark.CHIN
    assert (FACE_MIRROR[:FACE_POINTS_WITHOUT_IRIS] < FACE_POINTS_WITHOUT_IRIS).all()
    for side in ("right", "left"):
        other = "left" if side == "right" else "right"
        for feature in ("eye", "brow", "iris"):
            here = {point for pair in FACE_CONTOURS[f"{side}_{feature}"] for point in pair}
            there = {point for pair in FACE_CONTOURS[f"{other}_{feature}"] for point in pair}
            assert {int(FACE_MIRROR[point]) for point in here} == there


def test_every_landmark_has_a_name_and_is_drawn() -> None:
    for part, (points, _) in PART_SHAPES.items():
        names = landmark_names(part)
        assert len(set(names)) == points
    assert landmark_names(Part.POSE)[PoseLandmark.LEFT_WRIST] == "left_wrist"
    assert {point for pair in HAND_CONNECTIONS for point in pair} == set(map(int, HandLandmark))
    assert {point for pair in POSE_CONNECTIONS for point in pair} == set(map(int, PoseLandmark))
