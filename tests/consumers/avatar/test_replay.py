"""A recorded performance is shown frame by frame, as fast as it was captured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from consumers.avatar.outputs.udp import Target, UdpSender
from consumers.avatar.replay import PacedSink
from consumers.avatar.sink import AvatarOptions, AvatarSink, SentFrame
from keypoints import FrameBatch
from observability.metrics import Metrics
from tests.consumers.avatar.puppet import film
from tests.consumers.avatar.receiver import open_receiver

DAYS_AGO_US = 1_600_000_000_000_000
FRAME_US = 33_333


@dataclass
class Clock:
    """Time passes only by waiting for it."""

    now_s: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds


def test_frames_follow_each_other_as_they_were_captured() -> None:
    receiver, clock, sent = open_receiver(), Clock(), list[SentFrame]()
    with receiver:
        sender = UdpSender([Target(*receiver.getsockname())])
        options = AvatarOptions(stale_after_s=None)
        shown_by = AvatarSink(options, sender, Metrics(), lambda: int(clock.now_s * 1e6), sent.append)
        sink = PacedSink(shown_by, None, lambda: clock.now_s, clock.wait)
        assert isinstance(sink, TickingSink)
        partition = TopicPartition("test", 0)
        assert sink.open(Assignment((partition,), 1, "member", 0)) == {}
        times_us = [DAYS_AGO_US + number * FRAME_US for number in range(5)]
        times_us += [DAYS_AGO_US + 3_600_000_000, DAYS_AGO_US + 3_600_000_000 + FRAME_US]
        ada = [
            replace(film({}), stream_id="ada", sequence=number, captured_at_us=at_us, processed_at_us=at_us)
            for number, at_us in enumerate(times_us)
        ]
        bob = replace(ada[0], stream_id="bob", captured_at_us=DAYS_AGO_US + 10)
        batch = FrameBatch.from_frames([ada[0], bob, *ada[1:]], topic="test")
        sink.put(batch)
        assert [frame.captured_at_us for frame in sent] == times_us, "each frame of one performer, none skipped"
        apart_s = [FRAME_US / 1e6] * 4 + [2.0, FRAME_US / 1e6]
        assert len(clock.waits) == len(apart_s)
        assert all(abs(waited - wanted) < 1e-6 for waited, wanted in zip(clock.waits, apart_s, strict=True))
        assert sink.durable_offsets() == {partition: len(batch)}
        sink.flush()
        sink.close([partition])
        assert sink.durable_offsets() == {}
        sink.stop()
