"""Streams that share a partition: order of time, silence, wrong clocks, and polls cut anywhere."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Moment, Phase
from consumers.analytics.movements.recogniser import Movements
from consumers.analytics.results import ResultEvent
from consumers.analytics.saved_state import read_session, write_session
from consumers.analytics.streams import PartitionStreams
from keypoints.frame import FrameBatch
from tests.consumers.analytics.made_hands import START_US, make_frames, make_hand
from tests.consumers.analytics.made_streams import busy_minute, cut, interleave
from tests.consumers.analytics.working_out import only, take, work_out

SECOND_US = 1_000_000


def tell(events: list[ResultEvent]) -> list[tuple[str, str, str]]:
    """Of shapes: who, which, and whether it began or ended."""
    return [
        (event.result.performance.stream_id, event.result.finding.kind, event.phase.value)
        for event in only(events, Category.SHAPE)
    ]


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_events_are_the_same_to_the_last_byte_however_polls_cut_the_records(rows: int) -> None:
    batch = busy_minute()
    whole = PartitionStreams()
    parts = PartitionStreams()
    expected = [event.encode_json() for event in work_out(whole, batch)]
    assert len(expected) > 100
    assert [event.encode_json() for event in work_out(parts, *cut(batch, rows))] == expected


def test_going_on_from_saved_state_changes_nothing_wherever_it_was_saved() -> None:
    batch = busy_minute(streams=3, frames=200)
    expected = [event.encode_json() for event in work_out(PartitionStreams(), batch)]
    partition = PartitionStreams()
    found: list[bytes] = []
    for part in cut(batch, 13):
        found += [event.encode_json() for event in work_out(partition, part)]
        sessions = [
            read_session(write_session(session, partition.write_track(key)))
            for key in [(f"performer-{stream}", 1) for stream in range(3)]
            if (session := partition.get(key)) is not None
        ]
        partition = PartitionStreams([session for session in sessions if session is not None], partition.clock_us)
    assert found == expected


def test_ids_are_the_same_each_time_and_different_for_each_event() -> None:
    batch = busy_minute()
    once, again = (work_out(PartitionStreams(), batch) for _ in range(2))
    assert [event.event_id for event in once] == [event.event_id for event in again]
    assert len({event.event_id for event in once}) == len(once)
    starts = {event.result.result_id for event in once if event.phase is Phase.START}
    assert {event.result.result_id for event in once if event.phase is Phase.END} <= starts


def test_an_open_gesture_of_a_silent_stream_ends_when_other_streams_have_gone_on() -> None:
    partition = PartitionStreams()
    silent = make_frames([make_hand("open")] * 30, stream_id="silent")
    assert tell(work_out(partition, interleave(silent))) == [("silent", "open", "start")]
    others = make_frames([None] * 400, stream_id="other", start_us=START_US - 86_400 * SECOND_US)
    events = work_out(partition, interleave(others, first_offset=30))
    assert tell(events) == [("silent", "open", "end")]
    assert events[0].result.finding.last_offset == 29
    assert partition.get(("silent", 1)) is None


def test_a_stream_alone_in_its_partition_stays_open_because_no_time_passes_there() -> None:
    partition = PartitionStreams()
    work_out(partition, interleave(make_frames([make_hand("open")] * 30)))
    session = partition.get(("stage-left", 1))
    assert session is not None
    assert session.watch.shapes.right.held is not None


def test_a_stream_whose_clock_leaps_does_not_end_the_others() -> None:
    partition = PartitionStreams()
    steady = make_frames([make_hand("open")] * 60, stream_id="steady")
    leaping = make_frames([None] * 60, stream_id="leaping")
    leaping = [
        replace(frame, captured_at_us=frame.captured_at_us + (3_600 * SECOND_US if number >= 30 else 0))
        for number, frame in enumerate(leaping)
    ]
    assert tell(work_out(partition, interleave(steady, leaping))) == [("steady", "open", "start")]


def test_late_frames_are_counted_and_do_not_disturb_the_gesture() -> None:
    partition = PartitionStreams()
    frames = make_frames([make_hand("open")] * 30)
    late = make_frames([make_hand("closed")] * 30)
    mixed = [frame for number in range(30) for frame in ([frames[number], late[number - 5]][: 1 + (number >= 5)])]
    assert tell(work_out(partition, FrameBatch.from_frames(mixed))) == [("stage-left", "open", "start")]
    session = partition.get(("stage-left", 1))
    assert session is not None
    assert (session.counts.frames, session.counts.right, session.counts.late) == (55, 30, 25)


def test_a_clock_set_back_ends_the_gesture_and_the_stream_goes_on() -> None:
    partition = PartitionStreams()
    before = make_frames([make_hand("open")] * 30)
    after = [
        replace(frame, sequence=frame.sequence + 30, captured_at_us=frame.captured_at_us - 3_600 * SECOND_US)
        for frame in make_frames([make_hand("closed")] * 30)
    ]
    assert tell(work_out(partition, FrameBatch.from_frames(before + after))) == [
        ("stage-left", "open", "start"),
        ("stage-left", "open", "end"),
        ("stage-left", "closed", "start"),
    ]


@pytest.mark.parametrize("captured_at_us", [-1, 2**63 - 1, -(2**63) + 1])
def test_one_frame_with_an_impossible_time_does_not_stop_a_stream(captured_at_us: int) -> None:
    partition = PartitionStreams()
    frames = make_frames([make_hand("open")] * 31)
    for place in (0, 15):
        frames[place] = replace(frames[place], captured_at_us=captured_at_us)
    assert tell(work_out(partition, FrameBatch.from_frames(frames))) == [("stage-left", "open", "start")]
    session = partition.get(("stage-left", 1))
    assert session is not None
    assert session.counts.late == 2


def test_when_a_clock_that_leapt_ahead_comes_back_the_stream_goes_on_at_once() -> None:
    partition = PartitionStreams()
    frames = make_frames([make_hand("open")] * 30 + [None] * 30 + [make_hand("closed")] * 30)
    leapt = [
        replace(frame, captured_at_us=frame.captured_at_us + (5 * SECOND_US if 30 <= number < 55 else 0))
        for number, frame in enumerate(frames)
    ]
    assert [
        kind for _, kind, phase in tell(work_out(partition, FrameBatch.from_frames(leapt))) if phase == "start"
    ] == [
        "open",
        "closed",
    ]


class Breaking(Movements):
    """Breaks at the tenth frame it sees."""

    def advance(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        if self.frames >= 9:
            raise ZeroDivisionError("for the test")
        return super().advance(moment, facts)


def test_a_recogniser_that_breaks_is_said_and_costs_only_its_own_stream(caplog: pytest.LogCaptureFixture) -> None:
    partition = PartitionStreams()
    broken = make_frames([make_hand("open")] * 60, stream_id="broken")
    healthy = make_frames([make_hand("open")] * 60, stream_id="healthy")
    batch = interleave(broken, healthy)
    work_out(partition, batch.take(range(10)))
    session = partition.get(("broken", 1))
    assert session is not None
    session.watch.movements = Breaking(frames=session.watch.movements.frames)
    outcome = take(partition, batch.take(range(10, len(batch))))
    assert outcome.failures == 1
    assert [record.message for record in caplog.records] == ["a recogniser broke, and the stream is watched anew"]
    told = tell([event for _, event in outcome.events])
    assert not any(stream == "healthy" for stream, _, _ in told), "what it holds goes on"
    # What was held ends with the frame that broke, and what is held then begins anew.
    assert [(kind, phase) for stream, kind, phase in told if stream == "broken"][-1] == ("open", "start")
    assert session.counts.frames == 60
