"""The classic JSON people already write, and what is said of JSON that is no frame."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from keypoints import HolisticFrame, Part, decode, decode_records, encode
from keypoints.avro import Undecodable
from keypoints.landmarks import PART_SHAPES
from keypoints.topics import JSON_CONTENT_TYPE
from tests.keypoints.frames import Consumed, frames, make_frame


@settings(max_examples=15, deadline=None)
@given(frames())
def test_json_keeps_every_finite_number(frame: HolisticFrame) -> None:
    read = decode(encode(frame, JSON_CONTENT_TYPE))
    for part in PART_SHAPES:
        sent, received = frame.part(part), read.part(part)
        assert (sent is None) == (received is None)
        if sent is not None and received is not None:
            finite = np.isfinite(sent)
            assert np.array_equal(sent[finite], received[finite])
            assert np.isnan(received[~finite]).all()
    assert (read.stream_id, read.sequence, read.epoch, read.captured_at_us) == (
        frame.stream_id,
        frame.sequence,
        frame.epoch,
        frame.captured_at_us,
    )


def classic(**keypoints: object) -> dict[str, Any]:
    return {"timestamp": 1_700_000_000_123, "keypoints": {"pose": None, "face": None, **keypoints}}


def hand() -> list[dict[str, float]]:
    return [{"x": index / 21, "y": 0.5, "z": 0.0} for index in range(21)]


def test_a_record_with_only_the_classic_fields_is_a_frame() -> None:
    value = json.dumps(classic(right_hand=hand(), left_hand=[])).encode()
    frame = decode(value, key="käthe".encode(), partition=3, offset=17)
    assert (frame.stream_id, frame.sequence, frame.epoch) == ("käthe", 17, 0)
    assert frame.captured_at_us == 1_700_000_000_123_000
    assert frame.left_hand is None
    assert frame.right_hand is not None
    assert frame.right_hand.shape == (21, 3)


def test_without_a_key_the_stream_is_the_partitions_default() -> None:
    frame = decode(json.dumps(classic(right_hand=hand())).encode(), partition=3)
    assert frame.stream_id == "default-3"


def test_a_pose_without_visibility_has_it_unknown() -> None:
    frame = decode(json.dumps(classic(pose=[{"x": 0.1, "y": 0.2, "z": 0.3}] * 33)).encode())
    assert frame.pose is not None
    assert np.isnan(frame.pose[:, 3]).all()
    assert np.allclose(frame.pose[:, :3], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"{", "not JSON"),
        (b'{"keypoints": []}', "`keypoints`"),
        (b'{"temperature": 21}', "`keypoints`"),
        (json.dumps(classic(left_hand=hand()[:20])).encode(), "left_hand` has 20 points, expected 21"),
        (json.dumps(classic(left_hand=[{"x": 1}] * 21)).encode(), "left_hand"),
        (json.dumps(classic(left_hand=["x"] * 21)).encode(), "left_hand"),
        (json.dumps(classic(left_hand=[{"x": "a", "y": 0, "z": 0}] * 21)).encode(), "left_hand"),
        (json.dumps(classic(left_hand=7)).encode(), "left_hand"),
        (json.dumps(classic() | {"timestamp": "yesterday"}).encode(), "`timestamp` must be a whole number"),
        (json.dumps(classic() | {"sequence": True}).encode(), "`sequence` must be a whole number"),
        (json.dumps(classic() | {"width": 2**40}).encode(), "`width`"),
        (json.dumps(classic() | {"stream_id": 4}).encode(), "`stream_id` must be text"),
        (json.dumps(classic() | {"mirrored": 1}).encode(), "`mirrored` must be true or false"),
        (json.dumps(classic() | {"stream_id": "a\x00b"}).encode(), "U\\+0000"),
        (b"", "empty"),
        (None, "null"),
        (b"hello", "neither Avro nor JSON"),
    ],
)
def test_a_record_that_is_no_frame_says_why(value: bytes | None, said: str) -> None:
    with pytest.raises(Undecodable, match=said):
        decode(value)


def test_forms_may_be_mixed_on_one_topic() -> None:
    sent = [make_frame(sequence, absent=(Part.LEFT_HAND,) if sequence % 2 else ()) for sequence in range(9)]
    values = [encode(frame, JSON_CONTENT_TYPE if frame.sequence % 3 == 0 else "avro/binary") for frame in sent]
    decoded = decode_records([Consumed(value, offset) for offset, value in enumerate([*values[:4], b"?", *values[4:]])])
    assert [rejected.record.offset for rejected in decoded.rejected] == [4]
    assert decoded.batch.offset.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert all(decoded.batch.frame(row).equals(frame) for row, frame in enumerate(sent))
