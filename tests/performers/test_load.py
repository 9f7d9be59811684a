"""A load publishes what it was asked to, on time, and accounts for every frame."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from holistic_cli.load import run_load
from kafka_io.admin import topic_end_offsets
from kafka_io.consumer import make_consumer
from kafka_io.errors import PublisherFull
from kafka_io.settings import KafkaSettings
from keypoints.codec import decode, decode_records
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import PoseLandmark
from keypoints.topics import CONTENT_TYPE_HEADER
from performers.acts import ActKind
from performers.faults import FaultKind
from performers.load import play_load
from performers.load_plan import LoadPlan, prepare_load
from performers.load_report import LoadLedger, LoadReport
from performers.tempo import Burst, InvalidLoad

STALL_S = 0.5
START_US = 1_760_000_000_000_000
PLAN = LoadPlan(rate=100.0, streams=4, seconds=2.0, acts=(ActKind.IDLE, ActKind.WAVE))


@dataclass
class StageClock:
    """Time that passes only by sleeping and by publishing."""

    at_us: int = START_US
    spent_s: tuple[float, float] = (3.0, 1.0)

    def cpu_s(self) -> tuple[float, float]:
        return self.spent_s

    def now_us(self) -> int:
        return self.at_us

    def sleep(self, seconds: float) -> None:
        self.at_us += round(seconds * 1e6)


@dataclass
class Shelf:
    """A publisher that keeps what it is given; it acknowledges 2 ms later, but stalls or refuses when told to."""

    clock: StageClock
    ledger: LoadLedger
    stall_at: int | None = None
    refused: frozenset[int] = frozenset()
    frames: list[HolisticFrame] = field(default_factory=list)
    timestamps_ms: list[int | None] = field(default_factory=list)

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
    ) -> None:
        assert isinstance(tag, int)
        if tag == self.stall_at:
            self.clock.sleep(STALL_S)
        if tag in self.refused:
            raise PublisherFull("no room", topic=topic)
        frame = decode(value, key=key)
        assert key == frame.stream_id.encode()
        assert dict(headers)[CONTENT_TYPE_HEADER] == b"avro/binary"
        self.frames.append(frame)
        self.timestamps_ms.append(timestamp_ms)
        self.clock.at_us += 2_000
        self.ledger.settle(tag, None)
        self.clock.at_us -= 2_000

    def flush(self, timeout_s: float = 60.0) -> None:
        """Everything is on the shelf already; it took 0.3 s of processor time in user mode and 0.1 s in the kernel."""
        user_s, system_s = self.clock.spent_s
        self.clock.spent_s = (user_s + 0.3, system_s + 0.1)


def play(
    plan: LoadPlan, *, stall_at: int | None = None, refused: frozenset[int] = frozenset()
) -> tuple[LoadReport, Shelf]:
    clock = StageClock()
    rehearsal = prepare_load(plan, clock)
    ledger = LoadLedger(len(rehearsal.schedule), clock)
    publisher = Shelf(clock, ledger, stall_at=stall_at, refused=refused)
    return play_load(rehearsal, publisher, ledger, clock), publisher


def test_every_stream_gets_its_frames_without_a_gap_on_the_schedule() -> None:
    report, shelf = play(PLAN)
    assert report.complete
    assert (report.frames, report.acknowledged, report.failed, report.late) == (200, 200, 0, 0)
    captured = np.array([frame.captured_at_us for frame in shelf.frames])
    np.testing.assert_array_equal(captured, START_US + np.arange(200) * 10_000)
    assert shelf.timestamps_ms == (captured // 1000).tolist()
    for stream in PLAN.stream_ids:
        mine = [frame for frame in shelf.frames if frame.stream_id == stream]
        assert [frame.sequence for frame in mine] == list(range(50))
        assert len({frame.epoch for frame in mine}) == 1
        assert all(frame.has_person for frame in mine)
    assert report.achieved_rate == pytest.approx(100.0, rel=0.01)


def test_a_stall_delays_nobodys_schedule_and_hides_nobodys_wait() -> None:
    report, shelf = play(PLAN, stall_at=50)
    captured = np.array([frame.captured_at_us for frame in shelf.frames])
    np.testing.assert_array_equal(captured, START_US + np.arange(200) * 10_000)
    # Half a second at 100 a second: the frames due meanwhile leave at once, those over 20 ms behind count as late, and
    # their latency counts from when they were due. The stalled one itself was handed over in time.
    assert report.late == 47
    assert report.ack_ms_max == pytest.approx(502.0, abs=1.0)
    assert report.ack_ms_p50 == pytest.approx(2.0, abs=4.0)


def test_a_refused_frame_is_counted_and_the_others_go_on() -> None:
    report, shelf = play(PLAN, refused=frozenset({3, 70}))
    assert not report.complete
    assert (report.acknowledged, report.failed) == (198, 2)
    assert isinstance(shelf.ledger.first_error, PublisherFull)


def test_as_fast_as_possible_sends_the_same_frames_and_its_time_ends_now() -> None:
    plan = replace(PLAN, as_fast_as_possible=True)
    report, shelf = play(plan)
    _, paced = play(PLAN)
    assert report.complete
    assert report.late == 0
    newest = max(frame.captured_at_us for frame in shelf.frames)
    assert START_US - 10_000 <= newest <= START_US
    for fast, slow in zip(shelf.frames, paced.frames, strict=True):
        assert (fast.stream_id, fast.sequence) == (slow.stream_id, slow.sequence)
        assert fast.pose is not None
        assert slow.pose is not None
        assert fast.pose.tobytes() == slow.pose.tobytes()


def test_another_seed_moves_otherwise() -> None:
    (_, one), (_, other) = play(PLAN), play(replace(PLAN, seed=1))
    assert any(
        first.pose is not None and second.pose is not None and first.pose.tobytes() != second.pose.tobytes()
        for first, second in zip(one.frames, other.frames, strict=True)
    )


def test_the_report_says_what_the_load_cost_this_process() -> None:
    report, _ = play(PLAN)
    assert report.cpu_cores_user == pytest.approx(0.15, rel=0.02)
    assert report.cpu_cores_sys == pytest.approx(0.05, rel=0.02)
    assert report.cpu_cores == pytest.approx(0.2, rel=0.02)


def test_a_mix_shares_the_streams_out_by_weight() -> None:
    plan = replace(
        PLAN, streams=16, mix=(((ActKind.IDLE,), 5), ((ActKind.WAVE, ActKind.IDLE), 2), ((ActKind.SQUAT,), 1))
    )
    report, shelf = play(plan)
    assert report.streams_by_acts == {"idle": 10, "wave+idle": 4, "squat": 2}
    assert report.complete
    hip_y: dict[str, list[float]] = {stream: [] for stream in plan.stream_ids}
    for frame in shelf.frames:
        assert frame.pose is not None
        hip_y[frame.stream_id].append(float(frame.pose[PoseLandmark.LEFT_HIP, 1]))
    sink = [max(heights) - min(heights) for heights in hip_y.values()]
    assert max(sink[:14]) < min(sink[14:]), "only those who squat go down"


def test_a_ramp_and_bursts_change_how_often_frames_leave_but_not_how_fast_people_move() -> None:
    plan = replace(PLAN, ramp_from=20.0, rate=100.0, burst=Burst(3, 0.5, 1.0), streams=1)
    report, shelf = play(plan)
    captured_s = (np.array([frame.captured_at_us for frame in shelf.frames]) - START_US) / 1e6
    assert report.complete
    assert report.frames == pytest.approx(15 + 3 * 25 + 35 + 3 * 45, abs=1)
    calm, busy = (captured_s < 0.5).sum(), ((captured_s >= 1.5) & (captured_s < 2.0)).sum()
    assert calm == pytest.approx(15, abs=1)
    assert busy == pytest.approx(135, abs=2)
    even = play(replace(PLAN, rate=300.0, streams=1))[1].frames
    for frame, at_s in zip(shelf.frames, captured_s, strict=True):
        nearest = even[min(len(even) - 1, round(at_s * 300))]
        assert frame.pose is not None
        assert nearest.pose is not None
        assert np.abs(frame.pose[:, :2] - nearest.pose[:, :2]).max() < 0.05


def test_the_ledger_adds_up_when_frames_are_lost_doubled_and_refused() -> None:
    shares = {FaultKind.MISSING: 0.1, FaultKind.DUPLICATE: 0.05, FaultKind.RATE_DROP: 0.1, FaultKind.LATE: 0.02}
    report, shelf = play(replace(PLAN, seconds=30.0, faults=shares), refused=frozenset({3, 70}))
    assert report.withheld > 0
    assert report.repeated > 0
    assert report.scheduled - report.withheld + report.repeated == report.frames == report.acknowledged + report.failed
    assert report.failed == 2
    assert len(shelf.frames) == report.acknowledged
    assert set(report.faults) == set(shares)
    assert report.faults["missing"]["frames"] + report.faults["rate_drop"]["frames"] == report.withheld
    assert report.faults["duplicate"]["frames"] == report.repeated
    keys = [(frame.stream_id, frame.sequence) for frame in shelf.frames]
    assert len(keys) - len(set(keys)) == pytest.approx(report.repeated, abs=2)


def test_a_load_can_be_had_without_a_broker_frame_by_frame() -> None:
    plan = replace(PLAN, seconds=20.0, faults=dict.fromkeys(FaultKind, 0.02))
    _, shelf = play(plan)
    frames = prepare_load(plan, StageClock()).frames(start_us=START_US, epoch=START_US)
    for ours, published in zip(frames, shelf.frames, strict=True):
        assert replace(ours, processed_at_us=0).equals(replace(published, processed_at_us=0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0.0},
        {"streams": 0},
        {"seconds": -1.0},
        {"acts": ()},
        {"mix": (((), 1.0),)},
        {"mix": (((ActKind.IDLE,), 0.0),)},
        {"ramp_from": -1.0},
        {"faults": {FaultKind.LIMB: 1.5}},
    ],
)
def test_an_impossible_load_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidLoad):
        replace(PLAN, **wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.servers
def test_on_a_real_broker_each_frame_is_there_once(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=3)
    plan = LoadPlan(rate=200.0, streams=6, seconds=3.0, topic=topic, name="dancer")
    report, error = run_load(plan, kafka_settings)
    assert error is None
    assert report.complete
    assert sum(topic_end_offsets(kafka_settings, topic).values()) == report.frames == 600
    batch = read_topic(kafka_settings, topic, report.frames)
    for stream in plan.stream_ids:
        mine = batch.stream_id == stream
        assert sorted(batch.sequence[mine].tolist()) == list(range(100))
        assert len(set(batch.partition[mine].tolist())) == 1
    np.testing.assert_array_equal(batch.timestamp_ms, batch.captured_at_us // 1000)


@pytest.mark.servers
def test_the_command_reports_and_ends_0_when_all_arrived(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic()
    done = run_command(kafka_settings.bootstrap_servers, "--rate", "100", "--seconds", "1", "--topic", topic)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["acknowledged"] == report["frames"] == 100
    assert report["error"] is None


@pytest.mark.servers
def test_the_command_ends_1_when_the_topic_is_not_there(kafka_settings: KafkaSettings) -> None:
    done = run_command(kafka_settings.bootstrap_servers, "--rate", "5", "--seconds", "0.2", "--topic", "no-such-topic")
    assert done.returncode == 1
    assert "no-such-topic" in done.stdout + done.stderr


@pytest.mark.servers
def test_the_faults_file_says_where_on_the_topic_what_is_wrong(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], tmp_path: Path
) -> None:
    topic, path = make_topic(), tmp_path / "faults.json"
    done = run_command(
        kafka_settings.bootstrap_servers, "--rate", "100", "--seconds", "20", "--as-fast-as-possible", "--topic", topic,
        "--fault", "dropout:0.1,duplicate:0.02", "--faults-file", str(path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report, plan = json.loads(done.stdout), json.loads(path.read_text())
    batch = read_topic(kafka_settings, topic, report["frames"])
    dropped = {(fault["stream"], sequence) for fault in plan["faults"] if fault["kind"] == "dropout"
               for sequence in range(fault["first"], fault["end"])}  # fmt: skip
    empty = ~batch.has_person
    assert dropped
    assert set(zip(batch.stream_id[empty], batch.sequence[empty].tolist(), strict=True)) == dropped
    assert len(dropped) == report["faults"]["dropout"]["frames"]
    assert set(batch.epoch.tolist()) == {report["epoch"]}


def test_an_unknown_act_is_a_usage_error_that_lists_the_known_ones() -> None:
    done = run_command("127.0.0.1:9", "--acts", "wave,handstand")
    assert done.returncode == 2
    assert "handstand" in done.stderr
    assert "thumbs_up" in done.stderr


def run_command(bootstrap_servers: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "holistic_cli", "load", "--json", "--streams", "2", *options],
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers, "DATABASE_URL": "postgresql://unused"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def read_topic(settings: KafkaSettings, topic: str, records: int) -> FrameBatch:
    consumer = make_consumer(settings, None, auto_offset_reset="earliest")
    batches: list[FrameBatch] = []
    try:
        consumer.subscribe([topic])
        while sum(len(batch) for batch in batches) < records:
            polled = consumer.poll(timeout_ms=5_000)
            assert polled, "the topic holds fewer records than were acknowledged"
            for found in polled.values():
                decoded = decode_records(found)
                assert not decoded.rejected
                batches.append(decoded.batch)
    finally:
        consumer.close()
    return FrameBatch.concat(batches)
