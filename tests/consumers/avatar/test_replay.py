"""A recorded performance is shown frame by frame, as fast as it was captured."""

import itertools
from dataclasses import dataclass, field, replace

import pytest

from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.showing import DefaultTargets, Showing
from consumers.avatar.outputs.output import Shown
from consumers.avatar.replay import PacedSink
from consumers.avatar.sink import AvatarSink
from consumers.avatar.stage.stage import Stage, StageOptions
from keypoints import FrameBatch
from observability.metrics import Metrics
from tests.consumers.avatar.puppet import film

DAYS_AGO_US = 1_600_000_000_000_000
FRAME_US = 33_333


@dataclass
class Clock:
    """Time passes only by waiting for it."""

    now_s: float = 1000.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Receiver:
    """An output that notes what it was shown and when."""

    clock: Clock
    shown: list[tuple[float, str, int]] = field(default_factory=list)
    refused: int = 0

    def show(self, shown: Shown) -> int:
        self.shown.append((self.clock.now_s, shown.stream_id, shown.captured_at_us))
        return 1

    def close(self) -> None:
        pass

    def frames(self) -> list[tuple[float, str, int]]:
        """Of each frame the first state it is in, with the seconds since the first of all."""
        seen: dict[tuple[str, int], float] = {}
        for at_s, stream_id, captured_at_us in self.shown:
            seen.setdefault((stream_id, captured_at_us), at_s - self.shown[0][0])
        return [(at_s, *which) for which, at_s in seen.items()]


PARTITION = TopicPartition("test", 0)


def play(batch: FrameBatch, speed: float = 1.0) -> Receiver:
    clock = Clock()
    receiver = Receiver(clock)
    showing = Showing(RoleBook(None), DefaultTargets(("all",)), lambda _: receiver, patience_s=15.0)
    shown_by = AvatarSink(Stage(StageOptions(stale_after_s=None)), showing, Metrics(), lambda: round(clock.now_s * 1e6))
    sink = PacedSink(shown_by, speed, lambda: clock.now_s, clock.wait)
    assert isinstance(sink, TickingSink)
    assert sink.open(Assignment((PARTITION,), 1, "member", 0)) == {}
    sink.put(batch)
    assert sink.durable_offsets() == {PARTITION: len(batch)}
    sink.close([PARTITION])
    assert sink.durable_offsets() == {}
    sink.stop()
    return receiver


def film_ada(times_us: list[int]) -> FrameBatch:
    return FrameBatch.from_frames(
        [
            replace(film({}), stream_id="ada", sequence=number, captured_at_us=at_us, processed_at_us=at_us)
            for number, at_us in enumerate(times_us)
        ],
        topic="test",
    )


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_frames_follow_each_other_as_they_were_captured(speed: float) -> None:
    times_us = [DAYS_AGO_US + number * FRAME_US for number in range(30)]
    shown = play(film_ada(times_us), speed).frames()
    assert [captured_at_us for _, _, captured_at_us in shown] == times_us, "none is skipped"
    apart_s = [at_s for at_s, _, _ in shown]
    assert apart_s == pytest.approx([number * FRAME_US / 1e6 / speed for number in range(30)], abs=1e-3)


def test_states_go_on_between_frames_that_are_far_apart() -> None:
    shown = play(film_ada([DAYS_AGO_US, DAYS_AGO_US + 500_000])).shown
    assert len(shown) >= 30
    assert max(later[0] - before[0] for before, later in itertools.pairwise(shown)) < 0.03


def test_an_hour_in_which_nothing_was_recorded_is_skipped() -> None:
    shown = play(film_ada([DAYS_AGO_US, DAYS_AGO_US + 3_600_000_000])).frames()
    assert shown[1][0] == pytest.approx(2.0, abs=0.01)


def test_whoever_else_performs_holds_nobody_up() -> None:
    ada = [film({}) for _ in range(4)]
    frames = [
        replace(frame, stream_id=stream, sequence=number, captured_at_us=at_us, processed_at_us=at_us)
        for number, (frame, stream, at_us) in enumerate(
            zip(
                ada,
                ("ada", "ada", "ada", "bob"),
                (DAYS_AGO_US, DAYS_AGO_US + FRAME_US, DAYS_AGO_US + 2 * FRAME_US, DAYS_AGO_US + FRAME_US + 500),
                strict=True,
            )
        )
    ]
    receiver = play(FrameBatch.from_frames(frames, topic="test"))
    assert {stream for _, stream, _ in receiver.shown} == {"ada"}, "a receiver shows one performer at a time"
    assert [captured_at_us for _, _, captured_at_us in receiver.frames()] == [
        DAYS_AGO_US, DAYS_AGO_US + FRAME_US, DAYS_AGO_US + 2 * FRAME_US,
    ]  # fmt: skip
