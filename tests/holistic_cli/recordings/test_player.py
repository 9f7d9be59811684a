"""A take is played at its own rhythm, as if it happened now, and under an epoch of its own."""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from holistic_cli.recordings.container import Recorded, RecordingWriter
from holistic_cli.recordings.player import CannotPlay, PlayReport, PlayRequest, check_request, play_take
from holistic_cli.recordings.take import RecordedTake, survey_recording
from kafka_io.errors import PublisherFull
from keypoints.codec import decode, encode
from keypoints.frame import HolisticFrame
from keypoints.topics import JSON_CONTENT_TYPE, ORIGIN_HEADER, frame_headers

THEN_US = 1_700_000_000_000_000
NOW_US = 1_760_000_000_000_000
STEP_US = 40_000
REQUEST = PlayRequest(topic="t")
HAND = np.full((21, 3), 0.5, dtype=np.float32)


@dataclass
class StageClock:
    """Time that passes only by sleeping."""

    at_us: int = NOW_US

    def now_us(self) -> int:
        return self.at_us

    def sleep(self, seconds: float) -> None:
        self.at_us += max(1, round(seconds * 1e6))

    def cpu_s(self) -> tuple[float, float]:
        return 0.0, 0.0


@dataclass
class Shelf:
    """A publisher that keeps what it is given, and when; it refuses, or says stop, when told to."""

    clock: StageClock
    report: PlayReport
    stop: threading.Event
    refused: frozenset[int] = frozenset()
    stop_after: int | None = None
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[dict[str, bytes]] = field(default_factory=list)
    timestamps_ms: list[int | None] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
    ) -> None:
        number = len(self.values)
        self.keys.append(key)
        self.values.append(value)
        self.headers.append(dict(headers))
        self.timestamps_ms.append(timestamp_ms)
        self.at_us.append(self.clock.at_us - NOW_US)
        if number + 1 == self.stop_after:
            self.stop.set()
        if number in self.refused:
            raise PublisherFull("no room", topic=topic)
        self.report.settle(None)

    def flush(self, timeout_s: float = 60.0) -> None:
        """Everything is on the shelf already."""

    @property
    def frames(self) -> list[HolisticFrame]:
        return [decode(value) for value in self.values]


def make_frame(stream: str, sequence: int, epoch: int = 5) -> HolisticFrame:
    captured_at_us = THEN_US + sequence * STEP_US
    return HolisticFrame(
        stream_id=stream,
        sequence=sequence,
        epoch=epoch,
        captured_at_us=captured_at_us,
        processed_at_us=captured_at_us + 9_000,
        width=640,
        height=480,
        right_hand=HAND if sequence % 2 else None,
    )


