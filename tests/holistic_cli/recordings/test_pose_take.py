"""A .pose file is played as the frames it was made of: what was absent stays absent."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consumers.archive.export.pose_file import PoseFile
from consumers.archive.export.source import Survey
from holistic_cli.recordings.container import DamagedRecording
from holistic_cli.recordings.pose_take import COMPONENTS, PoseFormatMissing, read_pose_take
from keypoints.codec import decode
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import PART_SHAPES, Part
from performers.acts import Act, ActKind
from performers.performer import Performer


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


def test_what_our_own_export_wrote_is_read_as_it_was(tmp_path: Path) -> None:
    seen = Performer("ada", [Act(ActKind.LEAVE, 0.5, 2.5)], seed=2).frames(3.0, 10.0)
    frames = [frame if number % 3 else replace(frame, left_hand=None) for number, frame in enumerate(seen)]
    batch = FrameBatch.from_frames(frames)
    path = tmp_path / "ada.pose"
    width, height = frames[0].width, frames[0].height
    with path.open("w+b") as file, (tmp_path / "scratch").open("w+b") as scratch:
        writer = PoseFile(file, scratch, Survey(len(frames), 0, 0, width, height, 100_000, ()), 478)
        writer.write(batch, 0)
        writer.finish()
    taken = read_pose_take(path).frames
    assert any(frame.pose is None for frame in taken)
    for ours, theirs in zip(taken, frames, strict=True):
        assert ours.captured_at_us == theirs.captured_at_us
        for part in PART_SHAPES:
            found, expected = ours.part(part), theirs.part(part)
            assert (found is None) == (expected is None), part
            if found is not None and expected is not None:
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


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
