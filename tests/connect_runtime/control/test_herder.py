"""Two services that share one log: what is asked of one happens in both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from connect_runtime.assembly import Assembly
from connect_runtime.control.errors import BadRequest, ControlUnavailable, NotFound
from connect_runtime.control.herder import Herder, Worker
from connect_runtime.control.log import ControlTopic, MemoryControlLog
from connect_runtime.control.records import TargetState
from connect_runtime.control.status import TaskView
from connect_runtime.retry import Surroundings
from connect_runtime.spec import ConnectorSpec
from connect_runtime.task_metrics import TaskState
from keypoints.errors import Terminal
from observability.metrics import Metrics
from tests.connect_runtime.harness import OnMemory, RecordingSink, Store, encode_empty_frame, spec_for, wait_until

NAME = "archive"


class DeafLog(MemoryControlLog):
    """A log that acknowledges nothing while its broker is away, and has whoever writes wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.away = threading.Event()
        self.closed = threading.Event()
        self.waiting = threading.Event()

    def append(self, topic: ControlTopic, key: str, value: bytes | None) -> int:
        if self.away.is_set():
            self.waiting.set()
            assert self.closed.wait(60), "nobody ended the wait"
            raise ControlUnavailable("no acknowledgement in time")
        return super().append(topic, key, value)

    def close(self) -> None:
        self.closed.set()
        super().close()


class Pair:
    """A broker in memory, a log, and as many services on them as a test starts."""

    def __init__(self, held: ExitStack) -> None:
        self.broker = OnMemory()
        self.topic = self.broker.make_topic(4)
        self.log = MemoryControlLog()
        self.store = Store()
        self._held = held

    def spec(self, **settings: str) -> ConnectorSpec:
        return spec_for(NAME, self.topic, self.store, keeps_offsets=False, **settings)

    def start(self, host: str, spec: ConnectorSpec | None = None) -> Herder:
        return self._held.enter_context(self.running(host, spec))

    @contextmanager
    def running(self, host: str, spec: ConnectorSpec | None = None) -> Iterator[Herder]:
        assembly = Assembly(self.broker.connect, None, None, Metrics(), None)
        around = Surroundings(stopping=threading.Event())
        herder = Herder([spec or self.spec()], Worker(f"{host}:8083"), self.log, assembly.assemble, around)
        herder.start()
        try:
            yield herder
        finally:
            assert herder.drain(3, 5.0) == []

    def publish(self, count: int) -> None:
        for partition in range(4):
            self.broker.publish(self.topic, partition, [encode_empty_frame(index) for index in range(count)])


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as held:
        yield Pair(held)


def states(herder: Herder) -> list[str]:
    return [task.state.value for task in herder.status(NAME).tasks]


def wait_for_states(herder: Herder, *wanted: str) -> None:
    wait_until(f"tasks are {wanted}", lambda: states(herder) == list(wanted), 15)


def test_tasks_of_two_services_have_different_ids_and_any_answers_for_both(pair: Pair) -> None:
    first = pair.start("a", pair.spec(tasks_max="2"))
    second = pair.start("b", pair.spec(tasks_max="2"))
    for herder in (first, second):
        wait_for_states(herder, *["RUNNING"] * 4)
        tasks = herder.status(NAME).tasks
        assert [task.task_id for task in tasks] == [0, 1, 2, 3]
        assert sorted(task.worker_id for task in tasks) == ["a:8083"] * 2 + ["b:8083"] * 2


def test_a_pause_asked_of_one_stops_the_reading_of_both_and_a_resume_of_the_other_goes_on(pair: Pair) -> None:
    first, second = pair.start("a"), pair.start("b")
    wait_for_states(first, "RUNNING", "RUNNING")
    first.pause(NAME)
    assert second.target_state(NAME) is TargetState.PAUSED
    wait_for_states(second, "PAUSED", "PAUSED")
    assert first.readiness().ready
    assert second.readiness().ready
    assert len(pair.broker.broker.members(NAME)) == 2, "a paused task stays in the group"
    pair.publish(5)
    threading.Event().wait(1.0)
    assert pair.store.count() == 0
    second.resume(NAME)
    wait_for_states(first, "RUNNING", "RUNNING")
    wait_until("all read", lambda: pair.store.count() == 20)


def test_a_stop_empties_the_group_and_survives_a_restart(pair: Pair) -> None:
    with pair.running("a") as first:
        second = pair.start("b")
        wait_for_states(first, "RUNNING", "RUNNING")
        assert not second.is_stopped_everywhere(NAME)
        second.stop(NAME)
        wait_until("stopped", lambda: first.is_stopped_everywhere(NAME))
        assert (states(first), first.status(NAME).state) == ([], TaskState.STOPPED)
        assert pair.broker.broker.members(NAME) == []
        assert first.readiness().ready
    again = pair.start("a")
    wait_until("known", lambda: again.status(NAME).state is TaskState.STOPPED)
    assert pair.broker.broker.members(NAME) == []
    again.resume(NAME)
    wait_for_states(second, "RUNNING", "RUNNING")


def test_a_connector_paused_before_a_service_starts_begins_paused(pair: Pair) -> None:
    with pair.running("a") as first:
        first.pause(NAME)
    pair.publish(3)
    again = pair.start("b")
    wait_for_states(again, "PAUSED")
    threading.Event().wait(0.7)
    assert pair.store.count() == 0


