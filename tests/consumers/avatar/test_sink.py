"""The newest frame is sent at once, old ones never, and the state goes on being sent when no frame comes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from prometheus_client import generate_latest
from vmcp import events
from vmcp.typing import Bone as VmcBone
from vmcp.typing import TrackingState

from connect_runtime.compacted_log import MemoryCompactedLog
from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import Role
from consumers.avatar.cast.showing import DefaultTargets, Showing
from consumers.avatar.latency_log import LatencyLog
from consumers.avatar.metrics import FRAMES_PASSED_OVER, PACKETS_SENT, PERFORMERS_ON_STAGE
from consumers.avatar.outputs.target import make_output, parse_target
from consumers.avatar.sink import AvatarSink, Observers, SentFrame
from consumers.avatar.stage.stage import Stage, StageOptions
from keypoints import FrameBatch, HolisticFrame
from keypoints.topics import TRACKING_TOPIC
from observability.metrics import Metrics
from tests.consumers.avatar.puppet import film, turn
from tests.consumers.avatar.receiver import open_receiver, read_events, take_all

NOW_US = 1_700_000_000_000_000
FRAME_US = 33_333


@dataclass
class Stand:
    """A sink, a receiver at its target, and a clock to be moved by hand."""

    sink: AvatarSink
    receiver: Any
    metrics: Metrics
    sent: list[SentFrame]
    book: RoleBook
    now_us: int = NOW_US
    passes_us: int = 0
    """How much time passes between two looks at the clock."""

    def look_at_clock(self) -> int:
        now_us = self.now_us
        self.now_us += self.passes_us
        return now_us

    def put(self, *frames: HolisticFrame, first_offset: int = 0, partition: int = 0) -> list[Any]:
        """Put frames as one batch. Returns what the receiver understood."""
        self.sink.put(FrameBatch.from_frames(frames, first_offset=first_offset, partition=partition))
        return read_events(take_all(self.receiver))

    def passed_over(self, reason: str) -> float:
        return self.counted(f"{FRAMES_PASSED_OVER.name}_total", reason=reason)

    def counted(self, name: str, **labels: str) -> float:
        """A metric as Prometheus would read it; 0 while nothing was counted."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def make_stand() -> Iterator[Any]:
    """`make_stand(stream=…, stale_after_s=…)` gives a Stand."""
    opened: list[Stand] = []

    def make(stream: str | None = None, stale_after_s: float | None = 2.0) -> Stand:
        receiver, metrics, sent = open_receiver(), Metrics(), []  # type: ignore[var-annotated]
        host, port = receiver.getsockname()
        book = RoleBook(MemoryCompactedLog())
        defaults = DefaultTargets((f"{host}:{port}",), stream)
        sink = AvatarSink(
            Stage(StageOptions(stale_after_s)),
            Showing(book, defaults, lambda text: make_output(parse_target(text)), patience_s=15.0),
            metrics,
            clock_us=lambda: opened[-1].look_at_clock() if opened else NOW_US,
            observers=Observers(on_sent=sent.append),
        )
        opened.append(Stand(sink, receiver, metrics, sent, book))
        sink.open(Assignment((TopicPartition(TRACKING_TOPIC, 0),), 1, "member", 0))
        return opened[-1]

    yield make
    for stand in opened:
        stand.sink.stop()
        stand.receiver.close()


def frame(
    number: int, degrees: float = 0.0, *, stream_id: str = "ada", epoch: int = 1, age_us: int = 0
) -> HolisticFrame:
    """Frame `number` of a performer whose right arm is turned so far down, processed as it was captured."""
    at_us = NOW_US + number * FRAME_US - age_us
    seen = film({"RightUpperArm": turn("z", -degrees)}, sequence=number, stream_id=stream_id)
    return replace(seen, epoch=epoch, captured_at_us=at_us, processed_at_us=at_us)


def right_arm(received: list[Any]) -> float:
    """Degrees the right arm is turned about z in what was received last."""
    arms = [event for event in received if getattr(event, "joint", None) == VmcBone.RIGHT_UPPER_ARM]
    return float(np.degrees(-2 * np.arctan2(arms[-1].rotation.z, arms[-1].rotation.w)))


