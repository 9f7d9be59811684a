"""What stands in the topics of settings and of status: one JSON object a record, under keys like Kafka Connect's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson

from connect_runtime.task_metrics import TaskState

_CONFIG_KEY: Final = "connector-"
_TARGET_KEY: Final = "target-state-"
_RESTART_KEY: Final = "restart-connector-"
_LOGGER_KEY: Final = "logger-cluster-"
_WORKER_KEY: Final = "status-worker-"
LONGEST_TRACE: Final = 8 * 1024


class TargetState(StrEnum):
    """What a connector is wished to do, in Kafka Connect's words."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class ConfigRecord:
    """A connector's settings as last changed by anyone, and the deployed ones they replaced."""

    connector: str
    properties: Mapping[str, str]
    deployed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What a connector is to do."""

    connector: str
    state: TargetState


@dataclass(frozen=True, slots=True)
class RestartRecord:
    """A wish to start tasks again: one by its id, or all, or the failed ones, or (neither) the connector alone."""

    connector: str
    include_tasks: bool
    only_failed: bool
    task_id: int | None = None


@dataclass(frozen=True, slots=True)
class LoggerRecord:
    """The level every replica is to give a logger."""

    logger: str
    level: str


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task of a replica; `trace` says why it failed."""

    task_id: int
    state: TaskState
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectorReport:
    """One connector as a replica has it."""

    state: TaskState
    tasks: tuple[TaskReport, ...] = ()
    claims: Mapping[int, int] = field(default_factory=dict)
    """Task ids this replica claims → offset in the topic of status at which it first did; -1: with this record."""
    topics: tuple[str, ...] = ()
    """Topics the replica's tasks read."""
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """How one replica is: its heartbeat. No report (a tombstone) says that it is gone."""

    instance: str
    """Made up anew by each process; the key."""
    worker_id: str
    config_offset: int
    """How far the replica had followed the topic of settings."""
    connectors: Mapping[str, ConnectorReport] = field(default_factory=dict)


ConfigTopicRecord = ConfigRecord | TargetRecord | RestartRecord | LoggerRecord


def config_key(connector: str) -> str:
    """Key of a connector's settings."""
    return _CONFIG_KEY + connector


def worker_key(instance: str) -> str:
    """Key of a replica's report."""
    return _WORKER_KEY + instance


def read_instance(key: str) -> str | None:
    """The replica a key of the status topic is about."""
    return key.removeprefix(_WORKER_KEY) if key.startswith(_WORKER_KEY) else None


def write_config_record(record: ConfigTopicRecord) -> tuple[str, bytes]:
    """Key and value."""
    match record:
        case ConfigRecord():
            body: dict[str, Any] = {"properties": dict(record.properties), "deployed": dict(record.deployed)}
            return config_key(record.connector), orjson.dumps(body)
        case TargetRecord():
            return _TARGET_KEY + record.connector, orjson.dumps({"state": record.state.value})
        case RestartRecord():
            body = {"include-tasks": record.include_tasks, "only-failed": record.only_failed, "task": record.task_id}
            return _RESTART_KEY + record.connector, orjson.dumps(body)
        case LoggerRecord():
            return _LOGGER_KEY + record.logger, orjson.dumps({"level": record.level})


def read_config_record(key: str, value: bytes | None) -> ConfigTopicRecord | None:
    """What a record of the topic of settings says; None: nothing we know, or its subject is forgotten."""
    body = _read_object(value)
    if body is None:
        return None
    try:
        if key.startswith(_CONFIG_KEY):
            return ConfigRecord(key.removeprefix(_CONFIG_KEY), _texts(body["properties"]), _texts(body["deployed"]))
        if key.startswith(_TARGET_KEY):
            return TargetRecord(key.removeprefix(_TARGET_KEY), TargetState(body["state"]))
        if key.startswith(_RESTART_KEY):
            task_id = None if body["task"] is None else int(body["task"])
            name = key.removeprefix(_RESTART_KEY)
            return RestartRecord(name, bool(body["include-tasks"]), bool(body["only-failed"]), task_id)
        if key.startswith(_LOGGER_KEY):
            return LoggerRecord(key.removeprefix(_LOGGER_KEY), str(body["level"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        # Anyone may write to the topic; what is no wish wishes nothing.
        return None
    return None


def write_report(report: WorkerReport) -> tuple[str, bytes]:
    """Key and value."""
    connectors = {name: _write_connector(connector) for name, connector in report.connectors.items()}
    body = {"worker_id": report.worker_id, "config_offset": report.config_offset, "connectors": connectors}
    return worker_key(report.instance), orjson.dumps(body)


def read_report(instance: str, value: bytes | None) -> WorkerReport | None:
    """The report of a replica; None: it is gone, or what stands there is no report."""
    body = _read_object(value)
    if body is None:
        return None
    try:
        connectors = {str(name): _read_connector(connector) for name, connector in body["connectors"].items()}
        return WorkerReport(instance, str(body["worker_id"]), int(body["config_offset"]), connectors)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _write_connector(report: ConnectorReport) -> dict[str, Any]:
    return {
        "state": report.state.value,
        "tasks": [{"id": task.task_id, "state": task.state.value, "trace": task.trace} for task in report.tasks],
        "claims": {str(task_id): offset for task_id, offset in report.claims.items()},
        "topics": list(report.topics),
        "trace": report.trace,
    }


def _read_connector(body: Mapping[str, Any]) -> ConnectorReport:
    return ConnectorReport(
        TaskState(body["state"]),
        tuple(TaskReport(int(task["id"]), TaskState(task["state"]), task.get("trace")) for task in body["tasks"]),
        {int(task_id): int(offset) for task_id, offset in body["claims"].items()},
        tuple(str(topic) for topic in body["topics"]),
        body.get("trace"),
    )


def _read_object(value: bytes | None) -> dict[str, Any] | None:
    if value is None:
        return None
    try:
        body = orjson.loads(value)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _texts(body: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in body.items()}
