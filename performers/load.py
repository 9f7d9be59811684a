"""An open-loop load: frames leave when their time has come, whether or not those before were acknowledged.

The schedule is absolute, so one late frame makes no other late; captured_at is the scheduled time, and latency is
counted from it, so that a stalled broker cannot hide the wait of the frames behind (coordinated omission).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from keypoints.codec import encode_avro
from keypoints.errors import HolisticError, Terminal
from keypoints.topics import TRACKING_TOPIC, frame_headers, record_key
from performers.acts import ActKind
from performers.loops import Cast, rehearse

DEFAULT_ACTS: Final = (ActKind.IDLE, ActKind.WAVE, ActKind.THUMBS_UP, ActKind.WALK, ActKind.SQUAT, ActKind.SPEAK)
LATE_AFTER_S: Final = 0.020
_TICK_S: Final = 0.004
"""Sleeping less between frames would cost more than the frames."""
_PROGRESS_EVERY: Final = 100
_FLUSH_TIMEOUT_S: Final = 120.0


class InvalidLoad(Terminal):
    """A load that cannot be. Fields: rate, streams, seconds."""


class Publishes(Protocol):
    """What a load needs of a publisher; the fate of each record goes to `LoadLedger.settle` with its tag."""

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        tag: object = None,
    ) -> None:
        """Hand a record over."""

    def flush(self, timeout_s: float = 60.0) -> None:
        """Wait for the fate of every record."""


class Clock(Protocol):
    """Time as a load sees it."""

    def now_us(self) -> int:
        """Microseconds since 1970 that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SteadyClock:
    """The machine's time of day at its making, moved on by its monotonic clock."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return (time.monotonic_ns() + self._offset_ns) // 1000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What to publish: `rate` frames a second in all, over `streams` streams named `<name>-<number>`, for `seconds`.

    With `as_fast_as_possible` the same frames leave without waiting, and the last one's captured_at is now.
    Raises InvalidLoad.
    """

    rate: float
    streams: int
    seconds: float
    seed: int = 0
    acts: tuple[ActKind, ...] = DEFAULT_ACTS
    name: str = "load"
    topic: str = TRACKING_TOPIC
    as_fast_as_possible: bool = False

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.streams > 0 and self.seconds > 0 and self.acts):
            raise InvalidLoad(
                "rate, streams and seconds must be above 0, and there must be an act",
                rate=self.rate,
                streams=self.streams,
                seconds=self.seconds,
            )

    @property
    def frames(self) -> int:
        """How many frames that is."""
        return max(1, round(self.rate * self.seconds))

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """The streams' names."""
        return tuple(f"{self.name}-{stream:03d}" for stream in range(self.streams))


