"""The thread a sink lives on: it does the sink's calls one after the other, and repeats those that may yet succeed."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from connect_runtime.isolation import RowIsolation
from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.sink import Assignment, Sink, TickingSink, TopicPartition
from connect_runtime.sink_calls import CallKind, SinkCall, WaitingFrames
from connect_runtime.task_metrics import TaskMetrics
from keypoints.errors import Terminal, Transient
from keypoints.frame import FrameBatch
from observability.logs import error_fields

_FIRST_RETRY_S = 0.1
_SHORTEST_TICK_S = 0.001

log = logging.getLogger(__name__)


class RetriesExhausted(Terminal):
    """A sink call kept failing until `errors.retry.timeout` was over. Fields: call, attempts."""


class Abandoned(Terminal):
    """A sink call was given up because its partitions are gone."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How long a worker repeats a call (None: without end), who is told of what is durable after each call, how many
    bytes of frames may wait for the sink or be in its hands (a larger batch is taken when no other waits), what is
    entered around each put, and how many rows are put at once (a larger batch is put alone)."""

    retry_timeout_s: float | None
    retry_delay_max_s: float
    on_durable: Callable[[Mapping[TopicPartition, int]], None] | None = None
    waiting_bytes: int = 48 * 1024 * 1024
    trace_put: Callable[[FrameBatch], AbstractContextManager[None]] | None = None
    most_rows: int = 500


class SinkWorker:
    """Runs one sink. Asked from the polling thread, which never waits for a sink's call unless it says so.

    An era is the time between an `open` and the end of that assignment: what belongs to a past era is not started any
    more, nor repeated, and its durable offsets are not spoken of.
    """

    def __init__(
        self,
        name: str,
        make_sink: Callable[[], Sink],
        options: WorkerOptions,
        metrics: TaskMetrics,
        surroundings: Surroundings,
        isolation: RowIsolation | None = None,
    ) -> None:
        """Without `isolation` a batch the sink refuses fails it."""
        self._make_sink = make_sink
        self._isolation = isolation
        self._options = options
        self._metrics = metrics
        self._around = surroundings
        self._backoff = Backoff(_FIRST_RETRY_S, options.retry_delay_max_s)
        self._changed = threading.Condition()
        self._calls: deque[SinkCall] = deque()
        self._waiting_bytes = 0
        self._era = 0
        self._open = False
        self._durable: dict[TopicPartition, int] = {}
        self._failure: BaseException | None = None
        self._stopping = False
        self._next_tick: float | None = None
        self._ticking: TickingSink | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # ---- asked from the polling thread

    def open(self, assignment: Assignment) -> "Future[Mapping[TopicPartition, int]]":
        """Begin an era with these partitions; gives the offsets the sink's own store says to go on from."""
        with self._changed:
            self._era += 1
            self._durable = {}
        return self._enqueue(CallKind.OPEN, lambda sink: self._open_sink(sink, assignment))

    def offer(self, batch: FrameBatch, timeout_s: float) -> bool:
        """Hand a batch over if there is room for it within `timeout_s`. Raises what made the sink fail."""
        size = batch.coordinate_bytes
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(size) or self._failure is not None, timeout_s)
            self._raise_failure()
            if not self._has_room(size):
                return False
            self._note_waiting(size)
            if self._joins_the_last(batch):
                return True
        frames = WaitingFrames(batch)
        self._enqueue(CallKind.PUT, lambda sink: self._put(sink, frames), frames)
        return True

    def flush(self) -> "Future[None]":
        """Ask for what was handed over so far to be made durable."""
        return self._enqueue(CallKind.FLUSH, lambda sink: sink.flush())

    def close(self, revoked: Sequence[TopicPartition]) -> "Future[None]":
        """End the era: these partitions are gone."""
        with self._changed:
            self._open = False
        return self._enqueue(CallKind.CLOSE, lambda sink: sink.close(revoked))

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> "Future[None]":
        """Move the sink's own offsets; only while nothing is open."""
        return self._enqueue(CallKind.ALTER, lambda sink: sink.alter_offsets(offsets))

    def abandon(self) -> None:
        """Drop what was handed over and not begun, and repeat nothing any more: the partitions are gone."""
        with self._changed:
            self._era += 1
            self._durable = {}
            for call in [call for call in self._calls if call.kind in {CallKind.OPEN, CallKind.PUT, CallKind.FLUSH}]:
                self._calls.remove(call)
                self._drop(call)
            self._changed.notify_all()

    def durable_offsets(self) -> dict[TopicPartition, int]:
        """What the sink last said is durable, of this era."""
        with self._changed:
            return dict(self._durable)

    def raise_failure(self) -> None:
        """Raise what made the sink fail, if anything did."""
        with self._changed:
            self._raise_failure()

    def stop(self, timeout_s: float) -> bool:
        """Finish what is begun, stop the sink and end the thread. Returns whether it ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _enqueue(
        self, kind: CallKind, make: Callable[[Sink], Any], frames: WaitingFrames | None = None
    ) -> "Future[Any]":
        done: Future[Any] = Future()
        with self._changed:
            call = SinkCall(kind, make, done, self._era, frames)
            if self._failure is not None or self._stopping:
                self._drop(call)
            else:
                self._calls.append(call)
                self._changed.notify_all()
        return done

    def _has_room(self, size: int) -> bool:
        return self._waiting_bytes == 0 or self._waiting_bytes + size <= self._options.waiting_bytes

    def _joins_the_last(self, batch: FrameBatch) -> bool:
        """Have the batch put with the one that waits before it, where that is what it would come after."""
        last = self._calls[-1] if self._calls and not self._stopping else None
        if last is None or last.frames is None or last.era != self._era:
            return False
        if not last.frames.takes(batch, self._options.most_rows):
            return False
        last.frames.add(batch)
        return True

    def _note_waiting(self, more: int) -> None:
        if more:
            self._waiting_bytes += more
            self._metrics.waiting(self._waiting_bytes)
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _drop(self, call: SinkCall) -> None:
        self._note_waiting(-call.frame_bytes)
        call.done.set_exception(self._failure or Abandoned(f"{call.kind.name.lower()} was given up"))

    # ---- the sink's own thread

    def _run(self) -> None:
        sink: Sink | None = None
        try:
            sink = self._make_sink()
            # Once: to look for each of a protocol's members costs as much as a call of a small sink.
            self._ticking = sink if isinstance(sink, TickingSink) else None
            while (call := self._next_call()) is not None:
                self._do(sink, call)
        except BaseException as error:  # noqa: BLE001 - kept for the polling thread, which raises it
            self._fail(error)
        finally:
            if sink is not None:
                self._stop_sink(sink)

    def _next_call(self) -> SinkCall | None:
        """The next call to make: the oldest asked for, or a tick when one is due. None: the end."""
        ticking = self._ticking
        with self._changed:
            while True:
                if self._calls:
                    return self._calls.popleft()
                if self._stopping:
                    return None
                wait_s: float | None = None
                if ticking is not None and self._open and self._next_tick is not None:
                    wait_s = self._next_tick - self._around.clock()
                    if wait_s <= 0:
                        return SinkCall(CallKind.TICK, lambda _: ticking.tick(), Future(), self._era)
                self._changed.wait(wait_s)

    def _do(self, sink: Sink, call: SinkCall) -> None:
        try:
            result = self._repeat(sink, call)
        except Abandoned as error:
            call.done.set_exception(error)
            return
        except BaseException as error:
            call.done.set_exception(error)
            raise
        finally:
            with self._changed:
                self._note_waiting(-call.frame_bytes)
        self._note_outcome(sink, call)
        call.done.set_result(result)

    def _note_outcome(self, sink: Sink, call: SinkCall) -> None:
        interval_s: float | None = None
        if self._ticking is not None and call.kind in {CallKind.OPEN, CallKind.PUT, CallKind.TICK}:
            # Before the offsets: what a sink still writes when it is asked this it is asked about again soon.
            interval_s = self._ticking.tick_interval_s
        durable = {} if call.kind in {CallKind.CLOSE, CallKind.ALTER} else dict(sink.durable_offsets())
        if self._isolation is not None and call.kind not in {CallKind.CLOSE, CallKind.ALTER}:
            durable = self._isolation.vouch(durable)
        with self._changed:
            if call.era == self._era and call.kind is not CallKind.CLOSE:
                self._durable = durable
            if call.kind is CallKind.OPEN and call.era == self._era:
                self._open = True
            if interval_s is not None:
                due = self._around.clock() + max(_SHORTEST_TICK_S, interval_s)
                waits_longer = self._next_tick is None or self._next_tick > due
                if call.kind is not CallKind.PUT or waits_longer:
                    self._next_tick = due
            self._changed.notify_all()
        if self._options.on_durable is not None and durable:
            self._options.on_durable(durable)

    def _repeat(self, sink: Sink, call: SinkCall) -> Any:
        """Make the call, again after each Transient, until it succeeds, the time is over or its era is."""
        began = self._around.clock()
        attempt = 0
        while True:
            attempt += 1
            if call.era != self._era and call.kind in {CallKind.OPEN, CallKind.PUT, CallKind.FLUSH, CallKind.TICK}:
                raise Abandoned(f"{call.kind.name.lower()} was given up")
            try:
                return call.make(sink)
            except Transient as error:
                delay_s = self._backoff.delay_s(attempt, self._around.dice)
                limit_s = self._options.retry_timeout_s
                if call.kind is CallKind.CLOSE or (
                    limit_s is not None and self._around.clock() + delay_s > began + limit_s
                ):
                    raise RetriesExhausted(
                        f"{call.kind.name.lower()} failed {attempt} times: {error.message}",
                        hint=error.hint,
                        call=call.kind.name.lower(),
                        attempts=attempt,
                    ) from error
                self._metrics.retried()
                log.warning(
                    "%s failed and is tried again in %.1f s: %s", call.kind.name.lower(), delay_s, error.message,
                    extra={"attempt": attempt, **error_fields(error)},
                )  # fmt: skip
                self._wait_for_retry(call, delay_s)

    def _wait_for_retry(self, call: SinkCall, delay_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: call.era != self._era or self._stopping, delay_s)
            if self._stopping:
                raise Abandoned(f"{call.kind.name.lower()} was given up: the task stops")

    def _open_sink(self, sink: Sink, assignment: Assignment) -> Mapping[TopicPartition, int]:
        if self._isolation is not None:
            self._isolation.begin()
        return dict(sink.open(assignment))

    def _put(self, sink: Sink, frames: WaitingFrames) -> None:
        handover = frames.hand_over()
        batch = handover.batch
        began = self._around.clock()
        taken = len(batch)
        with nullcontext() if self._options.trace_put is None else self._options.trace_put(batch):
            if self._isolation is None:
                sink.put(batch)
            else:
                taken = self._isolation.put(sink, handover)
        seconds = self._around.clock() - began
        newest_ms = int(batch.timestamp_ms.max()) if len(batch) else 0
        age_s = self._around.wall_clock() - newest_ms / 1000 if newest_ms > 0 else None
        self._metrics.put(taken, seconds, age_s)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._durable = {} if isinstance(error, Abandoned) else self._durable
            while self._calls:
                self._drop(self._calls.popleft())
            self._changed.notify_all()

    def _stop_sink(self, sink: Sink) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping)
        try:
            sink.stop()
        except Exception as error:  # the sink's work is done or failed already; its connections go with the process
            log.exception("the sink did not stop cleanly", extra=error_fields(error))