def states_in(received: list[Any]) -> int:
    return sum(isinstance(event, events.StateEvent) for event in received)


def test_a_frame_put_is_a_whole_state_received(make_stand: Any) -> None:
    stand = make_stand()
    assert isinstance(stand.sink, TickingSink)
    received = stand.put(frame(0))
    assert states_in(received) == 1
    bones = [event.joint for event in received if isinstance(event, events.BoneTransformEvent)]
    assert {VmcBone.HEAD, VmcBone.LEFT_HAND, VmcBone.RIGHT_INDEX_DISTAL, VmcBone.LEFT_UPPER_LEG} <= set(bones)
    assert len(bones) == len(set(bones))


def test_a_single_jump_of_a_limb_is_counted_once_it_is_over(make_stand: Any) -> None:
    stand, counted = make_stand(), []
    for number in range(55):
        stand.put(frame(number, 90.0 if number == 50 else 0.0), first_offset=number)
        counted.append(stand.counted("holistic_avatar_outliers_total"))
        stand.now_us += FRAME_US
    assert counted == [0.0] * 51 + [1.0] * 4


def test_counts_are_there_before_anything_is_counted(make_stand: Any) -> None:
    shown = generate_latest(make_stand().metrics.registry).decode()
    for line in (
        "holistic_avatar_packets_refused_total 0.0",
        'holistic_avatar_frames_passed_over_total{reason="stale"} 0.0',
        "holistic_avatar_capture_to_datagram_seconds_count 0.0",
    ):
        assert line in shown


def test_of_many_frames_at_once_the_newest_alone_is_sent(make_stand: Any) -> None:
    stand = make_stand()
    received = stand.put(*(frame(number) for number in range(50)))
    assert states_in(received) == 1
    assert [sent.offset for sent in stand.sent] == [49]
    assert stand.passed_over("superseded") == 49
    assert stand.sink.durable_offsets() == {TopicPartition(TRACKING_TOPIC, 0): 50}


def test_late_and_repeated_frames_are_counted_and_not_sent(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(10), frame(11), first_offset=10)
    assert stand.put(frame(10), frame(11), first_offset=10) == []
    assert stand.put(frame(9), first_offset=12) == []
    assert stand.put(frame(11), first_offset=13) == []
    assert (stand.passed_over("duplicate"), stand.passed_over("late")) == (3, 1)
    assert stand.sink.durable_offsets() == {TopicPartition(TRACKING_TOPIC, 0): 14}
    assert states_in(stand.put(frame(12), first_offset=14)) == 1


def test_frames_out_of_order_in_one_batch_are_shown_by_their_time(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(2), frame(5), frame(3))
    assert [sent.captured_at_us for sent in stand.sent] == [NOW_US + 5 * FRAME_US]
    assert stand.passed_over("late") == 1


def test_a_new_epoch_begins_a_new_time_even_an_earlier_one(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(500))
    assert states_in(stand.put(frame(0, epoch=2), first_offset=1)) == 1
    assert stand.put(frame(501, epoch=1, age_us=600 * FRAME_US), first_offset=2) == []


def test_a_clock_that_was_ahead_and_is_set_back_does_not_freeze_the_avatar(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(100_000))
    assert stand.put(frame(1), first_offset=1) == []
    stand.now_us += 2_500_000
    assert states_in(stand.put(frame(75), first_offset=2)) == 1
    assert states_in(stand.put(frame(76), first_offset=3)) == 1


def test_in_live_mode_stale_frames_are_skipped_but_done_with(make_stand: Any) -> None:
    stand = make_stand()
    assert stand.put(frame(0, age_us=5_000_000)) == []
    assert stand.sink.durable_offsets() == {TopicPartition(TRACKING_TOPIC, 0): 1}
    assert states_in(stand.put(frame(1), first_offset=1)) == 1
    assert stand.put(frame(2, age_us=3_000_000), frame(3, age_us=3_000_000), first_offset=2) == []
    stand.now_us += 5_000_000
    assert stand.put(frame(30), first_offset=4) == []
    assert stand.passed_over("stale") == 2


