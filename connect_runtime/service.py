"""A process of connectors: their tasks, their health, and an orderly end."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from connect_runtime.client import TaskConsumer
from connect_runtime.config import ConfigKey, ConnectorConfig, read_config
from connect_runtime.decoding import Decoder
from connect_runtime.kafka_client import KafkaTaskConsumer
from connect_runtime.rejections import LogReporter
from connect_runtime.retry import Surroundings
from connect_runtime.sink import Sink, TopicPartition
from connect_runtime.supervision import TaskStatus, TaskSupervisor
from connect_runtime.task import SinkTask, TaskParts
from connect_runtime.task_metrics import TaskMetrics, TaskState
from connect_runtime.worker import SinkWorker, WorkerOptions
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from keypoints.schemas import SchemaLookup
from observability.health import Readiness, serve_health
from observability.metrics import Metrics

EXIT_DRAINED = 0
EXIT_NOT_DRAINED = 1
# Revoking, closing the client and stopping the sink each may take the task's own timeout.
_TIMEOUTS_IN_A_STOP = 3
_JOIN_MARGIN_S = 5.0
_SIGNAL_CHECK_S = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A connector to run: its name (also its consumer group), its flat settings, and how to make its sink.

    `make_sink` is called on the thread the sink will live on, once for each task and each restart. `sink_keys` are the
    settings the sink adds to the runtime's own; it reads their values from `config.sink` of `read_connector`.
    """

    name: str
    config: Mapping[str, object]
    make_sink: Callable[[], Sink]
    sink_keys: Sequence[ConfigKey] = ()


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How a process of connectors is reached and stopped."""

    http_port: int | None = 0
    """Port of /livez, /readyz and /metrics; 0 picks a free one, None opens none."""
    http_host: str = "127.0.0.1"
    stop: threading.Event | None = None
    """Stops the service when set; without it SIGTERM and SIGINT do."""
    metrics: Metrics = field(default_factory=Metrics)
    on_durable: Callable[[str, Mapping[TopicPartition, int]], None] | None = None
    """Told of a connector's durable next offsets after each call of its sink, on the sink's thread."""
    on_listening: Callable[[int], None] = lambda port: log.info("listening on port %d", port, extra={"port": port})


ConsumerMaker = Callable[[ConnectorConfig], TaskConsumer]


def read_connector(spec: ConnectorSpec) -> ConnectorConfig:
    """The connector's settings, checked. Raises InvalidConfig."""
    return read_config({**spec.config, "name": spec.name}, spec.sink_keys)


def run_connectors(
    connectors: Sequence[ConnectorSpec], kafka: KafkaSettings, options: ServiceOptions | None = None
) -> int:
    """Run connectors until the wish to stop, drain them, and return the process's exit code.

    0: everything was flushed and committed as far as it could be; 1: something did not end in time. A failed task is
    no end: it is visible in /readyz, metrics and log, and starts again. The first SIGTERM or SIGINT drains, the second
    ends the process at once. Raises InvalidConfig before anything starts, Terminal when the port is taken.
    """

    def connect(config: ConnectorConfig) -> TaskConsumer:
        return KafkaTaskConsumer(kafka, config.name, config.consumer_overrides)

    return run_connectors_on(connectors, connect, TopicSchemaLookup(kafka), options or ServiceOptions())


def run_connectors_on(
    connectors: Sequence[ConnectorSpec], connect: ConsumerMaker, schemas: SchemaLookup | None, options: ServiceOptions
) -> int:
    """As `run_connectors`, on any broker: `connect` makes a member of the connector's group."""
    with _stop_on_signals(options.stop) as stopping:
        surroundings = Surroundings(stopping=stopping)
        supervisors = [
            supervisor
            for spec in connectors
            for supervisor in _supervise_connector(spec, connect, schemas, options, surroundings)
        ]
        health = None
        if options.http_port is not None:
            health = serve_health(
                options.http_port, lambda: _judge_readiness(supervisors), options.metrics.registry, options.http_host
            )
            options.on_listening(health.port)
        try:
            for _, supervisor in supervisors:
                supervisor.start()
            # The kernel may hand a signal to another thread (to one that goes on when the process is continued), and
            # Python's handler runs on this one only, once it wakes.
            while not stopping.wait(_SIGNAL_CHECK_S):
                pass
            return _drain(supervisors)
        finally:
            if health is not None:
                health.close()


