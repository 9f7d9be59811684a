"""What is recognised in recordings of real people, and of performers who do as they are told."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.frame_scores import score_frames
from consumers.analytics.results import GestureEvent, as_time
from consumers.analytics.shapes.hold import Phase
from consumers.analytics.shapes.rules import GestureRules
from consumers.analytics.streams import PartitionStreams
from keypoints.frame import FrameBatch, HolisticFrame
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.pose_file import read_hands

FPS = 30


def work_out(batch: FrameBatch) -> list[GestureEvent]:
    partition = PartitionStreams(GestureRules())
    return [event for frame in score_frames(batch) for event in partition.advance(frame)]


def begun(events: Sequence[GestureEvent], hand: str) -> list[tuple[str, int]]:
    """(kind, offset of the first frame) of each gesture of a hand."""
    return [
        (event.gesture.kind, event.gesture.source.first_offset)
        for event in events
        if event.phase is Phase.START and event.gesture.hand == hand
    ]


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
    events = work_out(FrameBatch.from_frames(frames))
    assert begun(events, "left") == []
    [(kind, first)] = begun(events, "right")
    assert kind == "thumbs_down"
    # The hand swings down in frames 12 to 14.
    assert abs(first - 13) <= 5
    assert [event.phase for event in events] == [Phase.START], "the thumb is still down when the video ends"


@pytest.mark.mediapipe
def test_doctor_shows_the_fist_that_is_tapped_and_the_curled_hand_at_the_mouth_and_no_more(shared_data: Path) -> None:
    events = work_out(FrameBatch.from_frames(find_landmarks(shared_data / "videos" / "doctor_001.mp4")))
    assert [kind for kind, _ in begun(events, "left")] == ["closed"]
    assert [kind for kind, _ in begun(events, "right")] == ["closed"]
    [end] = [event for event in events if event.phase is Phase.END]
    assert end.gesture.hand == "right"
    # From frame 18 on the right hand is at the ear, and then taps with two straight fingers.
    assert end.gesture.source.last_offset <= 22


def test_no_gesture_comes_from_a_hand_that_is_absent_in_a_recording(shared_data: Path) -> None:
    frames = read_hands(shared_data / "recordings" / "example.pose")
    assert any(frame.right_hand is None for frame in frames)
    events = work_out(FrameBatch.from_frames(frames))
    assert events
    for event in events:
        gesture = event.gesture
        first, last = gesture.source.first_offset, gesture.source.last_offset
        hands = [frame.left_hand if gesture.hand == "left" else frame.right_hand for frame in frames[first : last + 1]]
        assert hands[0] is not None
        assert hands[-1] is not None
        assert gesture.observed == sum(hand is not None for hand in hands) / len(hands)


@pytest.mark.parametrize("side", list(Side))
def test_a_performers_shapes_are_recognised_one_by_one_within_200_ms(side: Side) -> None:
    kinds = ["thumbs_up", "thumbs_down", "open", "closed", "pointing", "victory", "ok"]
    acts = [Act(ActKind(kind), 2.0 + 4 * place, 5.0 + 4 * place, side=side) for place, kind in enumerate(kinds)]
    batch = Performer("performer", acts, seed=1).batch(np.arange(32 * FPS) / FPS, start_us=START_US)
    events = work_out(batch)
    hand = side.name.lower()
    assert [kind for kind, _ in begun(events, hand)] == kinds
    assert begun(events, {"left": "right", "right": "left"}[hand]) == []
    for act, (_, first) in zip(acts, begun(events, hand), strict=True):
        wholly_s, _ = act.held_s
        assert act.start_s <= first / FPS <= wholly_s + 0.1
    for start, end in zip(events[::2], events[1::2], strict=True):
        assert (start.phase, end.phase) == (Phase.START, Phase.END)
        assert start.gesture.gesture_id == end.gesture.gesture_id


def test_ten_minutes_of_standing_and_walking_about_are_no_gesture() -> None:
    for seed in range(5):
        performer = Performer("performer", [Act(ActKind.WALK, 40.0, 110.0)], seed=seed)
        assert work_out(performer.batch(np.arange(120 * FPS) / FPS, start_us=START_US)) == []


def test_times_are_exact_to_the_microsecond() -> None:
    assert as_time(1_700_000_000_123_457).isoformat() == "2023-11-14T22:13:20.123457+00:00"
