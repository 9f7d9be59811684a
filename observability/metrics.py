"""Every metric of the sink runtime, one definition each; other rooms define theirs with the same types.

Names are Kafka Connect's own (its JMX names as the usual Prometheus exporter writes them), so that its dashboards
work. Never a label by user or stream: their number has no bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class CounterDef:
    """A number that only grows; Prometheus appends `_total` to its name."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GaugeDef:
    """A number that goes up and down."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistogramDef:
    """How often a value fell below each of `buckets` (ascending, in the unit of the name)."""

    name: str
    help: str
    buckets: tuple[float, ...]
    labels: tuple[str, ...] = ()


_TASK: Final = ("connector", "task")
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

# Records polled from Kafka, good or bad.
RECORDS_READ = CounterDef("kafka_connect_sink_task_sink_record_read", "Records read from Kafka.", _TASK)
# Records the sink took without raising.
RECORDS_SENT = CounterDef("kafka_connect_sink_task_sink_record_send", "Records put into the sink.", _TASK)
# Average over the task's life, as Connect has it.
PUT_BATCH_AVG_MS = GaugeDef("kafka_connect_sink_task_put_batch_avg_time_ms", "Average time of a put.", _TASK)
# The slowest put of the task's life.
PUT_BATCH_MAX_MS = GaugeDef("kafka_connect_sink_task_put_batch_max_time_ms", "Longest time of a put.", _TASK)
# Partitions this task owns now; 0 while it waits for its group.
PARTITIONS = GaugeDef("kafka_connect_sink_task_partition_count", "Partitions assigned to the task.", _TASK)
# Commits the broker took.
COMMITS_COMPLETED = CounterDef(
    "kafka_connect_sink_task_offset_commit_completion", "Offset commits that succeeded.", _TASK
)
# Commits the broker refused or did not answer: a few come with each rebalance, and have no effect but reading again.
COMMIT_FAILURES = CounterDef("holistic_task_offset_commit_failures", "Offset commits that were not taken.", _TASK)
# Average over the task's life.
COMMIT_AVG_MS = GaugeDef("kafka_connect_connector_task_offset_commit_avg_time_ms", "Average time of a commit.", _TASK)
# 0 to 1, as Connect has it in spite of its name.
COMMIT_SUCCESS = GaugeDef(
    "kafka_connect_connector_task_offset_commit_success_percentage", "Share of commits that succeeded.", _TASK
)
# 1 for the state the task is in, 0 for the others.
TASK_STATE = GaugeDef("kafka_connect_connector_task_status", "1 for the state the task is in.", (*_TASK, "state"))
# Records that could not be decoded or put, tolerated or not.
RECORD_FAILURES = CounterDef("kafka_connect_task_error_total_record_failures", "Records that failed.", _TASK)
# Failed records the task went on without.
RECORDS_SKIPPED = CounterDef("kafka_connect_task_error_total_records_skipped", "Records skipped after errors.", _TASK)
# Calls of the sink repeated after an error that may pass.
RETRIES = CounterDef("kafka_connect_task_error_total_retries", "Sink calls repeated after a transient error.", _TASK)
# Dead letters handed to the broker, acknowledged or not.
DEAD_LETTERS = CounterDef(
    "kafka_connect_task_error_deadletterqueue_produce_requests", "Records sent to the dead-letter topic.", _TASK
)
# Dead letters the broker did not acknowledge; each is sent again, or its record read again.
DEAD_LETTER_FAILURES = CounterDef(
    "kafka_connect_task_error_deadletterqueue_produce_failures", "Failed writes to the dead-letter topic.", _TASK
)
# When the last error happened; 0 is never.
LAST_ERROR_MS = GaugeDef(
    "kafka_connect_task_error_last_error_timestamp", "Time of the last error, ms since 1970.", _TASK
)
# Starts of a task after a failure.
TASK_RESTARTS = CounterDef("kafka_connect_worker_connector_task_restart", "Restarts of a failed task.", _TASK)
# Offsets retention took before the task read them: data that is lost to this connector.
GAP_RECORDS = CounterDef("holistic_task_gap_records", "Records that were gone before they were read.", _TASK)
# Bytes of frames handed to the sink's thread that its puts have not dealt with.
WAITING_BYTES = GaugeDef("holistic_task_waiting_bytes", "Bytes of frames that wait for the sink.", _TASK)
# Records in Kafka the task has not read yet, over its partitions.
LAG_RECORDS = GaugeDef("holistic_task_lag_records", "Records not read yet.", _TASK)
# How old the last read record is while there are more; 0 when all is read.
LAG_SECONDS = GaugeDef("holistic_task_lag_seconds", "Age of the newest record read while more wait.", _TASK)
# Time of one sink call.
PUT_SECONDS = HistogramDef("holistic_sink_put_seconds", "Time of a put.", _SECONDS, _TASK)
# From the record's timestamp (capture time) until the sink took it.
DELIVERY_SECONDS = HistogramDef(
    "holistic_record_delivery_seconds", "Record timestamp to the end of its put, by batch.", _SECONDS, _TASK
)

RUNTIME_METRICS: Final[Sequence[CounterDef | GaugeDef | HistogramDef]] = (
    RECORDS_READ, RECORDS_SENT, PUT_BATCH_AVG_MS, PUT_BATCH_MAX_MS, PARTITIONS, COMMITS_COMPLETED,
    COMMIT_FAILURES, COMMIT_AVG_MS,
    COMMIT_SUCCESS, TASK_STATE, RECORD_FAILURES, RECORDS_SKIPPED, RETRIES, DEAD_LETTERS,
    DEAD_LETTER_FAILURES, LAST_ERROR_MS, TASK_RESTARTS, GAP_RECORDS, WAITING_BYTES, LAG_RECORDS,
    LAG_SECONDS, PUT_SECONDS, DELIVERY_SECONDS,
)  # fmt: skip


class Metrics:
    """The metrics of one process, made on first use; safe to share between threads."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._lock = Lock()
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, definition: CounterDef, **labels: str) -> Counter:
        """The counter with these label values."""
        with self._lock:
            made = self._made.get(definition.name)
            if made is None:
                made = Counter(definition.name, definition.help, definition.labels, registry=self.registry)
                self._made[definition.name] = made
        if not isinstance(made, Counter):
            raise TypeError(f"{definition.name} is already another kind of metric")
        return made.labels(**labels) if labels else made

    def gauge(self, definition: GaugeDef, **labels: str) -> Gauge:
        """The gauge with these label values."""
        with self._lock:
            made = self._made.get(definition.name)
            if made is None:
                made = Gauge(definition.name, definition.help, definition.labels, registry=self.registry)
                self._made[definition.name] = made
        if not isinstance(made, Gauge):
            raise TypeError(f"{definition.name} is already another kind of metric")
        return made.labels(**labels) if labels else made

    def histogram(self, definition: HistogramDef, **labels: str) -> Histogram:
        """The histogram with these label values."""
        with self._lock:
            made = self._made.get(definition.name)
            if made is None:
                made = Histogram(
                    definition.name,
                    definition.help,
                    definition.labels,
                    registry=self.registry,
                    buckets=definition.buckets,
                )
                self._made[definition.name] = made
        if not isinstance(made, Histogram):
            raise TypeError(f"{definition.name} is already another kind of metric")
        return made.labels(**labels) if labels else made