def test_frames_in_the_hands_of_a_process_that_was_stopped_are_not_shown_when_it_goes_on(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0))
    stand.passes_us = 15_000_000
    assert stand.put(frame(1), first_offset=1) == []
    assert stand.passed_over("stale") == 1
    assert [sent.offset for sent in stand.sent] == [0]
    assert stand.sink.durable_offsets() == {TopicPartition(TRACKING_TOPIC, 0): 2}


def test_a_stream_that_stopped_long_ago_does_not_take_the_stage(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0, stream_id="gone", age_us=60_000_000), frame(0))
    assert [sent.stream_id for sent in stand.sent] == ["ada"]


def test_a_replay_shows_frames_however_old(make_stand: Any) -> None:
    assert states_in(make_stand(stale_after_s=None).put(frame(0, age_us=86_400_000_000))) == 1


def test_while_no_frame_comes_the_state_goes_on_then_fades_to_rest(make_stand: Any) -> None:
    stand = make_stand()
    for number in range(60):
        stand.now_us = NOW_US + number * FRAME_US
        received = stand.put(frame(number, 0.0), first_offset=number)
    assert right_arm(received) == pytest.approx(0.0, abs=3.0)
    angles, tracking, elapsed = [], [], []
    for _ in range(60):
        stand.now_us += FRAME_US
        stand.sink.tick()
        received = read_events(take_all(stand.receiver))
        assert states_in(received) == 1
        angles.append(right_arm(received))
        tracking.append(received[0].tracking_state)
        elapsed.append(received[1].delta)
    assert angles[5] == pytest.approx(angles[0])
    assert angles[-1] == pytest.approx(72.0, abs=0.5)
    assert np.abs(np.diff(angles)).max() < 10.0
    assert (tracking[0], tracking[-1]) == (TrackingState.OK, TrackingState.BAD)
    assert (np.diff(elapsed) > 0).all()


def test_a_tick_right_after_a_frame_sends_nothing_twice(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0))
    stand.sink.tick()
    assert take_all(stand.receiver) == []


def test_nobody_on_stage_is_silence(make_stand: Any) -> None:
    stand = make_stand()
    stand.now_us += 1_000_000
    stand.sink.tick()
    empty = replace(frame(0), pose=None, pose_world=None, left_hand=None, right_hand=None)
    assert stand.put(empty) == []
    assert take_all(stand.receiver) == []


def test_the_first_stream_seen_has_the_receiver_and_the_others_perform_unseen(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0), frame(0, stream_id="bob"))
    stand.put(frame(1, stream_id="bob"), frame(1), first_offset=2)
    assert {sent.stream_id for sent in stand.sent} == {"ada"}
    assert stand.counted(PERFORMERS_ON_STAGE.name) == 2


def test_a_stream_asked_for_by_name_has_the_receiver_alone(make_stand: Any) -> None:
    stand = make_stand(stream="bob")
    assert stand.put(frame(0)) == []
    stand.put(frame(1), frame(1, stream_id="bob"), first_offset=1)
    assert [sent.stream_id for sent in stand.sent] == ["bob"]


def test_performers_with_receivers_of_their_own_are_all_sent(make_stand: Any) -> None:
    stand = make_stand()
    with open_receiver() as second:
        host, port = second.getsockname()
        stand.book.give(Role(stream="bob", targets=(f"{host}:{port}",)))
        first = stand.put(frame(0, 60.0), frame(0, 20.0, stream_id="bob"))
        also = read_events(take_all(second))
        assert (states_in(first), states_in(also)) == (1, 1)
        for number in range(1, 60):
            stand.now_us += FRAME_US
            first = stand.put(frame(number, 60.0), frame(number, 20.0, stream_id="bob"), first_offset=2 * number)
            also = read_events(take_all(second))
        assert right_arm(first) == pytest.approx(60.0, abs=2.0)
        assert right_arm(also) == pytest.approx(20.0, abs=2.0)


def test_a_role_that_mirrors_moves_the_other_arm(make_stand: Any) -> None:
    stand = make_stand()
    stand.book.give(Role(stream="ada", mirror=True))
    for number in range(60):
        stand.now_us = NOW_US + number * FRAME_US
        received = stand.put(frame(number, 40.0), first_offset=number)
    arms = [event for event in received if getattr(event, "joint", None) == VmcBone.LEFT_UPPER_ARM]
    assert float(np.degrees(2 * np.arctan2(arms[-1].rotation.z, arms[-1].rotation.w))) == pytest.approx(40.0, abs=2.0)
    assert right_arm(received) == pytest.approx(0.0, abs=2.0)


