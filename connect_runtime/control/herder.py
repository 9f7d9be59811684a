"""One replica's part in the group: it follows the logs, does what they wish, and tells how it is."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from connect_runtime.config import InvalidConfig
from connect_runtime.control.claims import UNCONFIRMED, settle_claims
from connect_runtime.control.errors import BadRequest, ControlUnavailable, NotFound
from connect_runtime.control.log import ControlLog, ControlRecord, ControlTopic
from connect_runtime.control.records import (
    ConfigRecord,
    ConfigTopicRecord,
    LoggerRecord,
    RestartRecord,
    TargetRecord,
    TargetState,
    WorkerReport,
    worker_key,
    write_config_record,
    write_report,
)
from connect_runtime.control.runner import ConnectorRunner, TaskStarter
from connect_runtime.control.status import ConnectorStatus, is_stopped, read_status
from connect_runtime.control.store import DEAD_AFTER_S, GroupState, claims_at
from connect_runtime.plugins import CLASS_KEY, SinkPlugin, refuse_invalid
from connect_runtime.retry import Surroundings
from connect_runtime.spec import ConnectorSpec, read_connector
from keypoints.errors import HolisticError
from observability.health import Readiness

_HEARTBEAT_S = 3.0
# Two heartbeats without an acknowledgement: the broker is away, or far behind.
_UNHEARD_S = 2 * _HEARTBEAT_S
_RETRY_S = 1.0
_FOLLOWED_TIMEOUT_S = 10.0
_THREAD_END_S = 15.0
_THREAD_LOOK_S = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Who this process is in the group: the address of its listener, and a name no other process ever has."""

    worker_id: str
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)