_Supervised = tuple[ConnectorConfig, TaskSupervisor]


def _supervise_connector(
    spec: ConnectorSpec,
    connect: ConsumerMaker,
    schemas: SchemaLookup | None,
    options: ServiceOptions,
    surroundings: Surroundings,
) -> Iterator[_Supervised]:
    config = read_connector(spec)
    worker_options = WorkerOptions(
        config.retry_timeout_s,
        config.retry_delay_max_s,
        None if options.on_durable is None else partial(options.on_durable, config.name),
    )
    for task_id in range(config.tasks_max):
        task_metrics = TaskMetrics(options.metrics, config.name, task_id)
        shared = _Shared(connect, schemas, task_metrics, worker_options, surroundings)
        make_task = _task_maker(spec, config, task_id, shared)
        yield config, TaskSupervisor(config, task_id, make_task, task_metrics, surroundings)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every life of a task is made with."""

    connect: ConsumerMaker
    schemas: SchemaLookup | None
    metrics: TaskMetrics
    worker_options: WorkerOptions
    surroundings: Surroundings


def _task_maker(
    spec: ConnectorSpec, config: ConnectorConfig, task_id: int, shared: _Shared
) -> Callable[[Callable[[], None]], SinkTask]:
    metrics, surroundings = shared.metrics, shared.surroundings

    def make_task(on_running: Callable[[], None]) -> SinkTask:
        # The connection first: when there is none, no sink needs to be stopped again.
        consumer = shared.connect(config)
        name = f"{config.name}-{task_id}-sink"
        parts = TaskParts(
            consumer=consumer,
            worker=SinkWorker(name, spec.make_sink, shared.worker_options, metrics, surroundings),
            decoder=Decoder(shared.schemas, config.schema_retry_timeout_s, surroundings, config.value_form),
            reporter=LogReporter(config.name, metrics, surroundings),
            metrics=metrics,
            surroundings=surroundings,
        )
        return SinkTask(config, task_id, parts, on_running)

    return make_task


def _drain(supervisors: Sequence[_Supervised]) -> int:
    code = EXIT_DRAINED
    for config, supervisor in supervisors:
        if not supervisor.join(_TIMEOUTS_IN_A_STOP * config.shutdown_timeout_s + _JOIN_MARGIN_S):
            status = supervisor.status()
            log.error("the task did not end in time", extra={"connector": status.connector, "task": status.task_id})
            code = EXIT_NOT_DRAINED
    return code


def _judge_readiness(supervisors: Sequence[_Supervised]) -> Readiness:
    statuses = [supervisor.status() for _, supervisor in supervisors]
    waiting = [status for status in statuses if status.state is not TaskState.RUNNING]
    reasons = tuple(f"{status.connector} task {status.task_id} is {status.state}" for status in waiting)
    return Readiness(not waiting, reasons, {"tasks": [_describe(status) for status in statuses]})


def _describe(status: TaskStatus) -> dict[str, object]:
    described: dict[str, object] = {
        "connector": status.connector,
        "id": status.task_id,
        "state": status.state.value,
    }
    if status.trace is not None:
        described["trace"] = status.trace
    return described


@contextmanager
def _stop_on_signals(given: threading.Event | None) -> Iterator[threading.Event]:
    """The event that says stop: the one given, or one that SIGTERM and SIGINT set for the length of the block."""
    if given is not None:
        yield given
        return
    stopping = threading.Event()

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        if stopping.is_set():
            # Whoever asks twice does not want to wait; what is not committed is read again.
            os._exit(128 + number)
        stopping.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
