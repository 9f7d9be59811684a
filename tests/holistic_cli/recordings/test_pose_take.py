"""A .pose file is played as the frames it was made of: what was absent stays absent."""

import sys
from pathlib import Path

import numpy as np
import pytest

from holistic_cli.recordings.container import DamagedRecording
from holistic_cli.recordings.pose_take import COMPONENTS, PoseFormatMissing, read_pose_take
from keypoints.codec import decode
from keypoints.frame import HolisticFrame
from keypoints.landmarks import PART_SHAPES, Part


@pytest.fixture(scope="module")
def example(shared_data: Path) -> tuple[HolisticFrame, ...]:
    """97 frames at 25 a second of one real person, 468 points of the face."""
    return read_pose_take(shared_data / "recordings" / "example.pose").frames


def test_hands_are_there_where_pose_format_says_so_and_null_elsewhere(
    shared_data: Path, example: tuple[HolisticFrame, ...]
) -> None:
    from pose_format import Pose

    pose = Pose.read((shared_data / "recordings" / "example.pose").read_bytes())
    names = {
        Part.LEFT_HAND: "LEFT_HAND_LANDMARKS",
        Part.RIGHT_HAND: "RIGHT_HAND_LANDMARKS",
        Part.POSE: "POSE_LANDMARKS",
    }
    for part, name in names.items():
        hand = pose.get_components([name]).body
        seen = np.asarray(hand.confidence[:, 0] > 0).any(axis=1)
        assert seen.any()
        assert [frame.part(part) is not None for frame in example] == seen.tolist()
        for frame, points in zip(example, hand.data[:, 0], strict=True):
            values = frame.part(part)
            if values is not None:
                np.testing.assert_allclose(values[:, 0] * 320, points[:, 0], rtol=1e-5)
                np.testing.assert_allclose(values[:, 1] * 240, points[:, 1], rtol=1e-5)
                np.testing.assert_array_equal(values[:, 2], points[:, 2])
                assert np.abs(values).max() > 0
    assert not all(frame.left_hand is not None for frame in example)


def test_frames_have_the_files_rate_and_size(example: tuple[HolisticFrame, ...]) -> None:
    assert len(example) == 97
    np.testing.assert_array_equal([frame.captured_at_us for frame in example], np.arange(97) * 40_000)
    assert {(frame.width, frame.height, frame.stream_id) for frame in example} == {(320, 240, "example")}
    assert {frame.face.shape for frame in example if frame.face is not None} == {(468, 3)}


def test_world_landmarks_are_metres_about_the_hips(example: tuple[HolisticFrame, ...]) -> None:
    for frame in example:
        assert frame.pose_world is not None
        assert np.abs(frame.pose_world[:, :2]).max() < 1.5


def test_its_records_decode_to_its_frames(shared_data: Path) -> None:
    take = read_pose_take(shared_data / "recordings" / "example.pose", up_to=20)
    records = list(take.read())
    assert take.records == len(records) == 20
    assert take.streams == {b"example"}
    assert take.last_ms == 760
    for record, frame in zip(records, take.frames, strict=True):
        assert decode(record.value).equals(frame)
        assert record.timestamp_ms == frame.captured_at_us // 1000


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.pose"
    path.write_bytes(content)
    with pytest.raises(DamagedRecording, match=r"odd\.pose"):
        read_pose_take(path)


def test_without_pose_format_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pose_format", None)
    with pytest.raises(PoseFormatMissing, match="pose-format is not installed") as caught:
        read_pose_take(tmp_path / "any.pose")
    assert caught.value.hint is not None
    assert "pip install pose-format" in caught.value.hint


def test_every_part_of_a_frame_has_its_place() -> None:
    assert set(COMPONENTS) == set(PART_SHAPES)