@dataclass(frozen=True)
class LoadReport:
    """What became of a load. Every frame asked for is acknowledged or failed; times are milliseconds.

    `late` frames were handed over more than 20 ms after their time. Latency runs from a frame's scheduled time (as fast
    as possible: from its handing over) to its acknowledgement; it is None when nothing was acknowledged.
    """

    asked_rate: float
    achieved_rate: float
    streams: int
    frames: int
    late: int
    acknowledged: int
    failed: int
    ack_ms_p50: float | None
    ack_ms_p99: float | None
    ack_ms_max: float | None
    bytes: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was acknowledged."""
        return self.acknowledged == self.frames


class LoadLedger:
    """Remembers when each frame was due and what became of it. `settle` may be called from another thread."""

    def __init__(self, frames: int, clock: Clock) -> None:
        self._clock = clock
        self._since_us = np.zeros(frames, dtype=np.int64)
        self._latency_us = np.full(frames, -1, dtype=np.int64)
        self.first_error: HolisticError | None = None

    def expect(self, number: int, since_us: int) -> None:
        """From when on the latency of a frame counts."""
        self._since_us[number] = since_us

    def settle(self, number: int, error: HolisticError | None) -> None:
        """A frame was acknowledged, or failed."""
        if error is None:
            self._latency_us[number] = self._clock.now_us() - self._since_us[number]
            return
        self.first_error = self.first_error or error

    def report(self, plan: LoadPlan, *, late: int, sent_bytes: int, seconds: float) -> LoadReport:
        """The sums; a frame whose fate is not known by now has failed."""
        latencies_ms = self._latency_us[self._latency_us >= 0] / 1000.0
        quantiles = np.quantile(latencies_ms, [0.5, 0.99, 1.0]).tolist() if len(latencies_ms) else [None] * 3
        return LoadReport(
            asked_rate=plan.rate,
            achieved_rate=plan.frames / max(seconds, 1e-6),
            streams=plan.streams,
            frames=plan.frames,
            late=late,
            acknowledged=len(latencies_ms),
            failed=plan.frames - len(latencies_ms),
            ack_ms_p50=quantiles[0],
            ack_ms_p99=quantiles[1],
            ack_ms_max=quantiles[2],
            bytes=sent_bytes,
            seconds=seconds,
        )


def play_load(
    plan: LoadPlan,
    publisher: Publishes,
    ledger: LoadLedger,
    clock: Clock,
    *,
    registry_id: int | None = None,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> LoadReport:
    """Publish the plan's frames and wait for the fate of all. `on_progress` hears how many were handed over.

    A frame that the publisher refuses, or that is not acknowledged in the end, counts as failed; the load goes on, and
    the first reason is the ledger's `first_error`.
    """
    cast = rehearse(plan.stream_ids, plan.acts, plan.rate / plan.streams, seed=plan.seed)
    sender = _Sender(plan, cast, publisher, registry_id)
    epoch = started_us = clock.now_us()
    first_us = started_us - (int(plan.seconds * 1e6) if plan.as_fast_as_possible else 0)
    late = 0
    for number in range(plan.frames):
        due_us = first_us + round(number * 1e6 / plan.rate)
        now_us = clock.now_us()
        if not plan.as_fast_as_possible:
            while now_us < due_us:
                clock.sleep(max(_TICK_S, (due_us - now_us) / 1e6))
                now_us = clock.now_us()
            late += now_us - due_us > LATE_AFTER_S * 1e6
        ledger.expect(number, now_us if plan.as_fast_as_possible else due_us)
        try:
            sender.send(number, epoch, due_us, now_us)
        except HolisticError as error:
            ledger.settle(number, error)
        if number % _PROGRESS_EVERY == 0:
            on_progress(number)
    handed_over_s = (clock.now_us() - started_us) / 1e6
    on_progress(plan.frames)
    try:
        publisher.flush(_FLUSH_TIMEOUT_S)
    except HolisticError as error:
        ledger.first_error = ledger.first_error or error
    # The last frame's turn lasts until the next would be due; as fast as possible, until all are acknowledged.
    lasted_s = (clock.now_us() - started_us) / 1e6 if plan.as_fast_as_possible else handed_over_s + 1.0 / plan.rate
    return ledger.report(plan, late=late, sent_bytes=sender.sent_bytes, seconds=lasted_s)


class _Sender:
    """Turns a frame's number into a record and hands it over."""

    def __init__(self, plan: LoadPlan, cast: Cast, publisher: Publishes, registry_id: int | None) -> None:
        self._plan = plan
        self._cast = cast
        self._publisher = publisher
        self._registry_id = registry_id
        self._keys = [record_key(stream_id) for stream_id in plan.stream_ids]
        self._headers = frame_headers()
        self.sent_bytes = 0

    def send(self, number: int, epoch: int, due_us: int, now_us: int) -> None:
        """Publish the `number`-th frame of all: the streams take turns."""
        sequence, stream = divmod(number, self._plan.streams)
        frame = self._cast.frame(stream, sequence, epoch=epoch, captured_at_us=due_us, now_us=now_us)
        value = encode_avro(frame, registry_id=self._registry_id)
        self._publisher.publish(self._plan.topic, self._keys[stream], value, self._headers, due_us // 1000, number)
        self.sent_bytes += len(value)
