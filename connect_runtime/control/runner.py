"""The tasks of one connector in this process, brought to what the group wants of them, without ever waiting."""

import threading
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from connect_runtime.config import ConnectorConfig
from connect_runtime.control.records import LONGEST_TRACE, ConnectorReport, RestartRecord, TargetState, TaskReport
from connect_runtime.retry import Surroundings
from connect_runtime.spec import ConnectorSpec, read_connector
from connect_runtime.supervision import TaskSupervisor
from connect_runtime.task_metrics import TaskState
from keypoints.errors import HolisticError


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """What a task is to be started with."""

    spec: ConnectorSpec
    config: ConnectorConfig
    task_id: int
    surroundings: Surroundings
    on_change: Callable[[], None]


TaskStarter = Callable[[TaskOrder], TaskSupervisor]


@dataclass(slots=True)
class _Running:
    supervisor: TaskSupervisor
    around: Surroundings
    outdated: bool = False
    """To be replaced by a new one."""


class ConnectorRunner:
    """Starts, pauses, stops and replaces tasks. Not for several threads at once."""

    def __init__(
        self, spec: ConnectorSpec, start_task: TaskStarter, surroundings: Surroundings, on_change: Callable[[], None]
    ) -> None:
        """`on_change` is called from any thread when a task's state changed."""
        self.spec = spec
        self._start_task = start_task
        self._around = surroundings
        self._on_change = on_change
        self._tasks: dict[int, _Running] = {}
        self._target = TargetState.STARTED
        self._given: Mapping[str, object] = spec.config
        self._config = read_connector(spec)
        self._problem: str | None = None

    @property
    def wanted_tasks(self) -> int:
        """How many tasks this process is to run."""
        return self._config.tasks_max

    def adopt(self, given: Mapping[str, object]) -> None:
        """Take new settings; running tasks are replaced by ones that have them."""
        if given == self._given:
            return
        self._given = given
        try:
            spec = self.spec.with_config({name: value for name, value in given.items() if name != "name"})
            self._config = read_connector(spec)
        except HolisticError as error:
            self._problem = "".join(traceback.format_exception(error))[:LONGEST_TRACE]
            return
        self.spec, self._problem = spec, None
        self._replace(self._tasks)

    def restart(self, wish: RestartRecord) -> None:
        """Replace the tasks a wish is about."""
        if wish.task_id is not None:
            self._replace({wish.task_id} & self._tasks.keys())
        elif wish.include_tasks:
            self._replace(
                task_id
                for task_id, task in self._tasks.items()
                if not wish.only_failed or task.supervisor.status().state is TaskState.FAILED
            )

    def reconcile(self, target: TargetState, claimed: Collection[int], confirmed: Collection[int]) -> None:
        """Bring the tasks a step nearer to the target; call it again when a task changed.

        Tasks are kept while their id is `claimed`, and started once it is `confirmed`.
        """
        self._target = target
        is_to_run = target is not TargetState.STOPPED and self._problem is None and not self._around.stopping.is_set()
        for task_id, task in list(self._tasks.items()):
            if task.supervisor.ended():
                del self._tasks[task_id]
                continue
            _set(task.around.pausing, target is TargetState.PAUSED)
            if task.outdated or task_id not in claimed or not is_to_run:
                task.around.stopping.set()
        for task_id in sorted(confirmed) if is_to_run else ():
            if task_id not in self._tasks:
                self._tasks[task_id] = self._start(task_id)

    def report(self, claims: Mapping[int, int]) -> ConnectorReport:
        """How the connector is here."""
        tasks = tuple(self._report_task(task_id) for task_id in sorted(self._tasks))
        if self._problem is not None:
            return ConnectorReport(TaskState.FAILED, tasks, claims, self._config.topics, self._problem)
        state = TaskState.RUNNING
        if self._target is TargetState.PAUSED:
            state = TaskState.PAUSED
        elif self._target is TargetState.STOPPED and not tasks:
            state = TaskState.STOPPED
        return ConnectorReport(state, tasks, claims, self._config.topics)

    def unready_reasons(self) -> list[str]:
        """What keeps the connector from doing what it was told; nothing when it does."""
        if self._problem is not None:
            return [f"{self.spec.name} is FAILED: its settings cannot be used"]
        if self._target is TargetState.STOPPED:
            return []
        told = TaskState.PAUSED if self._target is TargetState.PAUSED else TaskState.RUNNING
        waiting = [task for task in map(self._report_task, sorted(self._tasks)) if task.state is not told]
        reasons = [f"{self.spec.name} task {task.task_id} is {task.state}" for task in waiting]
        if len(self._tasks) < self.wanted_tasks:
            reasons.append(f"{self.spec.name} has {len(self._tasks)} of {self.wanted_tasks} tasks")
        return reasons

    def ask_to_stop(self) -> None:
        """Have all tasks drain; they are not started again."""
        for task in self._tasks.values():
            task.around.stopping.set()

    def join(self, timeouts: int, margin_s: float) -> list[int]:
        """Wait for the tasks' end, for so many times the connector's own timeout. Returns those that did not end."""
        limit_s = timeouts * self._config.shutdown_timeout_s + margin_s
        return [task_id for task_id, task in self._tasks.items() if not task.supervisor.join(limit_s)]

    def _start(self, task_id: int) -> _Running:
        around = replace(self._around, stopping=threading.Event(), pausing=threading.Event())
        _set(around.pausing, self._target is TargetState.PAUSED)
        supervisor = self._start_task(TaskOrder(self.spec, self._config, task_id, around, self._on_change))
        supervisor.start()
        return _Running(supervisor, around)

    def _replace(self, task_ids: Iterable[int]) -> None:
        for task_id in list(task_ids):
            self._tasks[task_id].outdated = True
            self._tasks[task_id].around.stopping.set()

    def _report_task(self, task_id: int) -> TaskReport:
        task = self._tasks[task_id]
        status = task.supervisor.status()
        if task.outdated and self._target is not TargetState.STOPPED:
            return TaskReport(task_id, TaskState.RESTARTING)
        return TaskReport(task_id, status.state, None if status.trace is None else status.trace[-LONGEST_TRACE:])


def _set(event: threading.Event, wished: bool) -> None:
    if wished:
        event.set()
    else:
        event.clear()
