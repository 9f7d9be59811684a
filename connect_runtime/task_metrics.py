"""One task's metrics, in the words of what happens to it."""

import threading
from enum import StrEnum

from observability import metrics as defs
from observability.metrics import Metrics


class TaskState(StrEnum):
    """Kafka Connect's names of a task's states."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"
    STOPPED = "STOPPED"


class TaskMetrics:
    """Counts for one connector and task; safe to use from the polling and the sink's thread."""

    def __init__(self, metrics: Metrics, connector: str, task_id: int) -> None:
        self._metrics = metrics
        self._labels = {"connector": connector, "task": str(task_id)}
        self._lock = threading.Lock()
        self._puts = 0
        self._put_seconds = 0.0
        self._slowest_put_s = 0.0
        self._commits = 0
        self._commits_taken = 0
        self._commit_seconds = 0.0
        for definition in (defs.RECORDS_READ, defs.RECORDS_SENT, defs.COMMITS_COMPLETED, defs.COMMIT_FAILURES,
                           defs.RETRIES, defs.RECORD_FAILURES, defs.RECORDS_SKIPPED, defs.TASK_RESTARTS,
                           defs.GAP_RECORDS, defs.DEAD_LETTERS, defs.DEAD_LETTER_FAILURES):  # fmt: skip
            # A counter that was never raised is 0, not absent.
            metrics.counter(definition, **self._labels)

    def read(self, records: int) -> None:
        """Records came from Kafka."""
        self._metrics.counter(defs.RECORDS_READ, **self._labels).inc(records)

    def put(self, records: int, seconds: float, delivery_s: float | None) -> None:
        """The sink took a batch; `delivery_s` is how old its newest record was then."""
        with self._lock:
            self._puts += 1
            self._put_seconds += seconds
            self._slowest_put_s = max(self._slowest_put_s, seconds)
            average_ms, slowest_ms = 1000 * self._put_seconds / self._puts, 1000 * self._slowest_put_s
        self._metrics.counter(defs.RECORDS_SENT, **self._labels).inc(records)
        self._metrics.gauge(defs.PUT_BATCH_AVG_MS, **self._labels).set(average_ms)
        self._metrics.gauge(defs.PUT_BATCH_MAX_MS, **self._labels).set(slowest_ms)
        self._metrics.histogram(defs.PUT_SECONDS, **self._labels).observe(seconds)
        if delivery_s is not None:
            self._metrics.histogram(defs.DELIVERY_SECONDS, **self._labels).observe(delivery_s)

    def retried(self) -> None:
        """A sink call is about to be repeated."""
        self._metrics.counter(defs.RETRIES, **self._labels).inc()

    def committed(self, seconds: float, *, taken: bool) -> None:
        """A commit was answered; `taken`: the broker took it."""
        with self._lock:
            self._commits += 1
            self._commits_taken += taken
            self._commit_seconds += seconds
            average_ms, share = 1000 * self._commit_seconds / self._commits, self._commits_taken / self._commits
        outcome = defs.COMMITS_COMPLETED if taken else defs.COMMIT_FAILURES
        self._metrics.counter(outcome, **self._labels).inc()
        self._metrics.gauge(defs.COMMIT_AVG_MS, **self._labels).set(average_ms)
        self._metrics.gauge(defs.COMMIT_SUCCESS, **self._labels).set(share)

    def failed_record(self, now_s: float, *, skipped: bool) -> None:
        """A record could not be used; `skipped`: the task goes on without it."""
        self._metrics.counter(defs.RECORD_FAILURES, **self._labels).inc()
        self._metrics.gauge(defs.LAST_ERROR_MS, **self._labels).set(int(now_s * 1000))
        if skipped:
            self._metrics.counter(defs.RECORDS_SKIPPED, **self._labels).inc()

    def sent_dead_letters(self, records: int, *, acknowledged: bool) -> None:
        """Records were sent to the dead-letter topic, and all of them acknowledged, or not."""
        self._metrics.counter(defs.DEAD_LETTERS, **self._labels).inc(records)
        if not acknowledged:
            self._metrics.counter(defs.DEAD_LETTER_FAILURES, **self._labels).inc(records)

    def passed_gap(self, records: int) -> None:
        """Records were gone before they were read."""
        self._metrics.counter(defs.GAP_RECORDS, **self._labels).inc(records)

    def waiting(self, frame_bytes: int) -> None:
        """So much waits for the sink now."""
        self._metrics.gauge(defs.WAITING_BYTES, **self._labels).set(frame_bytes)

    def restarted(self) -> None:
        """A failed task starts again."""
        self._metrics.counter(defs.TASK_RESTARTS, **self._labels).inc()

    def owns(self, partitions: int) -> None:
        """The task's partitions changed."""
        self._metrics.gauge(defs.PARTITIONS, **self._labels).set(partitions)

    def lag(self, records: int, seconds: float) -> None:
        """How far the task is behind."""
        self._metrics.gauge(defs.LAG_RECORDS, **self._labels).set(records)
        self._metrics.gauge(defs.LAG_SECONDS, **self._labels).set(seconds)

    def state(self, state: TaskState) -> None:
        """The task's state changed."""
        for one in TaskState:
            self._metrics.gauge(defs.TASK_STATE, **self._labels, state=one.value).set(one is state)
