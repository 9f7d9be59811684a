"""What the group's status says of replicas that come, fall silent and return."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from connect_runtime.control.log import ControlRecord, ControlTopic
from connect_runtime.control.records import (
    ConfigRecord,
    ConfigTopicRecord,
    ConnectorReport,
    LoggerRecord,
    RestartRecord,
    TargetRecord,
    TargetState,
    TaskReport,
    WorkerReport,
    read_config_record,
    read_report,
    worker_key,
    write_config_record,
    write_report,
)
from connect_runtime.control.status import is_stopped, read_status
from connect_runtime.control.store import DEAD_AFTER_S, FORGOTTEN_AFTER_S, GroupState
from connect_runtime.task_metrics import TaskState

RUNNING = TaskState.RUNNING


class Log:
    """Writes records into a state as they would be read, at times of the test's choosing."""

    def __init__(self) -> None:
        self.state = GroupState()
        self.offset = 0

    def report(self, instance: str, at_s: float, report: ConnectorReport, *, config_offset: int = 0) -> None:
        self._fold(
            ControlTopic.STATUS,
            write_report(WorkerReport(instance, f"{instance}:8083", config_offset, {"archive": report})),
            at_s,
        )

    def wish(self, record: ConfigTopicRecord, at_s: float = 0.0, *, is_news: bool = True) -> ConfigTopicRecord | None:
        return self._fold(ControlTopic.CONFIGS, write_config_record(record), at_s, is_news=is_news)

    def leave(self, instance: str, at_s: float) -> None:
        self._fold(ControlTopic.STATUS, (worker_key(instance), None), at_s)

    def _fold(
        self, topic: ControlTopic, record: tuple[str, bytes | None], at_s: float, *, is_news: bool = True
    ) -> ConfigTopicRecord | None:
        self.offset += 1
        return self.state.fold(ControlRecord(topic, self.offset, int(at_s * 1000), *record, is_news), at_s, at_s)


def report_tasks(*tasks: int, state: TaskState = RUNNING, claims: Mapping[int, int] | None = None) -> ConnectorReport:
    return ConnectorReport(state, tuple(TaskReport(one, state) for one in tasks), claims or dict.fromkeys(tasks, 0))


def states(log: Log) -> dict[int, str]:
    return {task.task_id: task.state.value for task in read_status(log.state, "archive", "me:1").tasks}


def test_all_replicas_tasks_are_one_list_and_each_says_whose_it_is() -> None:
    log = Log()
    log.report("b", 0, report_tasks(1))
    log.report("a", 0, report_tasks(0, 2))
    status = read_status(log.state, "archive", "me:1")
    assert [(task.task_id, task.worker_id) for task in status.tasks] == [(0, "a:8083"), (1, "b:8083"), (2, "a:8083")]
    assert (status.state, status.worker_id) == (RUNNING, "a:8083")


def test_tasks_of_a_silent_replica_are_unassigned_until_somebody_has_their_id_and_at_last_they_are_gone() -> None:
    log = Log()
    log.report("dead", 0, report_tasks(0, 1))
    log.report("alive", DEAD_AFTER_S - 1, report_tasks(2))
    assert states(log) == {0: "RUNNING", 1: "RUNNING", 2: "RUNNING"}
    log.report("alive", DEAD_AFTER_S, report_tasks(2))
    assert states(log) == {0: "UNASSIGNED", 1: "UNASSIGNED", 2: "RUNNING"}
    assert log.state.claims_of_others("archive", "alive", "alive:8083") == {}
    log.report("alive", DEAD_AFTER_S + 3, report_tasks(0, 2))
    assert states(log) == {0: "RUNNING", 1: "UNASSIGNED", 2: "RUNNING"}
    log.report("alive", FORGOTTEN_AFTER_S, report_tasks(0, 2))
    assert log.state.to_forget() == ["dead"]
    log.leave("dead", FORGOTTEN_AFTER_S)
    assert states(log) == {0: "RUNNING", 2: "RUNNING"}


def test_whoever_had_the_address_before_claims_nothing_of_who_has_it_now() -> None:
    log = Log()
    log.report("killed", 0, report_tasks(0))
    assert log.state.claims_of_others("archive", "again", "killed:8083") == {}
    assert set(log.state.claims_of_others("archive", "beside", "beside:8083")) == {0}


