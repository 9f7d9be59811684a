"""The thread a sink lives on: it does the sink's calls one after the other, and repeats those that may yet succeed."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.sink import Assignment, Sink, TickingSink, TopicPartition
from connect_runtime.task_metrics import TaskMetrics
from keypoints.errors import Terminal, Transient
from keypoints.frame import FrameBatch
from observability.logs import error_fields

_FIRST_RETRY_S = 0.1
# Enough to keep reading while a sink encodes a whole row group, and few enough to stay within tens of megabytes.
_WAITING_PUTS = 8
_SHORTEST_TICK_S = 0.001

log = logging.getLogger(__name__)


class RetriesExhausted(Terminal):
    """A sink call kept failing until `errors.retry.timeout` was over. Fields: call, attempts."""


class Abandoned(Terminal):
    """A sink call was given up because its partitions are gone."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How long a worker repeats a call (None: without end), and who is told of what is durable after each call."""

    retry_timeout_s: float | None
    retry_delay_max_s: float
    on_durable: Callable[[Mapping[TopicPartition, int]], None] | None = None


class _Kind(Enum):
    OPEN = auto()
    PUT = auto()
    FLUSH = auto()
    TICK = auto()
    CLOSE = auto()
    ALTER = auto()


@dataclass(slots=True)
class _Job:
    kind: _Kind
    call: Callable[[Sink], Any]
    done: Future[Any]
    era: int


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
    ) -> None:
        self._make_sink = make_sink
        self._options = options
        self._metrics = metrics
        self._around = surroundings
        self._backoff = Backoff(_FIRST_RETRY_S, options.retry_delay_max_s)
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._waiting_puts = 0
        self._era = 0
        self._open = False
        self._durable: dict[TopicPartition, int] = {}
        self._failure: BaseException | None = None
        self._stopping = False
        self._next_tick: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # ---- asked from the polling thread

    def open(self, assignment: Assignment) -> "Future[Mapping[TopicPartition, int]]":
        """Begin an era with these partitions; gives the offsets the sink's own store says to go on from."""
        with self._changed:
            self._era += 1
            self._durable = {}
        return self._enqueue(_Kind.OPEN, lambda sink: dict(sink.open(assignment)))

    def offer(self, batch: FrameBatch, timeout_s: float) -> bool:
        """Hand a batch over if there is room for it within `timeout_s`. Raises what made the sink fail."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting_puts < _WAITING_PUTS or self._failure is not None, timeout_s)
            self._raise_failure()
            if self._waiting_puts >= _WAITING_PUTS:
                return False
            self._waiting_puts += 1
        self._enqueue(_Kind.PUT, lambda sink: self._put(sink, batch))
        return True

    def flush(self) -> "Future[None]":
        """Ask for what was handed over so far to be made durable."""
        return self._enqueue(_Kind.FLUSH, lambda sink: sink.flush())

    def close(self, revoked: Sequence[TopicPartition]) -> "Future[None]":
        """End the era: these partitions are gone."""
        with self._changed:
            self._open = False
        return self._enqueue(_Kind.CLOSE, lambda sink: sink.close(revoked))

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> "Future[None]":
        """Move the sink's own offsets; only while nothing is open."""
        return self._enqueue(_Kind.ALTER, lambda sink: sink.alter_offsets(offsets))

    def abandon(self) -> None:
        """Drop what was handed over and not begun, and repeat nothing any more: the partitions are gone."""
        with self._changed:
            self._era += 1
            self._durable = {}
            for job in [job for job in self._jobs if job.kind in {_Kind.OPEN, _Kind.PUT, _Kind.FLUSH}]:
                self._jobs.remove(job)
                self._drop(job)
            self._changed.notify_all()

    def durable_offsets(self) -> dict[TopicPartition, int]:
        """What the sink last said is durable, of this era."""
        with self._changed:
            return dict(self._durable)

    def raise_failure(self) -> None:
        """Raise what made the sink fail, if anything did."""
        with self._changed:
            self._raise_failure()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until there is room for a batch again, or the sink failed."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._waiting_puts < _WAITING_PUTS or self._failure is not None, timeout_s
            )

    def stop(self, timeout_s: float) -> bool:
        """Finish what is begun, stop the sink and end the thread. Returns whether it ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _enqueue(self, kind: _Kind, call: Callable[[Sink], Any]) -> "Future[Any]":
        done: Future[Any] = Future()
        with self._changed:
            job = _Job(kind, call, done, self._era)
            if self._failure is not None or self._stopping:
                self._drop(job)
            else:
                self._jobs.append(job)
                self._changed.notify_all()
        return done

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _drop(self, job: _Job) -> None:
        if job.kind is _Kind.PUT:
            self._waiting_puts -= 1
        job.done.set_exception(self._failure or Abandoned(f"{job.kind.name.lower()} was given up"))

    # ---- the sink's own thread

    def _run(self) -> None:
        sink: Sink | None = None
        try:
            sink = self._make_sink()
            while (job := self._next_job(sink)) is not None:
                self._do(sink, job)
        except BaseException as error:  # noqa: BLE001 - kept for the polling thread, which raises it
            self._fail(error)
        finally:
            if sink is not None:
                self._stop_sink(sink)

    def _next_job(self, sink: Sink) -> _Job | None:
        """The next call to make: the oldest asked for, or a tick when one is due. None: the end."""
        with self._changed:
            while True:
                if self._jobs:
                    job = self._jobs.popleft()
                    if job.kind is _Kind.PUT:
                        self._waiting_puts -= 1
                        self._changed.notify_all()
                    return job
                if self._stopping:
                    return None
                wait_s: float | None = None
                if isinstance(sink, TickingSink) and self._open and self._next_tick is not None:
                    wait_s = self._next_tick - self._around.clock()
                    if wait_s <= 0:
                        return _Job(_Kind.TICK, lambda _: sink.tick(), Future(), self._era)
                self._changed.wait(wait_s)

    def _do(self, sink: Sink, job: _Job) -> None:
        try:
            result = self._repeat(sink, job)
        except Abandoned as error:
            job.done.set_exception(error)
            return
        except BaseException as error:
            job.done.set_exception(error)
            raise
        self._note_outcome(sink, job)
        job.done.set_result(result)

    def _note_outcome(self, sink: Sink, job: _Job) -> None:
        durable = {} if job.kind in {_Kind.CLOSE, _Kind.ALTER} else dict(sink.durable_offsets())
        with self._changed:
            if job.era == self._era and job.kind is not _Kind.CLOSE:
                self._durable = durable
            if job.kind is _Kind.OPEN and job.era == self._era:
                self._open = True
            if isinstance(sink, TickingSink) and job.kind in {_Kind.OPEN, _Kind.TICK}:
                self._next_tick = self._around.clock() + max(_SHORTEST_TICK_S, sink.tick_interval_s)
            self._changed.notify_all()
        if self._options.on_durable is not None and durable:
            self._options.on_durable(durable)

    def _repeat(self, sink: Sink, job: _Job) -> Any:
        """Make the call, again after each Transient, until it succeeds, the time is over or its era is."""
        began = self._around.clock()
        attempt = 0
        while True:
            attempt += 1
            if job.era != self._era and job.kind in {_Kind.OPEN, _Kind.PUT, _Kind.FLUSH, _Kind.TICK}:
                raise Abandoned(f"{job.kind.name.lower()} was given up")
            try:
                return job.call(sink)
            except Transient as error:
                delay_s = self._backoff.delay_s(attempt, self._around.dice)
                limit_s = self._options.retry_timeout_s
                if job.kind is _Kind.CLOSE or (
                    limit_s is not None and self._around.clock() + delay_s > began + limit_s
                ):
                    raise RetriesExhausted(
                        f"{job.kind.name.lower()} failed {attempt} times: {error.message}",
                        hint=error.hint,
                        call=job.kind.name.lower(),
                        attempts=attempt,
                    ) from error
                self._metrics.retried()
                log.warning(
                    "%s failed and is tried again in %.1f s: %s", job.kind.name.lower(), delay_s, error.message,
                    extra={"attempt": attempt, **error_fields(error)},
                )  # fmt: skip
                self._wait_for_retry(job, delay_s)

    def _wait_for_retry(self, job: _Job, delay_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: job.era != self._era or self._stopping, delay_s)
            if self._stopping:
                raise Abandoned(f"{job.kind.name.lower()} was given up: the task stops")

    def _put(self, sink: Sink, batch: FrameBatch) -> None:
        began = self._around.clock()
        sink.put(batch)
        seconds = self._around.clock() - began
        newest_ms = int(batch.timestamp_ms.max()) if len(batch) else 0
        age_s = self._around.wall_clock() - newest_ms / 1000 if newest_ms > 0 else None
        self._metrics.put(len(batch), seconds, age_s)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._durable = {} if isinstance(error, Abandoned) else self._durable
            while self._jobs:
                self._drop(self._jobs.popleft())
            self._changed.notify_all()

    def _stop_sink(self, sink: Sink) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping)
        try:
            sink.stop()
        except Exception as error:  # the sink's work is done or failed already; its connections go with the process
            log.exception("the sink did not stop cleanly", extra=error_fields(error))