def test_settings_changed_at_one_are_the_others_too_and_make_new_tasks(pair: Pair) -> None:
    first, second = pair.start("a"), pair.start("b")
    wait_for_states(first, "RUNNING", "RUNNING")
    first.patch_config(NAME, {"tasks.max": "2", "errors.retry.delay.max.ms": None})
    assert second.config(NAME)["tasks.max"] == "2"
    assert "errors.retry.delay.max.ms" not in second.config(NAME)
    wait_for_states(second, *["RUNNING"] * 4)
    first.patch_config(NAME, {"tasks.max": 1})
    wait_for_states(second, "RUNNING", "RUNNING")


def test_settings_changed_by_hand_outlive_a_restart_until_the_service_is_deployed_with_others(pair: Pair) -> None:
    with pair.running("a") as first:
        first.patch_config(NAME, {"tasks.max": "3"})
    with pair.running("a") as again:
        wait_for_states(again, *["RUNNING"] * 3)
    with pair.running("a", pair.spec(tasks_max="2")) as redeployed:
        wait_for_states(redeployed, *["RUNNING"] * 2)
        assert redeployed.config(NAME)["tasks.max"] == "2"


def test_a_sink_made_from_its_settings_is_made_from_the_new_ones(pair: Pair) -> None:
    made: list[str] = []

    def build(config: object) -> ConnectorSpec:
        assert isinstance(config, dict)

        def make_sink() -> RecordingSink:
            made.append(config["errors.retry.delay.max.ms"])
            return RecordingSink(pair.store)

        return replace(pair.spec(), config=config, make_sink=make_sink, reconfigure=build)

    herder = pair.start("a", build(dict(pair.spec().config)))
    wait_for_states(herder, "RUNNING")
    herder.patch_config(NAME, {"errors.retry.delay.max.ms": "150"})
    wait_until("made anew", lambda: made == ["200", "150"])
    wait_for_states(herder, "RUNNING")


def test_settings_that_cannot_be_used_are_refused_and_change_nothing(pair: Pair) -> None:
    herder = pair.start("a")
    before = herder.config(NAME)
    for changes, said in (
        ({"tasks.max": "zero"}, "tasks.max"),
        ({"no.such.thing": "1"}, "no.such.thing"),
        ({"name": "other"}, "doesn't match"),
    ):
        with pytest.raises(BadRequest, match=said):
            herder.patch_config(NAME, changes)
    assert herder.config(NAME) == before
    for ask in (herder.pause, herder.config, herder.status, herder.restart):
        with pytest.raises(NotFound, match="nosuch"):
            ask("nosuch")


def test_a_failed_task_says_why_to_every_replica_and_starts_again_when_asked(pair: Pair) -> None:
    broken = threading.Event()
    broken.set()

    def make_sink() -> RecordingSink:
        if broken.is_set():
            raise Terminal("the table is gone")
        return RecordingSink(pair.store)

    spec = replace(pair.spec(task_restart_delay_max_ms="3600000"), make_sink=make_sink)
    first, second = pair.start("a", spec), pair.start("b")
    seen: list[TaskView] = []

    def one_has_failed() -> bool:
        seen[:] = second.status(NAME).tasks
        return sorted(task.state.value for task in seen) == ["FAILED", "RUNNING"]

    wait_until("failed", one_has_failed)
    [failed] = [task for task in seen if task.state is TaskState.FAILED]
    assert "the table is gone" in (failed.trace or "")
    assert not first.readiness().ready
    running = [task.task_id for task in seen if task.state is TaskState.RUNNING]
    broken.clear()
    answered = second.restart(NAME, include_tasks=True, only_failed=True)
    assert [task.task_id for task in answered.tasks if task.state is TaskState.RESTARTING] == [failed.task_id]
    assert answered.state is TaskState.RUNNING
    wait_for_states(second, "RUNNING", "RUNNING")
    assert pair.store.events.count("stop") == 0, f"task {running} was not to be restarted"
    second.restart_task(NAME, failed.task_id)
    wait_until("restarted alone", lambda: pair.store.events.count("stop") == 1)
    wait_for_states(second, "RUNNING", "RUNNING")
    with pytest.raises(NotFound, match="Unknown task: archive-99"):
        second.restart_task(NAME, 99)


def test_a_service_that_ends_takes_its_tasks_out_of_the_status(pair: Pair) -> None:
    first = pair.start("a")
    with pair.running("b"):
        wait_for_states(first, "RUNNING", "RUNNING")
    assert states(first) == ["RUNNING"]


def test_a_level_set_for_the_cluster_reaches_every_replica(pair: Pair) -> None:
    heard: list[tuple[str, str, str]] = []

    def listen(host: str) -> Callable[[str, str], None]:
        return lambda logger, level: heard.append((host, logger, level))

    first, second = pair.start("a"), pair.start("b")
    first.on_logger_level, second.on_logger_level = listen("a"), listen("b")
    wait_for_states(first, "RUNNING", "RUNNING")
    first.set_logger_level("root", "DEBUG")
    wait_until("both heard", lambda: sorted(heard) == [("a", "root", "DEBUG"), ("b", "root", "DEBUG")])


def test_a_service_whose_broker_is_away_says_so_and_ends_without_waiting_for_it(pair: Pair) -> None:
    log, ahead_s = DeafLog(), [0.0]
    around = Surroundings(clock=lambda: time.monotonic() + ahead_s[0])
    assembly = Assembly(pair.broker.connect, None, None, Metrics(), None)
    herder = Herder([pair.spec()], Worker("a:8083"), log, assembly.assemble, around)
    herder.start()
    wait_until("ready", lambda: herder.readiness().ready)
    log.away.set()
    ahead_s[0] = 11.0
    assert log.waiting.wait(20)
    [reason] = herder.readiness().reasons
    assert reason.startswith("Kafka has acknowledged nothing for 1")
    began_s = time.monotonic()
    assert herder.drain(3, 5.0) == []
    assert time.monotonic() - began_s < 8.0