class Herder:
    """Connectors of this process, as part of a group of processes with the same ones. Safe to use from any thread."""

    def __init__(
        self,
        specs: Sequence[ConnectorSpec],
        worker: Worker,
        control_log: ControlLog,
        start_task: TaskStarter,
        surroundings: Surroundings,
    ) -> None:
        """Raises InvalidConfig when a connector's deployed settings cannot be used."""
        self.worker = worker
        self.control_log = control_log
        self.on_logger_level: Callable[[str, str], None] = lambda _logger, _level: None
        """Told when somebody sets a logger's level for all replicas."""
        self._around = surroundings
        self._deployed = {spec.name: spec for spec in specs}
        self._runners = {
            spec.name: ConnectorRunner(spec, start_task, surroundings, self._note_change) for spec in specs
        }
        self._changed = threading.Condition()
        self._group = GroupState()
        self._wishes: list[ConfigTopicRecord] = []
        self._claims: dict[str, dict[int, int]] = {name: {} for name in self._runners}
        self._is_dirty = True
        self._caught_up = False
        self._leaving = threading.Event()
        self._published: WorkerReport | None = None
        self._published_at_s = surroundings.clock()
        self._thread = threading.Thread(target=self._run, name="herder", daemon=True)

    # ---- what is so

    def connectors(self) -> list[str]:
        """Names of the connectors this service was deployed with."""
        return sorted(self._deployed)

    def spec(self, name: str) -> ConnectorSpec:
        """The connector with its present settings. Raises NotFound."""
        config = self.config(name)
        try:
            return self._deployed[name].with_config(_without_name(config))
        except HolisticError:
            # Settings of another version, which this one cannot use: the connector is FAILED and says so.
            return self._deployed[name]

    def config(self, name: str) -> dict[str, str]:
        """The connector's present settings, `name` among them. Raises NotFound."""
        spec = self._find(name)
        with self._changed:
            entry = self._group.configs.get(name)
        return _deployed_texts(spec) if entry is None else dict(entry.properties)

    def status(self, name: str) -> ConnectorStatus:
        """The connector in the whole group. Raises NotFound."""
        self._find(name, f"No status found for connector {name}")
        with self._changed:
            return read_status(self._group, name, self.worker.worker_id)

    def plugins(self) -> list[SinkPlugin]:
        """The kinds of connectors there are here."""
        return [self._deployed[name].plugin for name in self.connectors()]

    def target_state(self, name: str) -> TargetState:
        """What the connector is to do. Raises NotFound."""
        self._find(name)
        with self._changed:
            return self._group.target(name).state

    def is_stopped_everywhere(self, name: str) -> bool:
        """Whether it is to be stopped, and no living replica has a task of it any more. Raises NotFound."""
        self._find(name)
        with self._changed:
            return is_stopped(self._group, name)

    def topics(self, name: str) -> list[str]:
        """Topics the connector's tasks read, on any replica. Raises NotFound."""
        spec = self._find(name)
        with self._changed:
            seen = self._group.living(name).values()
            topics = {topic for one in seen for topic in one.report.connectors[name].topics}
        return sorted(topics or read_connector(spec).topics)

    def readiness(self, *, shows_traces: bool = True) -> Readiness:
        """Whether each connector here does what it is told to."""
        problem = self.control_log.problem()
        with self._changed:
            reports = {name: runner.report({}) for name, runner in self._runners.items()}
            reasons = [reason for runner in self._runners.values() for reason in runner.unready_reasons()]
        if not self._caught_up and problem is not None:
            reasons.insert(0, problem)
        # A consumer without a broker is told nothing: that nobody hears of us any more is how it is known.
        if self._published is not None and self._silent_s() > DEAD_AFTER_S and not self._leaving.is_set():
            reasons.insert(0, f"Kafka has acknowledged nothing for {self._silent_s():.0f} s")
        tasks = [
            {"connector": name, "id": task.task_id, "state": task.state.value}
            | ({} if task.trace is None or not shows_traces else {"trace": task.trace})
            for name, report in reports.items()
            for task in report.tasks
        ]
        return Readiness(not reasons, tuple(reasons), {"tasks": tasks})

    # ---- what is wished, of all replicas

    def put_config(self, name: str, config: Mapping[str, object]) -> None:
        """Replace the connector's settings everywhere. Raises NotFound, BadRequest or ControlUnavailable."""
        spec = self._find(name)
        texts = {key: _as_text(value) for key, value in config.items() if value is not None} | {"name": name}
        if str(config.get("name") or name) != name:
            raise BadRequest(
                f"Connector name configuration ({config['name']}) doesn't match connector name in the URL ({name})"
            )
        texts.setdefault(CLASS_KEY, spec.plugin_class)
        refuse_invalid(spec.plugin, texts)
        try:
            read_connector(spec.with_config(_without_name(texts)))
        except InvalidConfig as error:
            raise BadRequest(f"Connector configuration is invalid: {error.message}", connector=name) from error
        self._wish(ConfigRecord(name, texts, _deployed_texts(spec)))

    def patch_config(self, name: str, changes: Mapping[str, object]) -> None:
        """Change some settings everywhere; None takes one away. Raises as `put_config`."""
        self.put_config(name, {**self.config(name), **changes})

    def pause(self, name: str) -> None:
        """Have all tasks stop reading and stay in the group. Raises NotFound or ControlUnavailable."""
        self._set_target(name, TargetState.PAUSED)

    def resume(self, name: str) -> None:
        """Have all tasks run. Raises NotFound or ControlUnavailable."""
        self._set_target(name, TargetState.STARTED)

    def stop(self, name: str) -> None:
        """Have all tasks end, and leave the group. Raises NotFound or ControlUnavailable."""
        self._set_target(name, TargetState.STOPPED)

    def restart(self, name: str, include_tasks: bool = False, only_failed: bool = False) -> ConnectorStatus:
        """Start tasks again, everywhere. Returns the status as it is with this wish. Raises as `pause`."""
        self._find(name, f"Unknown connector: {name}")
        status = self.status(name).restarting(include_tasks, only_failed)
        self._wish(RestartRecord(name, include_tasks, only_failed))
        return status

    def restart_task(self, name: str, task_id: int) -> None:
        """Start one task again, wherever it is. Raises NotFound, also for an unknown task, or ControlUnavailable."""
        self._find(name, f"Unknown connector: {name}")
        if self.status(name).task(task_id) is None:
            raise NotFound(f"Unknown task: {name}-{task_id}", connector=name, task=task_id)
        self._wish(RestartRecord(name, include_tasks=True, only_failed=False, task_id=task_id))

    def set_logger_level(self, logger: str, level: str) -> None:
        """Set a logger's level on all replicas. Raises ControlUnavailable."""
        self._wish(LoggerRecord(logger, level))

    # ---- beginning and end

    def start(self) -> None:
        """Begin to follow the logs; tasks run once they are known to their end."""
        self.control_log.follow(self._note_records)
        self._thread.start()

    def drain(self, timeouts: int, margin_s: float) -> list[tuple[str, int]]:
        """End all tasks, tell the group, and close the log. Returns the tasks that did not end in time."""
        self._around.stopping.set()
        self._leaving.set()
        with self._changed:
            for runner in self._runners.values():
                runner.ask_to_stop()
            self._changed.notify_all()
        deadline = time.monotonic() + _THREAD_END_S
        # It may wait for a broker that is away, for whom it is no use to wait here as well.
        while self._thread.is_alive() and self._silent_s() < _UNHEARD_S and time.monotonic() < deadline:
            self._thread.join(_THREAD_LOOK_S)
        late = [
            (name, task_id) for name, runner in self._runners.items() for task_id in runner.join(timeouts, margin_s)
        ]
        try:
            if self._published is not None and self._silent_s() > _UNHEARD_S:
                log.warning("leaving is not said to the other replicas: Kafka has acknowledged nothing for some time")
            elif self._published is not None and self.control_log.problem() is None:
                self.control_log.append(ControlTopic.STATUS, worker_key(self.worker.instance), None)
        except ControlUnavailable as error:
            log.warning("leaving could not be said to the other replicas: %s", error.message)
        finally:
            self.control_log.close()
        return late

    def _silent_s(self) -> float:
        """How long ago the other replicas could last be told something."""
        return self._around.clock() - self._published_at_s

    # ---- how wishes are written

    def _find(self, name: str, message: str | None = None) -> ConnectorSpec:
        spec = self._deployed.get(name)
        if spec is None:
            raise NotFound(message or f"Connector {name} not found", connector=name)
        return spec

    def _set_target(self, name: str, state: TargetState) -> None:
        self._find(name, f"Unknown connector {name}")
        self._wish(TargetRecord(name, state))

    def _wish(self, record: ConfigTopicRecord) -> None:
        """Write a wish, and return when it is known here to have been read: who asks next is answered by it."""
        offset = self.control_log.append(ControlTopic.CONFIGS, *write_config_record(record))
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._group.next_offsets[ControlTopic.CONFIGS] > offset, _FOLLOWED_TIMEOUT_S
            ):
                raise ControlUnavailable("what was written could not be read back in time", offset=offset)

    # ---- called by the log's reader and by tasks

    def _note_records(self, records: Sequence[ControlRecord]) -> None:
        with self._changed:
            for record in records:
                wish = self._group.fold(record, self._around.clock(), self._around.wall_clock())
                if wish is not None:
                    self._wishes.append(wish)
                if record.key == worker_key(self.worker.instance):
                    self._confirm_claims()
            self._is_dirty = True
            self._changed.notify_all()

    def _confirm_claims(self) -> None:
        seen = self._group.reports.get(self.worker.instance)
        if seen is None:
            return
        for name, claims in self._claims.items():
            for task_id, offset in claims_at(seen, name).items():
                if claims.get(task_id) == UNCONFIRMED:
                    claims[task_id] = offset

    def _note_change(self) -> None:
        with self._changed:
            self._is_dirty = True
            self._changed.notify_all()

    # ---- the herder's own thread

    def _run(self) -> None:
        while not self._leaving.is_set():
            delay_s = _RETRY_S
            try:
                if self._catch_up():
                    delay_s = self._step()
            except ControlUnavailable as error:
                log.warning("the other replicas could not be told: %s", error.message)
                self._leaving.wait(_RETRY_S)
            with self._changed:
                self._changed.wait_for(lambda: self._is_dirty or self._leaving.is_set(), delay_s)

    def _catch_up(self) -> bool:
        """Whether the logs are known to their end; the first time, say with which settings we were deployed."""
        if self._caught_up:
            return True
        if self.control_log.problem() is not None:
            with self._changed:
                self._is_dirty = False
            return False
        for name, spec in self._deployed.items():
            deployed = _deployed_texts(spec)
            with self._changed:
                entry = self._group.configs.get(name)
            if entry is not None and entry.deployed != deployed:
                # Deployed with other settings since somebody changed them by hand: the deployment is the later word.
                self._wish(ConfigRecord(name, deployed, deployed))
        self._caught_up = True
        return True

    def _step(self) -> float:
        """Do what is wished, say how we are. Returns the seconds until the next heartbeat."""
        now_s = self._around.clock()
        with self._changed:
            self._is_dirty = False
            wishes, self._wishes = self._wishes, []
            was_silent = self._silent_s() > DEAD_AFTER_S
            for name, runner in self._runners.items():
                self._follow(name, runner, wishes, was_silent)
            report = self._make_report()
            forgotten = self._group.to_forget() if self._speaks_first() else []
        for wish in wishes:
            if isinstance(wish, LoggerRecord):
                self.on_logger_level(wish.logger, wish.level)
        if report != self._published or now_s - self._published_at_s >= _HEARTBEAT_S:
            self.control_log.append(ControlTopic.STATUS, *write_report(report))
            self._published, self._published_at_s = report, self._around.clock()
        for instance in forgotten:
            self.control_log.append(ControlTopic.STATUS, worker_key(instance), None)
        return max(0.0, self._published_at_s + _HEARTBEAT_S - self._around.clock())

    def _follow(
        self, name: str, runner: ConnectorRunner, wishes: Sequence[ConfigTopicRecord], was_silent: bool
    ) -> None:
        entry = self._group.configs.get(name)
        if entry is not None:
            runner.adopt(entry.properties)
        for wish in wishes:
            if isinstance(wish, RestartRecord) and wish.connector == name:
                runner.restart(wish)
        mine = self._claims[name]
        others = self._group.claims_of_others(name, self.worker.instance, self.worker.worker_id)
        # Silent for as long as the others wait, we may have been taken for dead, and our ids for free.
        rightful = {} if was_silent else mine
        self._claims[name] = claims = settle_claims(runner.wanted_tasks, rightful, others, preferred=mine)
        confirmed = [task_id for task_id, offset in claims.items() if offset != UNCONFIRMED]
        runner.reconcile(self._group.target(name).state, claims, confirmed)

    def _make_report(self) -> WorkerReport:
        return WorkerReport(
            self.worker.instance,
            self.worker.worker_id,
            self._group.next_offsets[ControlTopic.CONFIGS],
            {name: runner.report(dict(self._claims[name])) for name, runner in self._runners.items()},
        )

    def _speaks_first(self) -> bool:
        """Whether it is on us to sweep up after the dead: one of all living replicas is enough."""
        living = [instance for name in self._runners for instance in self._group.living(name)]
        return self.worker.instance == min(living, default=None)


def _without_name(config: Mapping[str, str]) -> dict[str, object]:
    return {key: value for key, value in config.items() if key != "name"}


def _deployed_texts(spec: ConnectorSpec) -> dict[str, str]:
    texts = {key: _as_text(value) for key, value in spec.config.items()}
    return {CLASS_KEY: spec.plugin_class, **texts, "name": spec.name}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