def test_between_frames_states_go_on_at_sixty_a_second(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0))
    states = 0
    for millisecond in range(1, 1000):
        stand.now_us = NOW_US + 1000 * millisecond
        if millisecond % 33 == 0:
            states += states_in(stand.put(frame(millisecond // 33), first_offset=millisecond // 33))
        elif stand.sink.tick_interval_s <= 0.001:
            stand.sink.tick()
            states += states_in(read_events(take_all(stand.receiver)))
    assert 56 <= states <= 64


def test_a_stage_left_for_long_frees_the_receiver_for_the_next(make_stand: Any) -> None:
    stand = make_stand(stale_after_s=None)
    stand.put(frame(0))
    stand.now_us += 11_000_000
    stand.sink.tick()
    stand.put(frame(1, stream_id="bob"), first_offset=1)
    assert [sent.stream_id for sent in stand.sent] == ["ada", "bob"]


def test_a_partition_given_to_another_replica_is_driven_by_that_one_alone(make_stand: Any) -> None:
    stand = make_stand()
    stand.put(frame(0))
    stand.sink.close([TopicPartition(TRACKING_TOPIC, 0)])
    assert stand.sink.durable_offsets() == {}
    stand.sink.open(Assignment((TopicPartition(TRACKING_TOPIC, 1),), 2, "member", 0))
    stand.now_us += 1_000_000
    stand.sink.tick()
    assert take_all(stand.receiver) == []


def test_a_partition_that_comes_back_after_a_rebalance_goes_on_without_a_jump(make_stand: Any) -> None:
    stand = make_stand()
    for number in range(60):
        stand.now_us = NOW_US + number * FRAME_US
        before = right_arm(stand.put(frame(number, 10.0), first_offset=number))
    stand.sink.close([TopicPartition(TRACKING_TOPIC, 0)])
    stand.sink.open(Assignment((TopicPartition(TRACKING_TOPIC, 0),), 2, "member", 0))
    assert right_arm(stand.put(frame(60, 10.0), first_offset=60)) == pytest.approx(before, abs=2.0)


def test_moved_offsets_show_the_earlier_frames_again(make_stand: Any) -> None:
    stand = make_stand(stale_after_s=None)
    stand.put(frame(100), first_offset=100)
    stand.sink.close([TopicPartition(TRACKING_TOPIC, 0)])
    stand.sink.alter_offsets({TopicPartition(TRACKING_TOPIC, 0): 3})
    stand.sink.open(Assignment((TopicPartition(TRACKING_TOPIC, 0),), 2, "member", 0))
    assert states_in(stand.put(frame(3), first_offset=3)) == 1


def test_what_was_sent_is_told_with_its_times_and_counted(make_stand: Any, tmp_path: Path) -> None:
    stand = make_stand()
    stand.now_us = NOW_US + 20_000
    stand.put(frame(0), first_offset=7)
    (sent,) = stand.sent
    assert (sent.topic, sent.partition, sent.offset, sent.stream_id) == (TRACKING_TOPIC, 0, 7, "ada")
    assert (sent.captured_at_us, sent.received_at_us) == (NOW_US, NOW_US + 20_000)
    assert sent.sent_at_us >= sent.received_at_us
    assert stand.counted(f"{PACKETS_SENT.name}_total") == sent.datagrams > 1
    log = LatencyLog(tmp_path / "latency.jsonl")
    log(sent)
    log(sent)
    lines = (tmp_path / "latency.jsonl").read_bytes().splitlines()
    log.close()
    assert [orjson.loads(line) for line in lines] == [
        {"topic": TRACKING_TOPIC, "partition": 0, "offset": 7, "stream_id": "ada", "captured_at_us": NOW_US,
         "processed_at_us": NOW_US, "received_at_us": NOW_US + 20_000, "sent_at_us": sent.sent_at_us,
         "datagrams": sent.datagrams}
    ] * 2  # fmt: skip
