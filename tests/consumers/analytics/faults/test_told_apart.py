"""What a fault of the capture is, what it is not, and what is left of the frames it befalls."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.recogniser import CaptureFaults
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Moment, Phase
from keypoints.frame import FrameBatch, HolisticFrame
from performers.acts import Act, ActKind
from performers.blemishes import alter_look
from performers.joints import Side
from performers.noise import Noise
from performers.performer import Stage
from performers.schedule import Look
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.watched_people import FPS, find, kinds, list_facts, only_finding, perform, seconds_in

SECOND_US = 1_000_000


def stand(seconds: float = 4.0, fps: float = FPS) -> list[HolisticFrame]:
    batch = perform([], seconds, fps=fps)
    return [batch.frame(row) for row in range(len(batch))]


def renumber(frames: Sequence[HolisticFrame]) -> list[HolisticFrame]:
    return [replace(frame, sequence=number) for number, frame in enumerate(frames)]


def see(frames: Sequence[HolisticFrame]) -> list[Change]:
    return find(FrameBatch.from_frames(frames))


def cleanse(frames: Sequence[HolisticFrame]) -> list[FrameFacts]:
    """What is left for other recognisers."""
    facts, faults = list_facts(FrameBatch.from_frames(frames)), CaptureFaults()
    for frame in facts:
        faults.advance(Moment(frame.captured_at_us, frame.offset), frame, Verdict.IN_TIME)
    return facts


def test_of_a_frozen_picture_nothing_is_left_from_its_fourth_frame_on() -> None:
    frames = stand()
    frozen = [
        replace(frames[40], sequence=frame.sequence, captured_at_us=frame.captured_at_us) for frame in frames[40:70]
    ]
    frames[40:70] = frozen
    finding = only_finding(see(frames), "frozen", Phase.END)
    assert (finding.first_offset, finding.last_offset) == (41, 69)
    left = cleanse(frames)
    assert not any(frame.has_person for frame in left[43:70])
    assert all(frame.is_doubted for frame in left[43:70])
    assert all(frame.body is not None for frame in [*left[:43], *left[70:]])
    assert left[70].motion is None, "they moved while nobody saw it"
    assert left[71].motion is not None


def test_a_camera_that_shows_each_picture_twice_is_not_frozen() -> None:
    frames = stand()
    twice = [
        replace(frames[number // 2], sequence=number, captured_at_us=frame.captured_at_us)
        for number, frame in enumerate(frames)
    ]
    assert kinds(see(twice)) == []


def test_somebody_who_hardly_moves_before_a_quiet_camera_is_not_frozen() -> None:
    assert kinds(find(perform([], 20.0, stage=Stage(noise=Noise(0.0))))) == []


@pytest.mark.parametrize("by_s", [-8.0, -2.0, 2.0, 9.0, 300.0])
def test_a_clock_that_leaps_and_leaps_back_is_one_time_jump(by_s: float) -> None:
    frames = stand(seconds=20.0)
    for number in range(60, 80):
        frames[number] = replace(frames[number], captured_at_us=frames[number].captured_at_us + round(by_s * SECOND_US))
    changes = see(frames)
    assert kinds(changes) == ["time_jump"]
    finding = changes[-1].finding
    assert (finding.first_offset, finding.last_offset) == (60, 79)
    assert finding.evidence["by_s"] == pytest.approx(by_s, abs=0.01)


def test_a_pause_of_the_camera_is_no_time_jump() -> None:
    frames = stand(seconds=6.0)
    later = [replace(frame, captured_at_us=frame.captured_at_us + 8 * SECOND_US) for frame in frames[90:]]
    assert kinds(see([*frames[:90], *later])) == []


def test_a_clock_set_back_for_good_is_told_once_and_the_stream_goes_on() -> None:
    frames = stand(seconds=6.0)
    earlier = [replace(frame, captured_at_us=frame.captured_at_us - 3_600 * SECOND_US) for frame in frames[90:]]
    finding = only_finding(see([*frames[:90], *earlier]), "time_jump", Phase.OCCURRED)
    assert finding.evidence["by_s"] == pytest.approx(-3_600.0, abs=0.1)


def test_a_time_that_cannot_be_is_told_with_the_time_before_it() -> None:
    frames = stand()
    for number in (50, 51, 52):
        frames[number] = replace(frames[number], captured_at_us=-5)
    finding = only_finding(see(frames), "time_jump", Phase.END)
    assert (finding.first_offset, finding.last_offset) == (50, 52)
    assert finding.evidence == {"impossible": True, "frames": 3}
    assert finding.started_us == frames[49].captured_at_us


def test_a_late_frame_fills_its_hole_and_is_late_not_missing() -> None:
    frames = stand()
    late = frames.pop(40)
    frames.insert(70, late)
    [change] = see(frames)
    assert (change.phase, change.finding.kind) == (Phase.OCCURRED, "late")
    assert change.finding.evidence["late_s"] == pytest.approx(1.0)


def test_frames_that_never_come_are_missing() -> None:
    frames = stand(seconds=6.0)
    [change] = see([*frames[:40], *frames[52:]])
    assert change.finding.kind == "missing"
    assert change.finding.evidence["frames_missing"] == 12
    assert (change.finding.first_offset, change.finding.last_offset) == (39, 40)


def test_the_same_frame_again_is_a_duplicate_soon_or_late() -> None:
    frames = stand(seconds=6.0)
    changes = see([*frames[:40], frames[39], *frames[40:120], frames[10], *frames[120:]])
    assert kinds(changes) == ["duplicate", "duplicate"]
    assert [change.finding.evidence["sequence"] for change in changes] == [39, 10]


def test_offsets_for_want_of_sequence_numbers_have_holes_where_other_streams_are() -> None:
    batch = perform([], 4.0)
    interleaved = replace(batch, offset=batch.offset * 3, identity_offset=batch.offset * 3, sequence=batch.offset * 3)
    assert kinds(find(interleaved)) == []


def test_exchanged_sides_leave_no_body_and_no_hands_and_are_right_again_at_once() -> None:
    frames = stand()
    frames[40:60] = [alter_look(frame, Look.SIDES_SWAPPED) for frame in frames[40:60]]
    finding = only_finding(see(frames), "sides_swapped", Phase.END)
    assert (finding.first_offset, finding.last_offset) == (40, 59)
    left = cleanse(frames)
    for frame in left[40:60]:
        assert (frame.body, frame.left, frame.right, frame.motion) == (None, None, None, None)
        assert frame.face is not None
    assert left[60].body is not None


def test_somebody_who_turns_about_as_fast_as_they_can_has_not_exchanged_sides() -> None:
    turns = [Act(ActKind.WALK, 0.5, 9.5)]
    for fps in (10, 15, 60):
        assert kinds(find(perform(turns, 10.0, fps=fps))) == []


def test_a_limb_that_cannot_be_leaves_no_body_and_not_its_hand() -> None:
    frames = stand()
    frames[40:55] = [alter_look(frame, Look.LONG_LIMB) for frame in frames[40:55]]
    finding = only_finding(see(frames), "limb", Phase.END)
    assert (finding.first_offset, finding.last_offset) == (40, 54)
    assert finding.evidence["limb"] == "right_forearm"
    length_m, usual_m = finding.evidence["length_m"], finding.evidence["usual_length_m"]
    assert isinstance(length_m, float)
    assert isinstance(usual_m, float)
    assert length_m / usual_m == pytest.approx(2.5, rel=0.1)
    left = cleanse(frames)
    assert all(frame.body is None and frame.right is None and frame.left is not None for frame in left[40:55])


def test_another_person_with_other_limbs_is_believed_after_a_while() -> None:
    frames = stand(seconds=12.0)
    frames[40:] = [alter_look(frame, Look.LONG_LIMB) for frame in frames[40:]]
    finding = only_finding(see(frames), "limb", Phase.END)
    assert seconds_in(finding.last_us) < 7.0
    assert cleanse(frames)[-1].body is not None


def test_who_is_lost_in_the_middle_is_a_dropout_and_who_walks_out_is_not() -> None:
    frames = stand()
    frames[40:70] = [alter_look(frame, Look.NOBODY) for frame in frames[40:70]]
    finding = only_finding(see(frames), "dropout", Phase.END)
    assert (finding.first_offset, finding.last_offset) == (40, 69)
    assert finding.evidence["moved_scales"] == pytest.approx(0.0, abs=0.2)
    for side in Side:
        assert kinds(find(perform([Act(ActKind.LEAVE, 1.0, 12.0, side=side)], 13.0))) == ["left_frame"]


def test_a_slow_stretch_is_a_rate_drop_and_one_slow_frame_is_not() -> None:
    frames = stand(seconds=8.0)
    slow = [frame for number, frame in enumerate(frames) if not 60 <= number < 120 or number % 4 == 0]
    finding = only_finding(see(renumber(slow)), "rate_drop", Phase.END)
    assert finding.evidence["usual_fps"] == pytest.approx(30.0, rel=0.02)
    assert finding.evidence["fps"] == pytest.approx(7.5, rel=0.1)
    assert 59 <= finding.first_offset <= 62
    skipped = [frame for number, frame in enumerate(frames) if number % 40 not in (1, 2, 3, 4)]
    assert kinds(see(renumber(skipped))) == []


def test_frames_without_anybody_are_no_fault() -> None:
    frames = [alter_look(frame, Look.NOBODY) for frame in stand()]
    assert see(frames) == []


def test_evidence_is_finite_and_every_start_has_its_end() -> None:
    frames = stand(seconds=10.0)
    frames[40:70] = [alter_look(frame, Look.NOBODY) for frame in frames[40:70]]
    frames[100:130] = [alter_look(frame, Look.SIDES_SWAPPED) for frame in frames[100:130]]
    frames[280:] = [alter_look(frame, Look.LONG_LIMB) for frame in frames[280:]]
    changes = see(frames)
    started = [change.finding for change in changes if change.phase is Phase.START]
    ended = [change.finding for change in changes if change.phase is Phase.END]
    assert [(one.kind, one.started_us) for one in started] == [(one.kind, one.started_us) for one in ended]
    assert len(started) == 3
    for finding in (*started, *ended):
        assert finding.severity is not None
        assert START_US <= finding.started_us <= finding.last_us
        assert all(np.isfinite(value) for value in finding.evidence.values() if isinstance(value, (int, float)))
