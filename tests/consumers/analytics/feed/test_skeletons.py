"""Skeletons of a stream: the newest frame, small, and not more often than a page can draw."""

import threading
import time
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from consumers.analytics.feed.skeleton import UNIT, describe_strokes, write_skeleton
from keypoints.frame import HolisticFrame
from keypoints.landmarks import PART_SHAPES, HandLandmark, Part, PoseLandmark
from performers.performer import Performer
from tests.consumers.analytics.feed.reading import read_socket
from tests.consumers.analytics.feed.serving import PATIENCE_S, Publisher


def made_frames(stream: str, count: int) -> list[HolisticFrame]:
    return list(Performer(stream).frames(count / 30, 30, start_us=int(time.time() * 1e6), epoch=1))


def read_back(frame: HolisticFrame) -> dict[str, Any]:
    written: dict[str, Any] = orjson.loads(write_skeleton(frame))
    return written


def test_points_are_where_they_were_to_a_ten_thousandth() -> None:
    (frame,) = made_frames("ada", 1)
    written = read_back(frame)
    assert frame.pose is not None
    assert frame.right_hand is not None
    nose = written["pose"][3 * PoseLandmark.NOSE : 3 * PoseLandmark.NOSE + 3]
    assert np.allclose(np.array(nose) / UNIT, frame.pose[PoseLandmark.NOSE, [0, 1, 3]], atol=0.5 / UNIT)
    wrist = written["right_hand"][2 * HandLandmark.WRIST : 2 * HandLandmark.WRIST + 2]
    assert np.allclose(np.array(wrist) / UNIT, frame.right_hand[HandLandmark.WRIST, :2], atol=0.5 / UNIT)
    assert (written["stream_id"], written["width"], written["height"]) == ("ada", frame.width, frame.height)
    assert written["captured_at_us"] == frame.captured_at_us


def test_a_frame_is_small() -> None:
    assert len(write_skeleton(made_frames("ada", 1)[0])) < 3_000


@pytest.mark.parametrize("part", [Part.POSE, Part.FACE, Part.LEFT_HAND, Part.RIGHT_HAND])
def test_what_was_not_seen_is_null(part: Part) -> None:
    (frame,) = made_frames("ada", 1)
    gone: dict[str, Any] = {part.value: None}
    written = read_back(replace(frame, **gone))
    assert written[part.value] is None
    assert sum(written[other.value] is None for other in PART_SHAPES if other is not Part.POSE_WORLD) == 1


def test_a_coordinate_that_is_no_number_is_null_and_its_neighbours_are_not() -> None:
    (frame,) = made_frames("ada", 1)
    assert frame.left_hand is not None
    hand = frame.left_hand.copy()
    hand[HandLandmark.THUMB_TIP, 0] = np.nan
    hand[HandLandmark.INDEX_FINGER_TIP, 1] = np.inf
    written = read_back(replace(frame, left_hand=hand))["left_hand"]
    nulls = [place for place, value in enumerate(written) if value is None]
    assert nulls == [2 * HandLandmark.THUMB_TIP, 2 * HandLandmark.INDEX_FINGER_TIP + 1]


def test_a_face_without_irises_has_its_outlines_and_no_irises() -> None:
    (frame,) = made_frames("ada", 1)
    assert frame.face is not None
    whole = read_back(frame)["face"]
    written = read_back(replace(frame, face=frame.face[:468]))["face"]
    assert len(written) == len(whole)
    assert sum(value is None for value in written) == 16
    assert [value for value in written if value is not None] == [
        value for value, other in zip(whole, written, strict=True) if other is not None
    ]


def test_every_line_joins_points_that_are_sent() -> None:
    written = read_back(made_frames("ada", 1)[0])
    for part, strokes in describe_strokes().items():
        points = len(written[part]) // (3 if part == "pose" else 2)
        drawn = {point for stroke in strokes for line in stroke["lines"] for point in line}
        assert drawn <= set(range(points))
        assert {stroke["side"] for stroke in strokes} <= {"left", "right", "middle"}
        assert {stroke["unless"] for stroke in strokes} <= {None, "left_hand", "right_hand", "face"}


@pytest.fixture
def name() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}"


@pytest.mark.servers
def test_whoever_comes_later_sees_the_newest_frame(address: str, publisher: Publisher, name: str) -> None:
    frames = made_frames(name, 40)
    publisher.frames(frames[:30])
    publisher.frames(made_frames(f"{name}-other", 3))
    with read_socket(address, f"/v1/skeleton/ws?stream={name}") as socket:
        sequences = [read_sequence(socket.recv(PATIENCE_S))]
        publisher.frames(frames[30:])
        while sequences[-1] != frames[-1].sequence:
            sequences.append(read_sequence(socket.recv(PATIENCE_S)))
    assert sequences == sorted(set(sequences))
    with read_socket(address, f"/v1/skeleton/ws?stream={name}") as socket:
        assert read_sequence(socket.recv(PATIENCE_S)) == frames[-1].sequence


@pytest.mark.servers
def test_frames_in_between_are_skipped(address: str, publisher: Publisher, name: str) -> None:
    frames = made_frames(name, 60)
    with read_socket(address, f"/v1/skeleton/ws?stream={name}") as socket:
        began_s = time.monotonic()
        publishing = threading.Thread(target=lambda: publisher.frames(frames, per_s=60))
        publishing.start()
        got: list[int] = []
        while not got or got[-1] != frames[-1].sequence:
            got.append(read_sequence(socket.recv(PATIENCE_S)))
        took_s = time.monotonic() - began_s
        publishing.join()
    assert len(got) <= 15 * took_s + 2


@pytest.mark.servers
def test_records_that_are_no_frames_are_passed_over(address: str, publisher: Publisher, name: str) -> None:
    (frame,) = made_frames(name, 1)
    with read_socket(address, f"/v1/skeleton/ws?stream={name}") as socket:
        damaged = replace(publisher, events_topic=publisher.topic)
        damaged.events(b"no frame", partition_by=name)
        publisher.frames([frame])
        assert read_sequence(socket.recv(PATIENCE_S)) == frame.sequence


def read_sequence(message: str | bytes) -> int:
    return int(orjson.loads(message)["sequence"])
