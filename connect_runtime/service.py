"""A process of connectors: their tasks, what it answers about them, and an orderly end."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType

from connect_runtime.assembly import Assembly, ConsumerMaker
from connect_runtime.client import TaskConsumer
from connect_runtime.config import ConnectorConfig
from connect_runtime.control.herder import Herder, Worker
from connect_runtime.control.kafka_log import KafkaControlLog
from connect_runtime.control.log import MemoryControlLog
from connect_runtime.dead_letters import LetterBox
from connect_runtime.kafka_client import KafkaTaskConsumer
from connect_runtime.letter_box import KafkaLetterBox
from connect_runtime.membership import consumer_settings
from connect_runtime.rest.app import make_app
from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import RestSettings, read_rest_settings
from connect_runtime.rest.server import listening
from connect_runtime.retry import Surroundings
from connect_runtime.sink import TopicPartition
from connect_runtime.spec import ConnectorSpec, read_connector
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from keypoints.schemas import SchemaLookup
from observability.metrics import Metrics
from observability.process_metrics import watching_process
from observability.tracing import open_tracing

__all__ = [
    "ConnectorSpec",
    "ServiceOptions",
    "read_connector",
    "run_connectors",
    "run_connectors_on",
    "stop_on_signals",
]

EXIT_DRAINED = 0
EXIT_NOT_DRAINED = 1
# Revoking, closing the client and stopping the sink each may take the task's own timeout.
TIMEOUTS_IN_A_STOP = 3
JOIN_MARGIN_S = 5.0
_SIGNAL_CHECK_S = 0.5
# Records come and go by the thousand and are in no cycles; looking for cycles among them took a tenth of the time.
_GARBAGE_THRESHOLDS = (50_000, 20, 100)

# A record passes three threads on its way; with Python's 5 ms each may have to wait for another's arithmetic that long.
_SWITCH_S = 0.001

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How a process of connectors is reached and stopped."""

    http_port: int | None = 0
    """Port of the REST API, /livez, /readyz and /metrics; 0 picks a free one. None opens none: the process takes no
    part in what replicas agree on, and nobody can pause it."""
    http_host: str = "127.0.0.1"
    stop: threading.Event | None = None
    """Stops the service when set; without it SIGTERM and SIGINT do."""
    metrics: Metrics = field(default_factory=Metrics)
    on_durable: Callable[[str, Mapping[TopicPartition, int]], None] | None = None
    """Told of a connector's durable next offsets after each call of its sink, on the sink's thread."""
    on_listening: Callable[[int], None] = lambda port: log.info("listening on port %d", port, extra={"port": port})
    rest: RestSettings | None = None
    """Who may use the REST API, and whether over TLS; None: what the environment says."""
    routes: ServiceRoutes | None = None
    """What the service answers on the same port besides."""


def run_connectors(
    connectors: Sequence[ConnectorSpec], kafka: KafkaSettings, options: ServiceOptions | None = None
) -> int:
    """Run connectors until the wish to stop, drain them, and return the process's exit code.

    0: everything was flushed and committed as far as it could be; 1: something did not end in time. A failed task is
    no end: it is visible in /readyz, metrics and log, and starts again. The first SIGTERM or SIGINT drains, the second
    ends the process at once. Raises InvalidConfig before anything starts, Terminal when the port is taken.
    """
    options = options or ServiceOptions()

    def connect(config: ConnectorConfig, task_id: int) -> TaskConsumer:
        return KafkaTaskConsumer(kafka, config.name, consumer_settings(config, task_id))

    with closing(KafkaLetterBox(kafka)) as letters:
        assembly = Assembly(connect, TopicSchemaLookup(kafka), letters, options.metrics, options.on_durable)
        return _run(connectors, assembly, options, kafka)


def run_connectors_on(
    connectors: Sequence[ConnectorSpec],
    connect: ConsumerMaker,
    schemas: SchemaLookup | None,
    options: ServiceOptions,
    letters: LetterBox | None = None,
) -> int:
    """As `run_connectors`, on any broker: `connect` makes a member of the connector's group.

    Without `letters` records that cannot be used are only logged. Replicas do not know of each other.
    """
    return _run(connectors, Assembly(connect, schemas, letters, options.metrics, options.on_durable), options, None)


def _run(
    connectors: Sequence[ConnectorSpec], assembly: Assembly, options: ServiceOptions, kafka: KafkaSettings | None
) -> int:
    with stop_on_signals(options.stop) as stopping, ExitStack() as held:
        around = Surroundings(stopping=stopping)
        held.enter_context(watching_process(options.metrics.registry))
        tracing = held.enter_context(closing(open_tracing(f"holistic-{'-'.join(spec.name for spec in connectors)}")))
        assembly = replace(assembly, tracing=tracing)
        if options.http_port is None:
            herder = Herder(connectors, Worker(f"process-{os.getpid()}"), MemoryControlLog(), assembly.assemble, around)
        else:
            settings = options.rest or read_rest_settings()
            listener = held.enter_context(listening(options.http_host, options.http_port, settings))
            control_log = MemoryControlLog() if kafka is None else KafkaControlLog(kafka, around)
            herder = Herder(connectors, Worker(listener.worker_id), control_log, assembly.assemble, around)
            listener.serve(make_app(herder, kafka, options.metrics.registry, settings, options.routes))
            options.on_listening(listener.port)
        herder.start()
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        sys.setswitchinterval(_SWITCH_S)
        # The kernel may hand a signal to another thread (to one that goes on when the process is continued), and
        # Python's handler runs on this one only, once it wakes.
        while not stopping.wait(_SIGNAL_CHECK_S):
            pass
        late = herder.drain(TIMEOUTS_IN_A_STOP, JOIN_MARGIN_S)
        for name, task_id in late:
            log.error("the task did not end in time", extra={"connector": name, "task": task_id})
        return EXIT_NOT_DRAINED if late else EXIT_DRAINED


@contextmanager
def stop_on_signals(given: threading.Event | None) -> Iterator[threading.Event]:
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