def test_while_nobody_can_write_nobody_is_taken_for_dead() -> None:
    log = Log()
    log.report("a", 0, report_tasks(0))
    log.report("b", 1, report_tasks(1))
    # Kafka is away for an hour; the first to return has not silenced the other.
    log.report("a", 3600, report_tasks(0))
    log.report("b", 3601, report_tasks(1))
    assert states(log) == {0: "RUNNING", 1: "RUNNING"}


def test_a_process_that_took_over_an_address_has_outlived_the_one_before() -> None:
    log = Log()
    log.report("a", 0, report_tasks(0))
    log._fold(ControlTopic.STATUS, write_report(WorkerReport("new", "a:8083", 0, {"archive": report_tasks(0)})), 0.5)
    assert list(log.state.reports) == ["new"]


def test_stopped_is_said_only_when_every_replica_has_followed_that_very_wish() -> None:
    log = Log()
    log.report("a", 0, report_tasks(0))
    log.report("b", 0, report_tasks(state=TaskState.STOPPED), config_offset=1)
    log.wish(TargetRecord("archive", TargetState.STOPPED))
    wished_at = log.offset
    assert not is_stopped(log.state, "archive")
    assert read_status(log.state, "archive", "me:1").state is RUNNING
    log.report("a", 1, report_tasks(state=TaskState.STOPPED), config_offset=wished_at + 1)
    assert not is_stopped(log.state, "archive"), "b's report is older than the wish"
    log.report("b", 1, report_tasks(state=TaskState.STOPPED), config_offset=wished_at + 1)
    assert is_stopped(log.state, "archive")
    assert read_status(log.state, "archive", "me:1").state is TaskState.STOPPED


def test_a_failed_replica_is_what_the_connector_says() -> None:
    log = Log()
    log.report("a", 0, report_tasks(0))
    log.report("b", 0, ConnectorReport(TaskState.FAILED, trace="no such setting"))
    status = read_status(log.state, "archive", "me:1")
    assert (status.state, status.worker_id, status.trace) == (TaskState.FAILED, "b:8083", "no such setting")


def test_restarts_and_log_levels_asked_for_before_we_came_are_not_for_us_but_settings_are() -> None:
    log = Log()
    restart = RestartRecord("archive", include_tasks=True, only_failed=False)
    for wish in (restart, LoggerRecord("root", "DEBUG")):
        assert log.wish(wish, is_news=False) is None
        assert log.wish(wish) == wish
    settings = ConfigRecord("archive", {"tasks.max": "2"}, {"tasks.max": "1"})
    log.wish(settings, is_news=False)
    assert log.state.configs == {"archive": settings}


def test_what_is_written_is_read_back_and_rubbish_is_nothing() -> None:
    wishes: list[ConfigTopicRecord] = [
        ConfigRecord("archive-x", {"a": "b"}, {}),
        TargetRecord("archive-x", TargetState.PAUSED),
        RestartRecord("archive-x", include_tasks=True, only_failed=True, task_id=3),
        LoggerRecord("connect_runtime.task", "DEBUG"),
    ]
    for wish in wishes:
        assert read_config_record(*write_config_record(wish)) == wish
        assert read_config_record(write_config_record(wish)[0], b'{"state": 7}') is None
    report = WorkerReport("i", "w:1", 4, {"archive": ConnectorReport(RUNNING, (TaskReport(0, RUNNING, "x"),), {0: 3})})
    assert read_report("i", write_report(report)[1]) == report
    for rubbish in (b"", b"[]", b'"x"', b'{"connectors": 3}', b"\xff"):
        assert read_report("i", rubbish) is None
        assert read_config_record("connector-a", rubbish) is None


def test_a_newer_replicas_records_are_read_as_far_as_they_are_known() -> None:
    key, value = write_report(WorkerReport("new", "new:8083", 3, {"archive": report_tasks(0)}))
    body = orjson.loads(value)
    body["version"] = "9.9"
    body["connectors"]["archive"]["tasks"][0]["since"] = 5
    assert read_report("new", orjson.dumps(body)) == read_report("new", value)
    key, value = write_config_record(TargetRecord("archive", TargetState.PAUSED))
    assert read_config_record(key, orjson.dumps({**orjson.loads(value), "by": "ada"})) == TargetRecord(
        "archive", TargetState.PAUSED
    )
    assert read_config_record("something-new-archive", b"{}") is None