def as_record(frame: HolisticFrame, partition: int = 0, content_type: str = "avro/binary") -> Recorded:
    headers = (*frame_headers(content_type), ("traceparent", b"00-ab"), (ORIGIN_HEADER, b"t/0/1"))
    key = frame.stream_id.encode()
    value = encode(frame, content_type)
    return Recorded("t", partition, frame.sequence, frame.captured_at_us // 1000, key, value, headers)


def make_take(path: Path, records: Sequence[Recorded]) -> RecordedTake:
    file = io.BytesIO()
    writer = RecordingWriter(file)
    for record in records:
        writer.write(record)
    writer.finish()
    path.write_bytes(file.getvalue())
    return survey_recording(path)


def play(
    take: RecordedTake,
    request: PlayRequest = REQUEST,
    *,
    refused: frozenset[int] = frozenset(),
    stop_after: int | None = None,
) -> tuple[PlayReport, Shelf]:
    clock, stop = StageClock(), threading.Event()
    report = PlayReport(take.records * request.rounds)
    shelf = Shelf(clock, report, stop, refused, stop_after)
    play_take(take, request, shelf, report, clock, stop)
    return report, shelf


@pytest.fixture
def ada(tmp_path: Path) -> RecordedTake:
    """Ten frames of one stream, 40 ms apart."""
    return make_take(tmp_path / "ada.holistic", [as_record(make_frame("ada", number)) for number in range(10)])


def test_it_happens_now_at_its_own_rhythm(ada: RecordedTake) -> None:
    report, shelf = play(ada)
    assert report.complete
    np.testing.assert_allclose(shelf.at_us, np.arange(10) * STEP_US, atol=1_000)
    for number, frame in enumerate(shelf.frames):
        recorded = make_frame("ada", number)
        assert frame.captured_at_us == NOW_US + number * STEP_US
        assert frame.processed_at_us - frame.captured_at_us == 9_000
        assert frame.epoch >= NOW_US
        was = replace(frame, epoch=5, captured_at_us=recorded.captured_at_us, processed_at_us=recorded.processed_at_us)
        assert was.equals(recorded), "an absent hand stays absent, and the rest is what it was"
    assert shelf.timestamps_ms == [frame.captured_at_us // 1000 for frame in shelf.frames]


def test_twice_as_fast_takes_half_the_time_and_says_so_in_the_times(ada: RecordedTake) -> None:
    _, shelf = play(ada, replace(REQUEST, speed=2.0))
    np.testing.assert_allclose(shelf.at_us, np.arange(10) * STEP_US / 2, atol=1_000)
    assert [frame.captured_at_us - NOW_US for frame in shelf.frames] == [number * STEP_US // 2 for number in range(10)]


def test_as_fast_as_possible_ends_now(ada: RecordedTake) -> None:
    report, shelf = play(ada, replace(REQUEST, speed=None, rounds=2))
    assert report.complete
    assert set(shelf.at_us) == {0}
    captured = [frame.captured_at_us for frame in shelf.frames]
    np.testing.assert_array_equal(np.diff(captured), STEP_US)
    assert NOW_US - 2 * STEP_US < captured[-1] <= NOW_US


def test_each_round_has_an_epoch_of_its_own_and_follows_the_one_before(ada: RecordedTake) -> None:
    _, shelf = play(ada, replace(REQUEST, rounds=3))
    frames = shelf.frames
    assert [frame.sequence for frame in frames] == list(range(10)) * 3
    epochs = [frame.epoch for frame in frames]
    assert epochs == sorted(epochs)
    assert len(set(epochs)) == 3
    np.testing.assert_allclose(np.diff([frame.captured_at_us for frame in frames]), STEP_US, atol=1_000)


def test_epochs_that_were_different_stay_different(tmp_path: Path) -> None:
    records = [as_record(make_frame("ada", number, epoch=number // 3)) for number in range(9)]
    _, shelf = play(make_take(tmp_path / "three.holistic", records))
    epochs = [frame.epoch for frame in shelf.frames]
    assert [epochs.index(epoch) for epoch in epochs] == [0, 0, 0, 3, 3, 3, 6, 6, 6]


def test_kept_times_are_byte_for_byte_what_was_recorded(ada: RecordedTake) -> None:
    _, shelf = play(ada, replace(REQUEST, keep_times=True, speed=None))
    assert shelf.values == [record.value for record in ada.read()]
    assert shelf.timestamps_ms == [record.timestamp_ms for record in ada.read()]


def test_a_second_round_with_kept_times_is_told_from_the_first_by_its_epoch(ada: RecordedTake) -> None:
    _, shelf = play(ada, replace(REQUEST, keep_times=True, speed=None, rounds=2))
    assert [frame.epoch for frame in shelf.frames[:10]] == [5] * 10
    assert 5 not in {frame.epoch for frame in shelf.frames[10:]}
    assert [frame.captured_at_us for frame in shelf.frames[10:]] == [
        frame.captured_at_us for frame in shelf.frames[:10]
    ]


def test_headers_go_along_but_not_who_the_record_was(ada: RecordedTake) -> None:
    _, shelf = play(ada)
    assert shelf.headers[0] == {"content-type": b"avro/binary", "schema-version": b"1", "traceparent": b"00-ab"}


def test_another_name_is_in_key_and_frame(ada: RecordedTake) -> None:
    _, shelf = play(ada, replace(REQUEST, stream="grace"))
    assert set(shelf.keys) == {b"grace"}
    assert {frame.stream_id for frame in shelf.frames} == {"grace"}


def test_one_name_does_not_fit_two_streams(tmp_path: Path) -> None:
    take = make_take(tmp_path / "two.holistic", [as_record(make_frame(name, 0)) for name in ("ada", "grace")])
    with pytest.raises(CannotPlay, match=r"holds 2 streams \(ada, grace\)"):
        check_request(replace(REQUEST, stream="x"), take)


@pytest.mark.parametrize("wrong", [{"speed": 0.0}, {"speed": -1.0}, {"speed": float("nan")}, {"rounds": 0}])
def test_a_play_that_cannot_be_is_refused(ada: RecordedTake, wrong: dict[str, float]) -> None:
    with pytest.raises(CannotPlay):
        check_request(replace(REQUEST, **wrong), ada)  # type: ignore[arg-type]  # wrong on purpose


def test_partitions_are_played_together_though_they_were_read_one_after_the_other(tmp_path: Path) -> None:
    one, two = ([as_record(make_frame(name, number), at) for number in range(5)] for at, name in enumerate(("a", "b")))
    _, shelf = play(make_take(tmp_path / "two.holistic", [*one, *two]))
    assert [frame.sequence for frame in shelf.frames] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_allclose(shelf.at_us, np.repeat(np.arange(5), 2) * STEP_US, atol=1_000)


def test_a_late_frame_stays_behind_those_it_came_after(tmp_path: Path) -> None:
    numbers = [0, 1, 3, 4, 2, 5]
    _, shelf = play(make_take(tmp_path / "late.holistic", [as_record(make_frame("ada", number)) for number in numbers]))
    assert [frame.sequence for frame in shelf.frames] == numbers
    np.testing.assert_allclose(shelf.at_us, np.array([0, 1, 3, 4, 4, 5]) * STEP_US, atol=1_000)
    assert shelf.frames[4].captured_at_us == NOW_US + 2 * STEP_US


def test_json_stays_json_and_what_is_no_frame_stays_what_it_is(tmp_path: Path) -> None:
    junk = replace(as_record(make_frame("ada", 1)), value=b"\xff\xfejunk")
    take = make_take(tmp_path / "mixed.holistic", [as_record(make_frame("ada", 0), 0, JSON_CONTENT_TYPE), junk])
    report, shelf = play(take)
    assert (report.unchanged, report.acknowledged) == (1, 2)
    assert shelf.values[0] is not None
    assert shelf.values[0].startswith(b"{")
    assert decode(shelf.values[0]).captured_at_us == NOW_US
    assert shelf.values[1] == b"\xff\xfejunk"
    assert shelf.timestamps_ms[1] == (NOW_US + STEP_US) // 1000


def test_refused_records_are_counted_and_the_rest_is_played(ada: RecordedTake) -> None:
    report, shelf = play(ada, refused=frozenset({2, 7}))
    assert (report.handed_over, report.acknowledged, report.failed) == (10, 8, 2)
    assert isinstance(report.first_error, PublisherFull)
    assert not report.complete
    assert len(shelf.values) == 10


def test_a_play_that_is_stopped_says_how_far_it_came(ada: RecordedTake) -> None:
    report, shelf = play(ada, stop_after=4)
    assert (report.handed_over, report.acknowledged, report.stopped) == (4, 4, True)
    assert len(shelf.values) == 4
