"""The supervisor with small programs for parts: what it restarts, tells and stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from local_stack.layout import Layout
from local_stack.plan import PartCommand, Ports, StackPlan, write_plan
from local_stack.processes import ProcessMark, is_locked
from local_stack.status import StackStatus, read_status
from local_stack.supervisor import LONGEST_RESTART_S, describe_exit, restart_delay_s

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0


def part(name: str, script: str) -> PartCommand:
    return PartCommand(name, ["/bin/sh", "-c", script], working_dir="/", stop_signal="SIGTERM")


def wait_for(layout: Layout, wanted: Callable[[StackStatus], bool]) -> StackStatus:
    deadline_s = time.monotonic() + PATIENCE_S
    status = None
    while time.monotonic() < deadline_s:
        status = read_status(layout)
        if status is not None and wanted(status):
            return status
        time.sleep(0.02)
    raise AssertionError(f"not seen within {PATIENCE_S:.0f} s; the last status was {status}")


def pid_of(status: StackStatus, name: str) -> int | None:
    found = status.part(name)
    return found.pid if found else None


@contextmanager
def supervised(layout: Layout, *parts: PartCommand) -> Iterator[subprocess.Popen[bytes]]:
    write_plan(layout, StackPlan(Ports(0, 0, 0, 0), list(parts)))
    command = [sys.executable, "-m", "local_stack.supervisor", str(layout.data_dir), "--foreground"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_a_killed_part_is_started_again_and_the_crash_is_told(layout: Layout) -> None:
    with supervised(layout, part("kafka", "exec sleep 600")):
        first = wait_for(layout, lambda status: pid_of(status, "kafka") is not None)
        first_pid = pid_of(first, "kafka")
        assert first_pid is not None
        os.kill(first_pid, signal.SIGKILL)
        second = wait_for(layout, lambda status: pid_of(status, "kafka") not in (None, first_pid))
        kafka = second.part("kafka")
        assert kafka is not None
        assert (kafka.state, kafka.restarts, kafka.last_exit) == ("running", 1, "killed by SIGKILL")


def test_a_part_that_ends_at_once_is_restarted_with_growing_pauses(layout: Layout) -> None:
    with supervised(layout, part("kafka", "date +%s.%N; exit 3")):
        told = wait_for(layout, lambda status: any(part.restarts >= 3 for part in status.parts)).part("kafka")
    assert told is not None
    assert told.last_exit == "exit code 3"
    starts_s = [float(line) for line in layout.log_of("kafka").read_text().split()]
    pauses_s = [later - earlier for earlier, later in pairwise(starts_s)]
    assert pauses_s[0] >= restart_delay_s(1)
    assert pauses_s[1] >= restart_delay_s(2) > restart_delay_s(1)


def test_a_program_that_is_not_there_is_told_and_leaves_the_other_part_alone(layout: Layout) -> None:
    absent = PartCommand("kafka", ["/nonexistent/java"], working_dir="/", stop_signal="SIGTERM")
    with supervised(layout, absent, part("postgres", "exec sleep 600")):
        status = wait_for(layout, lambda status: any(part.restarts > 0 for part in status.parts))
        kafka, postgres = status.part("kafka"), status.part("postgres")
        assert kafka is not None
        assert postgres is not None
        assert kafka.last_exit == "could not start: No such file or directory"
        assert (postgres.state, postgres.restarts) == ("running", 0)


def test_stopping_goes_from_the_last_part_to_the_first_and_leaves_no_process(layout: Layout) -> None:
    note, names = layout.data_dir / "order", ("postgres", "kafka", "registry")
    parts = [
        part(
            name,
            f'trap \'echo {name} >> "{note}"; exit 0\' TERM; : > "{note}-{name}"; while :; do sleep 0.05; done',
        )
        for name in names
    ]
    with supervised(layout, *parts) as supervisor:
        running = wait_for(layout, lambda status: all(part.pid for part in status.parts))
        marks = [ProcessMark.of(part.pid) for part in running.parts if part.pid]
        # Each shell sets its trap first.
        wait_for(layout, lambda _: all(note.with_name(f"order-{name}").exists() for name in names))
        supervisor.terminate()
        assert supervisor.wait(PATIENCE_S) == 0
    assert note.read_text().split() == ["registry", "kafka", "postgres"]
    assert not any(mark.is_alive() for mark in marks)
    assert not is_locked(layout.supervisor_lock)


def test_parts_do_not_outlive_a_killed_supervisor(layout: Layout) -> None:
    with supervised(layout, part("kafka", "exec sleep 600")) as supervisor:
        pid = pid_of(wait_for(layout, lambda status: pid_of(status, "kafka") is not None), "kafka")
        assert pid is not None
        mark = ProcessMark.of(pid)
        supervisor.kill()
        supervisor.wait(PATIENCE_S)
        deadline_s = time.monotonic() + PATIENCE_S
        while mark.is_alive() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert not mark.is_alive()
        assert read_status(layout) is None


def test_a_supervisor_that_stood_still_beyond_a_deadline_goes_on(layout: Layout) -> None:
    with supervised(layout, part("kafka", "exec sleep 600"), part("postgres", "exit 3")) as supervisor:
        before = wait_for(layout, lambda status: any(part.restarts >= 2 for part in status.parts))
        kafka, postgres = before.part("kafka"), before.part("postgres")
        assert kafka is not None
        assert postgres is not None
        supervisor.send_signal(signal.SIGSTOP)
        time.sleep(restart_delay_s(postgres.restarts) + 0.5)  # past the start that was due
        supervisor.send_signal(signal.SIGCONT)
        after = wait_for(layout, lambda status: any(part.restarts > postgres.restarts for part in status.parts))
        assert after.part("kafka") == kafka
        assert supervisor.poll() is None


def test_a_second_supervisor_of_the_same_directory_gives_up(layout: Layout) -> None:
    with supervised(layout, part("kafka", "exec sleep 600")):
        pid = pid_of(wait_for(layout, lambda status: pid_of(status, "kafka") is not None), "kafka")
        with supervised(layout, part("kafka", "exec sleep 600")) as second:
            assert second.wait(PATIENCE_S) == 1
        assert pid_of(wait_for(layout, lambda status: True), "kafka") == pid


def test_a_part_that_is_new_in_the_plan_is_started_beside_the_others(layout: Layout) -> None:
    kafka, registry = part("kafka", "exec sleep 600"), part("registry", "exec sleep 600")
    with supervised(layout, kafka) as supervisor:
        pid = pid_of(wait_for(layout, lambda status: pid_of(status, "kafka") is not None), "kafka")
        write_plan(layout, StackPlan(Ports(0, 0, 0, 0), [kafka, registry]))
        supervisor.send_signal(signal.SIGHUP)
        after = wait_for(layout, lambda status: pid_of(status, "registry") is not None)
        assert pid_of(after, "kafka") == pid


def test_a_part_sees_its_own_environment_and_secrets_but_not_the_persons(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dmeant=for-another-program")
    secret_file = layout.data_dir / "secret"
    secret_file.write_text("hush\n")
    registry = replace(
        part("registry", "env; sleep 600"), environment={"PORT": "1"}, secret_environment={"KEY": str(secret_file)}
    )
    with supervised(layout, registry):
        wait_for(layout, lambda status: "PORT=1" in layout.log_of("registry").read_text())
    told = layout.log_of("registry").read_text()
    assert "KEY=hush" in told
    assert "JAVA_TOOL_OPTIONS" not in told
    assert "hush" not in layout.plan_file.read_text()


def test_pauses_double_up_to_the_cap() -> None:
    assert [restart_delay_s(crashes) for crashes in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert restart_delay_s(7) == LONGEST_RESTART_S
    assert restart_delay_s(10_000) == LONGEST_RESTART_S


def test_an_exit_is_told_in_words() -> None:
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(137) == "exit code 137"
