"""A connector's status over all its replicas, as Kafka Connect's REST API gives it."""

from dataclasses import dataclass, replace

from connect_runtime.control.records import TargetState
from connect_runtime.control.store import GroupState, SeenReport, report_of
from connect_runtime.task_metrics import TaskState

_STATES_OF_TARGETS = {
    TargetState.STARTED: TaskState.RUNNING,
    TargetState.PAUSED: TaskState.PAUSED,
    TargetState.STOPPED: TaskState.STOPPED,
}


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task of the group, and whose it is."""

    task_id: int
    state: TaskState
    worker_id: str
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """A connector in the whole group: its state, a replica that says so, and every task."""

    name: str
    state: TaskState
    worker_id: str
    tasks: tuple[TaskView, ...] = ()
    trace: str | None = None

    def task(self, task_id: int) -> TaskView | None:
        """The task with this id."""
        return next((task for task in self.tasks if task.task_id == task_id), None)

    def restarting(self, include_tasks: bool, only_failed: bool) -> "ConnectorStatus":
        """As it is right after the wish to start these tasks again."""

        def touches(state: TaskState) -> bool:
            return state is TaskState.FAILED or not only_failed

        tasks = tuple(
            replace(task, state=TaskState.RESTARTING, trace=None) if include_tasks and touches(task.state) else task
            for task in self.tasks
        )
        state = TaskState.RESTARTING if touches(self.state) else self.state
        return replace(self, state=state, tasks=tasks, trace=None if touches(self.state) else self.trace)


def read_status(group: GroupState, connector: str, own_worker_id: str) -> ConnectorStatus:
    """What all replicas' reports come to.

    The connector is what its target says once every living replica says so, FAILED when any failed; until then what one
    says that has not followed yet. Tasks of replicas that fell silent are UNASSIGNED, unless another has their id.
    """
    living = sorted(group.living(connector).values(), key=lambda seen: (seen.report.worker_id, seen.offset))
    if not living:
        return ConnectorStatus(connector, TaskState.UNASSIGNED, own_worker_id, _read_tasks(group, connector, living))
    speaker = min(living, key=lambda seen: _rank(group, connector, seen))
    report = report_of(speaker, connector)
    tasks = () if report.state is TaskState.STOPPED else _read_tasks(group, connector, living)
    return ConnectorStatus(connector, report.state, speaker.report.worker_id, tasks, report.trace)


def is_stopped(group: GroupState, connector: str) -> bool:
    """Whether the wish is to stop, and every living replica has followed it: none has a task left."""
    target = group.target(connector)
    return target.state is TargetState.STOPPED and all(
        seen.report.config_offset > target.offset
        and report_of(seen, connector).state is TaskState.STOPPED
        and not report_of(seen, connector).tasks
        for seen in group.living(connector).values()
    )


def _rank(group: GroupState, connector: str, seen: SeenReport) -> int:
    state = report_of(seen, connector).state
    if state is TaskState.FAILED:
        return 0
    return 2 if state is _STATES_OF_TARGETS[group.target(connector).state] else 1


def _read_tasks(group: GroupState, connector: str, living: list[SeenReport]) -> tuple[TaskView, ...]:
    tasks: dict[int, TaskView] = {}
    for seen in group.silent(connector).values():
        for task in report_of(seen, connector).tasks:
            tasks[task.task_id] = TaskView(task.task_id, TaskState.UNASSIGNED, seen.report.worker_id)
    for seen in living:
        for task in report_of(seen, connector).tasks:
            tasks[task.task_id] = TaskView(task.task_id, task.state, seen.report.worker_id, task.trace)
    return tuple(tasks[task_id] for task_id in sorted(tasks))
