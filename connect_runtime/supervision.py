"""Keeps a task alive: a failed one is said so, and started again with a new sink after a growing delay."""

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from connect_runtime.config import ConnectorConfig
from connect_runtime.retry import Backoff, Surroundings
from connect_runtime.task import SinkTask
from connect_runtime.task_metrics import TaskMetrics, TaskState
from keypoints.errors import HolisticError
from observability.logs import error_fields

_FIRST_RESTART_S = 1.0
# A task that worked this long has earned a short delay again.
_HEALTHY_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """How a task is, as Kafka Connect says it."""

    connector: str
    task_id: int
    state: TaskState
    trace: str | None = None


class TaskSupervisor:
    """Runs one task on a thread of its own, again and again, until the wish to stop."""

    def __init__(
        self,
        config: ConnectorConfig,
        task_id: int,
        make_task: Callable[[Callable[[], None]], SinkTask],
        metrics: TaskMetrics,
        surroundings: Surroundings,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`make_task` makes a task with a new sink and consumer; what it is given is to be called once it runs, and
        whenever it was paused or resumed. `on_change` is called when the status changed, and at the end."""
        self._config = config
        self._task_id = task_id
        self._make_task = make_task
        self._metrics = metrics
        self._around = surroundings
        self._on_change = on_change
        self._ended = threading.Event()
        self._backoff = Backoff(_FIRST_RESTART_S, config.restart_delay_max_s)
        self._lock = threading.Lock()
        self._status = TaskStatus(config.name, task_id, TaskState.UNASSIGNED)
        self._metrics.state(TaskState.UNASSIGNED)
        self._thread = threading.Thread(target=self._supervise, name=f"{config.name}-{task_id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after a wish to stop. Returns whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def ended(self) -> bool:
        """Whether it stopped, and has nothing left to do."""
        return self._ended.is_set()

    def status(self) -> TaskStatus:
        """How the task is now."""
        with self._lock:
            return self._status

    def _supervise(self) -> None:
        try:
            self._run_until_stopped()
        finally:
            self._ended.set()
            self._on_change()

    def _run_until_stopped(self) -> None:
        failures = 0
        while not self._around.stopping.is_set():
            began = self._around.clock()
            error = self._run_once()
            if error is None:
                break
            failures = 1 if self._around.clock() - began > _HEALTHY_S else failures + 1
            delay_s = self._backoff.delay_s(failures, self._around.dice)
            self._say_failed(error, delay_s)
            if self._around.stopping.wait(delay_s):
                break
            self._metrics.restarted()
            self._become(TaskState.RESTARTING)
        self._become(TaskState.STOPPED)

    def _run_once(self) -> Exception | None:
        try:
            self._make_task(self._say_running).run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the task has failed and the process has not
            return error
        return None

    def _say_running(self) -> None:
        self._become(TaskState.PAUSED if self._around.pausing.is_set() else TaskState.RUNNING)

    def _say_failed(self, error: Exception, delay_s: float) -> None:
        trace = "".join(traceback.format_exception(error))
        self._become(TaskState.FAILED, trace)
        self._metrics.owns(0)
        expected = isinstance(error, HolisticError)
        log.error(
            "task failed and starts again in %.1f s: %s", delay_s, error,
            extra={"connector": self._config.name, "task": self._task_id, **error_fields(error)},
            exc_info=None if expected else error,
        )  # fmt: skip

    def _become(self, state: TaskState, trace: str | None = None) -> None:
        with self._lock:
            self._status = TaskStatus(self._config.name, self._task_id, state, trace)
        self._metrics.state(state)
        self._on_change()
