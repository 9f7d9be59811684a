"""The avatar sink: the newest frame of every performer, solved once, sent at once to all that show them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.cast.calibrating import Calibrating
from consumers.avatar.cast.showing import Showing
from consumers.avatar.metrics import (
    CAPTURE_TO_PACKET_SECONDS,
    FRAMES_PASSED_OVER,
    FRAMES_SHOWN,
    OUTLIERS,
    PACKETS_REFUSED,
    PACKETS_SENT,
    PERFORMERS_ON_STAGE,
    PUT_TO_PACKET_SECONDS,
    show_from_the_start,
)
from consumers.avatar.mirroring import mirror_states
from consumers.avatar.outputs.output import Shown
from consumers.avatar.stage.performer import Performer
from consumers.avatar.stage.stage import Stage
from consumers.avatar.stage.timeline import Newest
from consumers.avatar.states import AvatarStates
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

logger = logging.getLogger(__name__)

_EMPTY_STAGE_TICK_S: Final = 1.0
_LOOK_AROUND_US: Final = 1_000_000
_TRY_AGAIN_US: Final = 30_000_000
_HELD_UP_US: Final = 1_000_000
_EARLY: Final = 0.25
"""Who is due within this part of a period is sent with those who are due now."""


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


class Audience(Protocol):
    """Who watches all performers, whatever their roles: the viewer's hub. Called from the sink's thread."""

    def publish(self, performers: Sequence[Performer], states: AvatarStates, now_us: int) -> None:
        """Take the states of some performers, a row each, and never wait."""

    def dismiss(self, streams: Sequence[str], now_us: int) -> None:
        """These have left."""

    def close(self) -> None:
        """Nobody performs any more."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told of what is shown: `on_sent` of every frame sent to a receiver, `audience` of every state,
    `calibrating` of everybody who moved."""

    on_sent: Callable[[SentFrame], None] | None = None
    audience: Audience | None = None
    calibrating: Calibrating | None = None


class AvatarSink:
    """A Sink (and a TickingSink) that moves the avatars of all performers of its partitions.

    What is put is done with: a frame not sent now is never worth sending later. So everything put is durable, and a
    redelivered frame is passed over by its own time. A state is sent when its frame comes, and `rate_hz` times a second
    in any case: receivers judge a sender by its silence.
    """

    def __init__(
        self,
        stage: Stage,
        showing: Showing,
        metrics: Metrics,
        clock_us: Callable[[], int],
        observers: Observers = Observers(),
        rate_hz: float = 60.0,
    ) -> None:
        self._stage = stage
        self._showing = showing
        self._metrics = metrics
        self._clock_us = clock_us
        self._observers = observers
        self._period_us = 1e6 / rate_hz
        self._next_offsets: dict[TopicPartition, int] = {}
        self._started_at_us = self._looked_at_us = self._tried_at_us = clock_us()
        self._counted = 0
        self._outliers = 0
        show_from_the_start(metrics)

    @property
    def tick_interval_s(self) -> float:
        """Seconds until the next performer is due; with nobody on stage there is nothing to send."""
        performers = self._stage.performers
        if not performers:
            return _EMPTY_STAGE_TICK_S
        due_us = min(performer.due_at_us(self._period_us) for performer in performers)
        return max(0.001, (due_us - self._clock_us()) / 1e6)

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """The group's offsets hold; performers whose partition went elsewhere are driven from there now."""
        owned = {partition.partition for partition in assignment.partitions}
        self._let_go(self._stage.dismiss_but(owned))
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Show the newest frame of everybody in the batch."""
        received_at_us = self._clock_us()
        for partition, offset in batch.next_offsets().items():
            self._next_offsets[TopicPartition(batch.topic, partition)] = offset
        scene = self._stage.perform(batch, received_at_us)
        for reason, frames in scene.passed_over.items():
            self._metrics.counter(FRAMES_PASSED_OVER, reason=reason).inc(frames)
        if scene.moved and self._clock_us() - received_at_us > _HELD_UP_US:
            # The process was stopped with these in its hands; by now somebody else may show newer ones.
            self._metrics.counter(FRAMES_PASSED_OVER, reason="stale").inc(len(scene.moved))
        elif scene.moved:
            datagrams = self._show([performer for performer, _ in scene.moved])
            self._report(batch, scene.moved, received_at_us, datagrams)
            if self._observers.calibrating is not None:
                self._observers.calibrating.look([performer for performer, _ in scene.moved])

    def tick(self) -> None:
        """Send again the states of those of whom nothing was sent for a period."""
        now_us = self._clock_us()
        if now_us - self._looked_at_us > _LOOK_AROUND_US:
            self._looked_at_us = now_us
            self._let_go(self._stage.dismiss_silent(now_us))
        if now_us - self._tried_at_us > _TRY_AGAIN_US:
            self._tried_at_us = now_us
            self._showing.try_again()
        until_us = now_us + _EARLY * self._period_us
        due = [performer for performer in self._stage.performers if performer.due_at_us(self._period_us) <= until_us]
        if due:
            self._show(due)

    def flush(self) -> None:
        """Nothing is held back."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Everything put."""
        return self._next_offsets

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget the positions; who performs stays, in case the partition comes back, but is not sent."""
        for partition in revoked:
            self._next_offsets.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:  # noqa: ARG002
        """Frames older than those shown are wanted now: begin anew."""
        self._let_go(self._stage.clear())

    def stop(self) -> None:
        """Release the sockets."""
        self._let_go(self._stage.clear())
        self._stage.close()
        if self._observers.audience is not None:
            self._observers.audience.close()
        if self._observers.calibrating is not None:
            self._observers.calibrating.close()

    def _show(self, performers: Sequence[Performer]) -> list[int]:
        """Send the states of these performers. Returns how many datagrams left for each."""
        now_us = self._clock_us()
        states = self._stage.states(performers, now_us)
        elapsed_s = (now_us - self._started_at_us) / 1e6
        mirrored: AvatarStates | None = None
        left, refused = [], 0
        for row, performer in enumerate(performers):
            performer.sent_at_us = now_us
            shows = self._showing.of(performer.stream_id)
            if shows.outputs and shows.role.mirror:
                mirrored = mirror_states(states) if mirrored is None else mirrored
            seen = mirrored if mirrored is not None and shows.role.mirror else states
            captured_at_us = 0 if performer.last is None else performer.last.captured_at_us
            shown = Shown(performer.stream_id, seen, row, now_us, captured_at_us, elapsed_s)
            refused_before = sum(output.refused for output in shows.outputs)
            left.append(sum(output.show(shown) for output in shows.outputs))
            refused += sum(output.refused for output in shows.outputs) - refused_before
        self._metrics.counter(PACKETS_SENT).inc(sum(left))
        self._metrics.counter(PACKETS_REFUSED).inc(refused)
        if self._observers.audience is not None:
            self._observers.audience.publish(performers, states, now_us)
        return left

    def _let_go(self, gone: Sequence[Performer]) -> None:
        if gone:
            streams = [performer.stream_id for performer in gone]
            self._showing.release(streams)
            if self._observers.audience is not None:
                self._observers.audience.dismiss(streams, self._clock_us())
        self._count_performers()

    def _count_performers(self) -> None:
        """The gauge is of the process, of which this may be one task of several."""
        here = len(self._stage.performers)
        self._metrics.gauge(PERFORMERS_ON_STAGE).inc(here - self._counted)
        self._counted = here

    def _report(
        self,
        frames: FrameBatch,
        moved: Sequence[tuple[Performer, Newest]],
        received_at_us: int,
        datagrams: Sequence[int],
    ) -> None:
        sent_at_us = self._clock_us()
        self._metrics.counter(FRAMES_SHOWN).inc(len(moved))
        outliers = self._stage.outliers
        self._metrics.counter(OUTLIERS).inc(outliers - self._outliers)
        self._outliers = outliers
        self._count_performers()
        to_packet = self._metrics.histogram(PUT_TO_PACKET_SECONDS)
        from_capture = self._metrics.histogram(CAPTURE_TO_PACKET_SECONDS)
        for (performer, newest), sent in zip(moved, datagrams, strict=True):
            if not sent:
                continue
            captured_at_us = newest.moment.captured_at_us
            to_packet.observe((sent_at_us - received_at_us) / 1e6)
            from_capture.observe(max(0, sent_at_us - captured_at_us) / 1e6)
            if self._observers.on_sent is not None:
                self._observers.on_sent(
                    SentFrame(
                        topic=str(frames.identity_topic[newest.row]),
                        partition=int(frames.identity_partition[newest.row]),
                        offset=int(frames.identity_offset[newest.row]),
                        stream_id=performer.stream_id,
                        captured_at_us=captured_at_us,
                        processed_at_us=int(frames.processed_at_us[newest.row]),
                        received_at_us=received_at_us,
                        sent_at_us=sent_at_us,
                        datagrams=sent,
                    )
                )
