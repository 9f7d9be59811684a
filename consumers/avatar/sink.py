"""The avatar sink: the newest frame of the performer on stage, as VMC packets, at once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.metrics import (
    CAPTURE_TO_PACKET_SECONDS,
    FRAMES_PASSED_OVER,
    FRAMES_SHOWN,
    PACKETS_REFUSED,
    PACKETS_SENT,
    PUT_TO_PACKET_SECONDS,
)
from consumers.avatar.outputs.udp import UdpSender
from consumers.avatar.outputs.vmc.packets import PacketWriter
from consumers.avatar.stage.performer import Performer
from consumers.avatar.stage.timeline import Newest
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

logger = logging.getLogger(__name__)

_EMPTY_STAGE_TICK_S: Final = 1.0
STAGE_FREE_AFTER_S: Final = 10.0
"""A performer not heard of for so long leaves the stage to the next one; faded to rest long before."""


@dataclass(frozen=True, slots=True)
class AvatarOptions:
    """What drives the targets: `stream` by name, or None for the first one seen.

    Frames processed more than `stale_after_s` ago are not shown (None: show any, as a replay does); the state is sent
    at least every `keep_alive_s`.
    """

    stream: str | None = None
    stale_after_s: float | None = 2.0
    keep_alive_s: float = 1 / 30


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame that has been sent: its identity, its times in microseconds since 1970, and in how many datagrams."""

    topic: str
    partition: int
    offset: int
    stream_id: str
    captured_at_us: int
    processed_at_us: int
    received_at_us: int
    sent_at_us: int
    datagrams: int


class AvatarSink:
    """A Sink (and a TickingSink) that drives the targets of one sender by one performer at a time.

    What is put is done with: a frame not sent now is never worth sending later. So everything put is durable, and a
    redelivered frame is passed over by its own time. `on_sent` is told of every frame sent, in the sink's thread.
    """

    def __init__(
        self,
        options: AvatarOptions,
        sender: UdpSender,
        metrics: Metrics,
        clock_us: Callable[[], int],
        on_sent: Callable[[SentFrame], None] | None = None,
    ) -> None:
        self._options = options
        self._sender = sender
        self._metrics = metrics
        self._clock_us = clock_us
        self._on_sent = on_sent
        self._writer = PacketWriter()
        self._on_stage: Performer | None = None
        self._next_offsets: dict[TopicPartition, int] = {}
        self._started_at_us = self._sent_at_us = clock_us()

    @property
    def tick_interval_s(self) -> float:
        """Seconds between keep-alive states; with nobody on stage there is none to send."""
        return self._options.keep_alive_s if self._on_stage is not None else _EMPTY_STAGE_TICK_S

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """The group's offsets hold; a performer whose partition went elsewhere is driven from there now."""
        owned = {partition.partition for partition in assignment.partitions}
        if self._on_stage is not None and self._on_stage.partition not in owned:
            self._on_stage = None
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Show the newest frame of the performer on stage."""
        received_at_us = self._clock_us()
        for partition, offset in batch.next_offsets().items():
            self._next_offsets[TopicPartition(batch.topic, partition)] = offset
        performer = self._cast(batch, received_at_us)
        frames = batch.take([]) if performer is None else batch.take(batch.stream_id == performer.stream_id)
        self._pass_over("unassigned", len(batch) - len(frames))
        if performer is None or not len(frames):
            return
        choice = performer.choose(frames, received_at_us)
        self._pass_over("superseded", choice.superseded)
        self._pass_over("late", choice.late)
        self._pass_over("duplicate", choice.duplicate)
        if choice.newest is None:
            return
        if self._find_stale(frames, received_at_us)[choice.newest.row]:
            self._pass_over("stale", 1)
            return
        performer.perform(frames, choice.newest, received_at_us)
        datagrams = self._send(performer)
        self._report(frames, choice.newest, received_at_us, datagrams)

    def tick(self) -> None:
        """Send the state again when nothing was sent for a while: receivers judge a sender by its silence."""
        if self._on_stage is not None and self._clock_us() - self._sent_at_us >= 0.9e6 * self._options.keep_alive_s:
            self._send(self._on_stage)

    def flush(self) -> None:
        """Nothing is held back."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Everything put."""
        return self._next_offsets

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget the positions; the performer stays on stage in case the partition comes back, but is not sent."""
        for partition in revoked:
            self._next_offsets.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:  # noqa: ARG002
        """Frames older than the one shown are wanted now: begin anew."""
        self._on_stage = None

    def stop(self) -> None:
        """Release the sockets."""
        self._sender.close()

    def _cast(self, batch: FrameBatch, now_us: int) -> Performer | None:
        """Who is on stage: who is there already, else the stream asked for, else the first with a person in it.

        Nobody takes the stage by a stale frame: whoever stopped long ago must not keep others off it.
        """
        here = self._on_stage
        if here is not None and (
            here.stream_id == self._options.stream or now_us - here.heard_at_us <= STAGE_FREE_AFTER_S * 1e6
        ):
            return here
        wanted = batch.has_person if self._options.stream is None else batch.stream_id == self._options.stream
        rows = np.flatnonzero(wanted & ~self._find_stale(batch, now_us))
        if len(rows) and (here is None or here.stream_id != batch.stream_id[rows[0]]):
            here = Performer(str(batch.stream_id[rows[0]]), int(batch.partition[rows[0]]), now_us)
            logger.info("A performer takes the stage.", extra={"stream": here.stream_id, "partition": here.partition})
            self._on_stage = here
        return here

    def _find_stale(self, frames: FrameBatch, now_us: int) -> NDArray[np.bool_]:
        """bool (N,): which frames are too old to be shown."""
        if self._options.stale_after_s is None:
            return np.zeros(len(frames), dtype=np.bool_)
        made_at_us = np.maximum(frames.captured_at_us, frames.processed_at_us)
        stale: NDArray[np.bool_] = now_us - made_at_us > self._options.stale_after_s * 1e6
        return stale

    def _send(self, performer: Performer) -> int:
        now_us = self._clock_us()
        datagrams = self._writer.write(performer.state(now_us), (now_us - self._started_at_us) / 1e6)
        refused_before = self._sender.refused
        left = self._sender.send(datagrams)
        self._sent_at_us = now_us
        self._metrics.counter(PACKETS_SENT).inc(left)
        self._metrics.counter(PACKETS_REFUSED).inc(self._sender.refused - refused_before)
        return left

    def _report(self, frames: FrameBatch, newest: Newest, received_at_us: int, datagrams: int) -> None:
        sent_at_us, row = self._clock_us(), newest.row
        captured_at_us = newest.moment.captured_at_us
        self._metrics.counter(FRAMES_SHOWN).inc()
        self._metrics.histogram(PUT_TO_PACKET_SECONDS).observe((sent_at_us - received_at_us) / 1e6)
        self._metrics.histogram(CAPTURE_TO_PACKET_SECONDS).observe(max(0, sent_at_us - captured_at_us) / 1e6)
        if self._on_sent is not None:
            self._on_sent(
                SentFrame(
                    topic=str(frames.identity_topic[row]),
                    partition=int(frames.identity_partition[row]),
                    offset=int(frames.identity_offset[row]),
                    stream_id=str(frames.stream_id[row]),
                    captured_at_us=captured_at_us,
                    processed_at_us=int(frames.processed_at_us[row]),
                    received_at_us=received_at_us,
                    sent_at_us=sent_at_us,
                    datagrams=datagrams,
                )
            )

    def _pass_over(self, reason: str, frames: int) -> None:
        if frames:
            self._metrics.counter(FRAMES_PASSED_OVER, reason=reason).inc(frames)
