"""Which hand shapes are seen in recordings of real people."""

from pathlib import Path

import pytest

from consumers.analytics.finding import Change, Phase
from keypoints.frame import FrameBatch, HolisticFrame
from tests.consumers.analytics import pose_file
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.shapes.watching import read_hands, watch


def find_shapes(frames: list[HolisticFrame]) -> list[Change]:
    return [change for _, change in watch(read_hands(FrameBatch.from_frames(frames)))]


def find_landmarks(video: Path) -> list[HolisticFrame]:
    """The video as the producer publishes it."""
    from producer_service.capture.captured import Captured
    from producer_service.capture.open_source import SourceOptions, open_source
    from producer_service.encode import FrameNumbering, make_frame
    from producer_service.landmarks.holistic import HolisticLandmarker

    landmarker = HolisticLandmarker(still=False)
    numbering = FrameNumbering(video.stem, epoch=1)
    try:
        return [
            make_frame(captured, landmarker.find(captured.image), numbering, 0, mirrored=False, model="test")
            for captured in open_source(video, SourceOptions(started_at_us=START_US), lambda: START_US).read()
            if isinstance(captured, Captured)
        ]
    finally:
        landmarker.close()


@pytest.mark.mediapipe
def test_hoy_shows_one_thumbs_down_of_the_right_hand_from_where_the_thumb_turns_down_to_the_end(
    shared_data: Path,
) -> None:
    frames = find_landmarks(shared_data / "videos" / "hoy_001.mp4")
    assert len(frames) == 64
    [(phase, finding)] = find_shapes(frames)
    assert (finding.subject, finding.kind) == ("right", "thumbs_down")
    # The hand swings down in frames 12 to 14.
    assert abs(finding.first_offset - 13) <= 5
    assert phase is Phase.START, "the thumb is still down when the video ends"


@pytest.mark.mediapipe
def test_doctor_shows_the_fist_that_is_tapped_and_the_curled_hand_at_the_mouth_and_no_more(shared_data: Path) -> None:
    changes = find_shapes(find_landmarks(shared_data / "videos" / "doctor_001.mp4"))
    begun = [(change.finding.subject, change.finding.kind) for change in changes if change.phase is Phase.START]
    assert begun == [("left", "closed"), ("right", "closed")]
    [end] = [change.finding for change in changes if change.phase is Phase.END]
    assert end.subject == "right"
    # From frame 18 on the right hand is at the ear, and then taps with two straight fingers.
    assert end.last_offset <= 22


def test_no_shape_comes_from_a_hand_that_is_absent_in_a_recording(shared_data: Path) -> None:
    frames = pose_file.read_hands(shared_data / "recordings" / "example.pose")
    assert any(frame.right_hand is None for frame in frames)
    changes = find_shapes(frames)
    assert {(change.finding.subject, change.finding.kind) for change in changes} == {
        ("left", "pointing"),
        ("right", "pointing"),
    }
    for _, finding in changes:
        shown = [
            (frame.left_hand if finding.subject == "left" else frame.right_hand) is not None
            for frame in frames[finding.first_offset : finding.last_offset + 1]
        ]
        assert shown[0]
        assert shown[-1]
        assert finding.observed == sum(shown) / len(shown)
