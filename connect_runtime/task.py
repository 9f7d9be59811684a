"""One task: a member of the group that hands what it reads to a sink, and commits what the sink made durable."""

import logging
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from connect_runtime.client import CommitRefused, Polled, TaskConsumer
from connect_runtime.config import ConnectorConfig
from connect_runtime.decoding import Decoded, Decoder
from connect_runtime.gaps import GapWatch
from connect_runtime.isolation import Originals
from connect_runtime.limits import HaltGuard, HaltLimits, Verdict
from connect_runtime.progress import Progress
from connect_runtime.rejections import Rejection, RejectionReporter, refuse
from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.sink import Assignment, TopicPartition
from connect_runtime.task_metrics import TaskMetrics
from connect_runtime.worker import SinkWorker
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.frame import FrameBatch
from observability.logs import error_fields

_IDLE_POLL_S = 0.5
_PENDING_POLL_S = 0.1
_ROOM_WAIT_S = 0.25
_COMMIT_SPACING_S = 1.0
_COMMIT_TIMEOUT_S = 10.0
_LAG_SPACING_S = 1.0
_POLL_BACKOFF = Backoff(first_s=0.1, cap_s=2.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskParts:
    """What a task is put together from."""

    consumer: TaskConsumer
    worker: SinkWorker
    decoder: Decoder
    reporter: RejectionReporter
    metrics: TaskMetrics
    surroundings: Surroundings
    guard: HaltGuard = field(default_factory=lambda: HaltGuard(HaltLimits()))
    originals: Originals = field(default_factory=Originals)
    retry_topics: tuple[str, ...] = ()
    """Read besides the connector's topics."""


class SinkTask:
    """Polls, decodes, puts, flushes and commits until it is told to stop, or fails.

    It is also told of rebalances, from within its own polls.
    """

    def __init__(
        self, config: ConnectorConfig, task_id: int, parts: TaskParts, on_running: Callable[[], None] = lambda: None
    ) -> None:
        """`on_running` is called each time the task took its partitions over, was paused or was resumed."""
        self._config = config
        self._task_id = task_id
        self._consumer = parts.consumer
        self._worker = parts.worker
        self._decoder = parts.decoder
        self._reporter = parts.reporter
        self._guard = parts.guard
        self._originals = parts.originals
        self._retry_topics = parts.retry_topics
        self._metrics = parts.metrics
        self._around = parts.surroundings
        self._on_running = on_running
        self._progress = Progress()
        self._gaps = GapWatch(
            parts.consumer, self._progress, config.name, task_id, parts.metrics, parts.surroundings
        )  # fmt: skip
        self._held: deque[FrameBatch] = deque()
        self._opening: Future[Mapping[TopicPartition, int]] | None = None
        self._flushing: Future[None] | None = None
        self._refused: Terminal | None = None
        self._unflushed = False
        self._in_group = False
        self._paused = False
        self._flushed_at = self._committed_at = self._lag_at = self._around.clock()
        self._poll_failures = 0
        self._poll_failing_since = 0.0

    def run(self) -> None:
        """Work until the wish to stop, then drain. Raises what made the task fail, after having let go of all."""
        try:
            topics, pattern = self._choose_topics()
            self._consumer.subscribe(topics, self, pattern)
            while not self._around.stopping.is_set():
                self._follow_wish_to_pause()
                polled = self._poll()
                decoded = self._decode(polled)
                self._put(decoded)
                self._flush_when_due()
                self._commit_when_due()
                self._report_lag_when_due()
                self._stop_at_refused_record()
        finally:
            self._leave()

    # ---- the loop's steps

    def _follow_wish_to_pause(self) -> None:
        """Read no further while paused; the group, the flushes and the commits go on."""
        wished = self._around.pausing.is_set()
        if wished == self._paused or self._opening is not None:
            return
        self._paused = wished
        if wished:
            self._consumer.pause(self._progress.owned)
        elif not self._held:
            self._consumer.resume(self._progress.owned)
        if self._in_group:
            self._on_running()

    def _poll(self) -> Polled:
        """Records, as soon as there are any; none while the sink is behind, but the group sees this member alive."""
        self._worker.raise_failure()
        timeout_s = _IDLE_POLL_S
        if self._held or self._opening is not None:
            timeout_s = 0.0
        elif self._unflushed or self._progress.has_uncommitted():
            timeout_s = min(_PENDING_POLL_S, max(0.0, self._config.flush_interval_s))
        try:
            if self._opening is not None:
                self._finish_opening(self._opening)
            polled = self._gaps.poll(timeout_s)
        except Transient as error:
            self._wait_after_failed_poll(error)
            return {}
        self._poll_failures = 0
        return polled

    def _decode(self, polled: Polled) -> Decoded:
        """Frames to put and records to report. Notes both before anything happens to them."""
        polled = {partition: records for partition, records in polled.items() if records}
        if not polled:
            return Decoded([], [])
        self._metrics.read(sum(len(records) for records in polled.values()))
        decoded = self._decoder.decode(polled)
        if self._around.stopping.is_set() and decoded.rejections:
            # The wait for a schema was cut short: these records are for the next run.
            return Decoded([], [])
        verdict = self._judge(polled, decoded.rejections)
        if not self._report(verdict.tolerable):
            return Decoded([], [])
        ends = self._note_refused(verdict)
        decoded = Decoded(decoded.cut(ends).batches if ends else decoded.batches, verdict.tolerable)
        self._keep_originals(polled, decoded)
        for partition, records in polled.items():
            end = ends.get(partition)
            done = [record for record in records if end is None or record.offset < end]
            if done:
                self._progress.note_done(partition, done[0].offset, done[-1].offset + 1, done[-1].timestamp)
        return decoded

    def _put(self, decoded: Decoded) -> None:
        """Hand batches to the sink; what it has no room for is held, with all partitions paused meanwhile."""
        for batch in decoded.batches:
            for index, offset in batch.next_offsets().items():
                self._progress.note_put(TopicPartition(batch.topic, index), offset)
            self._unflushed = True
        was_holding = bool(self._held)
        self._held.extend(decoded.batches)
        while self._held and self._worker.offer(self._held[0], _ROOM_WAIT_S):
            self._held.popleft()
        if self._held and not was_holding:
            self._consumer.pause(self._progress.owned)
        elif was_holding and not self._held and not self._paused:
            self._consumer.resume(self._progress.owned)

    def _flush_when_due(self) -> None:
        now = self._around.clock()
        if self._flushing is not None and self._flushing.done():
            self._flushing = None
            self._committed_at = now - _COMMIT_SPACING_S
        due = now - self._flushed_at >= self._config.flush_interval_s
        if due and self._unflushed and self._flushing is None and self._opening is None and not self._held:
            self._flushed_at = now
            self._unflushed = False
            self._flushing = self._worker.flush()

    def _commit_when_due(self) -> None:
        now = self._around.clock()
        if now - self._committed_at >= min(_COMMIT_SPACING_S, self._config.flush_interval_s):
            self._committed_at = now
            self._commit(_COMMIT_TIMEOUT_S)

    def _report_lag_when_due(self) -> None:
        now = self._around.clock()
        if now - self._lag_at >= _LAG_SPACING_S:
            self._lag_at = now
            ends = {partition: self._consumer.known_end(partition) for partition in self._progress.owned}
            seconds = self._progress.lag_seconds(ends, self._around.wall_clock() * 1000)
            self._metrics.lag(self._progress.lag_records(ends), seconds)

    def _stop_at_refused_record(self) -> None:
        if self._refused is not None and not self._held:
            raise self._refused

    # ---- rebalances, told from within poll and close

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Take partitions over: the sink says where to go on before any record of them is read."""
        log.info("partitions assigned", extra=self._context(partitions=_names(partitions)))
        self._progress.own(partitions)
        self._metrics.owns(len(self._progress.owned))
        self._in_group = True
        if not partitions:
            self._on_running()
            return
        self._consumer.pause(partitions)
        membership = self._consumer.membership()
        assignment = Assignment(tuple(partitions), membership.generation, membership.member_id, self._task_id)
        self._opening = self._worker.open(assignment)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Give partitions up: flush within the deadline, commit what is durable, have the sink drop the rest."""
        if not partitions:
            return
        deadline = self._around.clock() + self._config.shutdown_timeout_s
        log.info("partitions revoked", extra=self._context(partitions=_names(partitions)))
        if self._opening is None:
            self._finish(self._worker.flush(), deadline)
        self._commit(max(1.0, deadline - self._around.clock()))
        self._let_go(partitions, deadline)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """The group went on without us: nothing may be written or committed for these any more."""
        log.warning("partitions lost to the group", extra=self._context(partitions=_names(partitions)))
        self._let_go(partitions, self._around.clock())

    # ---- what the steps are made of

    def _choose_topics(self) -> tuple[tuple[str, ...], str | None]:
        pattern = self._config.topics_pattern
        if pattern is not None:
            return (), "|".join([f"(?:{pattern})", *map(re.escape, self._retry_topics)])
        return (*self._config.topics, *self._retry_topics), None

    def _finish_opening(self, opening: "Future[Mapping[TopicPartition, int]]") -> None:
        try:
            offsets = opening.result(_ROOM_WAIT_S)
        except TimeoutError:
            return
        # Also what this member kept through the rebalance is read from there again: kafka-python goes on at its own
        # position, past what was read and dropped undurable.
        positions = self._consumer.rewind([partition for partition in self._progress.owned if partition not in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)
            self._progress.start_at(partition, offset)
        self._gaps.pass_gaps({**positions, **offsets})
        self._opening = None
        if not self._paused:
            self._consumer.resume(self._progress.owned)
        self._on_running()

    def _wait_after_failed_poll(self, error: Transient) -> None:
        now = self._around.clock()
        if self._poll_failures == 0:
            self._poll_failing_since = now
        self._poll_failures += 1
        limit_s = self._config.retry_timeout_s
        if limit_s is not None and now - self._poll_failing_since > limit_s:
            raise error
        delay_s = _POLL_BACKOFF.delay_s(self._poll_failures, self._around.dice)
        log.warning(
            "polling failed and is tried again in %.1f s: %s",
            delay_s,
            error.message,
            extra=self._context(**error_fields(error)),
        )
        self._around.stopping.wait(delay_s)

    def _judge(self, polled: Polled, rejections: Sequence[Rejection]) -> Verdict:
        if rejections and self._config.errors_tolerance == "none":
            return Verdict([], list(rejections), refuse(rejections[0]))
        return self._guard.judge(polled, rejections)

    def _report(self, rejections: list[Rejection]) -> bool:
        """Account for records before they are passed over. Returns whether it was done before the wish to stop.

        Raises what the reporter raises, Transient ones after `errors.retry.timeout`.
        """
        began = self._around.clock()
        attempt = 0
        while True:
            attempt += 1
            try:
                self._reporter.report(rejections)
            except Transient as error:
                delay_s = _POLL_BACKOFF.delay_s(attempt, self._around.dice)
                limit_s = self._config.retry_timeout_s
                if limit_s is not None and self._around.clock() + delay_s > began + limit_s:
                    raise
                log.warning(
                    "reporting %d records failed and is tried again in %.1f s: %s", len(rejections), delay_s,
                    error.message, extra=self._context(**error_fields(error)),
                )  # fmt: skip
                if self._around.stopping.wait(delay_s):
                    return False
            else:
                return True

    def _keep_originals(self, polled: Polled, decoded: Decoded) -> None:
        wanted = {(batch.topic, index) for batch in decoded.batches for index in np.unique(batch.partition).tolist()}
        self._originals.keep({partition: polled[partition] for partition in polled if tuple(partition) in wanted})

    def _note_refused(self, verdict: Verdict) -> dict[TopicPartition, int]:
        """Remember that the task stops here. Returns, by partition, the offset of its first refused record."""
        ends: dict[TopicPartition, int] = {}
        for rejection in verdict.refused:
            self._metrics.failed_record(self._around.wall_clock(), skipped=False)
            ends[rejection.partition] = min(
                rejection.record.offset, ends.get(rejection.partition, rejection.record.offset)
            )
        self._refused = self._refused or verdict.error
        return ends

    def _commit(self, timeout_s: float) -> None:
        """Commit what is durable. That the group has moved on, or the broker is away, is no failure: it is redelivered
        and has no second effect."""
        offsets = self._progress.committable(self._worker.durable_offsets())
        if not offsets:
            return
        began = self._around.clock()
        try:
            self._consumer.commit(offsets, timeout_s)
        except (CommitRefused, Transient) as error:
            self._metrics.committed(self._around.clock() - began, taken=False)
            log.warning("commit not taken: %s", error.message, extra=self._context(**error_fields(error)))
        else:
            self._metrics.committed(self._around.clock() - began, taken=True)
            self._progress.note_committed(offsets)

    def _let_go(self, partitions: Sequence[TopicPartition], deadline: float) -> None:
        self._progress.disown(partitions)
        self._held = deque(rest for batch in self._held if len(rest := _without(batch, partitions)))
        self._flushing = None
        self._opening = None
        self._unflushed = False
        self._metrics.owns(len(self._progress.owned))
        # What was not durable by now must not become so later: another member reads it again.
        self._worker.abandon()
        self._finish(self._worker.close(partitions), deadline)
        self._originals.clear()

    def _finish(self, done: "Future[None]", deadline: float) -> None:
        """Wait for a sink's call until the deadline. What fails here fails the task at its next poll."""
        try:
            error = done.exception(max(0.0, deadline - self._around.clock()))
        except TimeoutError:
            log.warning("the sink did not finish in time", extra=self._context())
        else:
            if error is not None:
                log.debug("a call of the sink failed while letting go", extra=self._context(**error_fields(error)))

    def _leave(self) -> None:
        """Leave the group, which revokes what is owned, and stop the sink; always, whatever happened before."""
        try:
            self._consumer.close(self._config.shutdown_timeout_s)
        except HolisticError as error:
            log.warning("leaving the group failed: %s", error.message, extra=self._context(**error_fields(error)))
        if not self._worker.stop(self._config.shutdown_timeout_s):
            log.error("the sink did not stop in time", extra=self._context())

    def _context(self, **fields: object) -> dict[str, object]:
        return {"connector": self._config.name, "task": self._task_id, **fields}


def _names(partitions: Sequence[TopicPartition]) -> str:
    return ",".join(f"{topic}-{partition}" for topic, partition in partitions)


def _without(batch: FrameBatch, partitions: Sequence[TopicPartition]) -> FrameBatch:
    gone = [partition for topic, partition in partitions if topic == batch.topic]
    return batch.take(~np.isin(batch.partition, gone))
