"""How a task is put together: its consumer, decoder, sink and what it does about errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from connect_runtime.client import TaskConsumer
from connect_runtime.config import ConnectorConfig
from connect_runtime.control.runner import TaskOrder
from connect_runtime.dead_letters import LetterBox, LetterWriter
from connect_runtime.decoding import Decoder
from connect_runtime.error_handling import make_error_handling
from connect_runtime.isolation import Originals
from connect_runtime.memory_budget import MemoryBudget
from connect_runtime.sink import TopicPartition
from connect_runtime.supervision import TaskSupervisor
from connect_runtime.task import SinkTask, TaskParts
from connect_runtime.task_metrics import TaskMetrics
from connect_runtime.worker import SinkWorker, WorkerOptions
from kafka_io.consumer import rows_of_a_poll
from keypoints.schemas import SchemaLookup
from observability.metrics import Metrics
from observability.tracing import Tracing

ConsumerMaker = Callable[[ConnectorConfig, int], TaskConsumer]
"""Makes a member of a connector's group, for a task by its id."""
OnDurable = Callable[[str, Mapping[TopicPartition, int]], None]


@dataclass(frozen=True, slots=True)
class Assembly:
    """What all tasks of a process are made with."""

    connect: ConsumerMaker
    schemas: SchemaLookup | None
    letters: LetterBox | None
    """None: records that cannot be used are only logged."""
    metrics: Metrics
    on_durable: OnDurable | None
    tracing: Tracing = field(default_factory=Tracing)

    def assemble(self, order: TaskOrder) -> TaskSupervisor:
        """A task that begins when it is started, and is put together anew for each of its lives."""
        metrics = TaskMetrics(self.metrics, order.config.name, order.task_id)
        make_task = self._task_maker(order, metrics)
        return TaskSupervisor(
            order.config, order.task_id, make_task, metrics, order.surroundings, on_change=order.on_change
        )

    def _task_maker(self, order: TaskOrder, metrics: TaskMetrics) -> Callable[[Callable[[], None]], SinkTask]:
        config, task_id, surroundings = order.config, order.task_id, order.surroundings
        errors = make_error_handling(config, LetterWriter(config.name, task_id), self.letters, metrics, surroundings)
        options = WorkerOptions(
            config.retry_timeout_s,
            config.retry_delay_max_s,
            None if self.on_durable is None else partial(self.on_durable, config.name),
            MemoryBudget(config.buffer_bytes).waiting_bytes,
            partial(self.tracing.trace_put, config.name, task_id) if self.tracing.is_on else None,
            most_rows=rows_of_a_poll(config.consumer_overrides),
        )

        def make_task(on_running: Callable[[], None]) -> SinkTask:
            # The connection first: when there is none, no sink needs to be stopped again.
            retry_topics = errors.prepare_topics()
            consumer = self.connect(config, task_id)
            name = f"{config.name}-{task_id}-sink"
            originals = Originals()
            isolation = errors.isolate(originals)
            parts = TaskParts(
                consumer=consumer,
                worker=SinkWorker(name, order.spec.make_sink, options, metrics, surroundings, isolation),
                decoder=Decoder(self.schemas, config.schema_retry_timeout_s, surroundings, config.value_form),
                reporter=errors.reporter,
                metrics=metrics,
                surroundings=surroundings,
                guard=errors.unreadable,
                originals=originals,
                retry_topics=retry_topics,
            )
            return SinkTask(config, task_id, parts, on_running)

        return make_task
