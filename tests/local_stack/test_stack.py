"""The whole stack: real Kafka and Postgres in a directory of the tests' own."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

from kafka_io.admin import create_topics, open_admin
from kafka_io.settings import KafkaSettings
from keypoints.topics import SUITE_TOPICS, TopicSpec
from local_stack import Endpoints, WantedPorts, delete_data, find_stack, start_stack, stop_stack
from local_stack.errors import StackIsUp, StopFailed
from local_stack.layout import LOOPBACK, Layout
from local_stack.plan import read_plan
from local_stack.processes import ProcessMark
from local_stack.report import report_stack
from local_stack.status import PartStatus, read_status

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data_dir(make_data_dir: Callable[[str], Path]) -> Path:
    """A path with a space and an umlaut, which every part must bear."""
    return make_data_dir("stack of tüdelü")


@pytest.fixture
def running(data_dir: Path) -> Endpoints:
    """The stack, up: the first test waits for it, the later ones find it."""
    return start_stack(data_dir)


def part_of(data_dir: Path, name: str) -> PartStatus:
    status = read_status(Layout(data_dir))
    assert status is not None
    part = status.part(name)
    assert part is not None
    return part


def topics_of(endpoints: Endpoints) -> set[str]:
    with open_admin(KafkaSettings(bootstrap_servers=endpoints.kafka_bootstrap_servers), "listing topics") as admin:
        return set(admin.list_topics())


def ask(endpoints: Endpoints, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(endpoints.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def run_holistic(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
    }
    return subprocess.run(
        [sys.executable, "-m", "holistic_cli", *arguments],
        cwd=REPOSITORY,
        env=environment | {"HOLISTIC_HOME": str(data_dir), "LC_ALL": "C", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_ready_means_that_topics_and_database_are_there(running: Endpoints) -> None:
    assert topics_of(running) >= {spec.name for spec in SUITE_TOPICS}
    assert ask(running, "SELECT current_database(), current_setting('server_encoding')") == [("holistic", "UTF8")]
    assert ask(running, "SHOW timezone") == [("UTC",)]


def test_topics_are_not_made_by_accident(running: Endpoints) -> None:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(bootstrap_servers=running.kafka_bootstrap_servers)
    assert not consumer.partitions_for_topic("a-slip-of-the-pen")
    consumer.close()
    assert "a-slip-of-the-pen" not in topics_of(running)


def test_a_second_up_finds_the_first(running: Endpoints, data_dir: Path) -> None:
    before = part_of(data_dir, "kafka")
    assert start_stack(data_dir) == running
    assert find_stack(data_dir) == running
    assert part_of(data_dir, "kafka") == before


def test_a_stack_that_is_up_does_not_move_to_other_ports_in_silence(running: Endpoints, data_dir: Path) -> None:
    port = int(running.kafka_bootstrap_servers.rpartition(":")[2])
    assert start_stack(data_dir, ports=WantedPorts(kafka=port)) == running
    with pytest.raises(StackIsUp, match=f"is up on port {port} and cannot move to {port - 1}"):
        start_stack(data_dir, ports=WantedPorts(kafka=port - 1))


def test_the_servers_listen_on_loopback_only(running: Endpoints, data_dir: Path) -> None:
    assert running.kafka_bootstrap_servers.startswith(LOOPBACK)
    for name in ("kafka", "postgres"):
        pid = part_of(data_dir, name).pid
        sockets = psutil.Process(pid).net_connections(kind="tcp")
        addresses = {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
        # Java writes an IPv4 address as IPv6 does.
        assert {address.removeprefix("::ffff:") for address in addresses} == {LOOPBACK}


def test_the_password_is_its_owners_alone_and_in_no_log(running: Endpoints, data_dir: Path) -> None:
    layout = Layout(data_dir)
    password = layout.password_file.read_text().strip()
    assert len(password) >= 24
    assert password in running.database_url
    assert stat.S_IMODE(layout.password_file.stat().st_mode) == 0o600
    told = [*layout.logs_dir.iterdir(), layout.plan_file, layout.status_file]
    assert not [path for path in told if password in path.read_text(errors="replace")]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(running.database_url.replace(password, "guess"))


def test_a_killed_broker_is_told_and_comes_back_with_its_topics(running: Endpoints, data_dir: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers=running.kafka_bootstrap_servers)
    create_topics(kafka, [TopicSpec("kept", 2)])
    former_pid = part_of(data_dir, "kafka").pid
    assert former_pid is not None
    os.kill(former_pid, signal.SIGKILL)
    deadline_s = time.monotonic() + 20
    while part_of(data_dir, "kafka").restarts == 0 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    told = run_holistic(data_dir, "status")
    assert "killed by SIGKILL" in told.stdout
    assert start_stack(data_dir) == running
    assert part_of(data_dir, "kafka").pid != former_pid
    assert "kept" in topics_of(running)
    assert "kafka ended (killed by SIGKILL)" in run_holistic(data_dir, "logs", "supervisor").stdout


def test_a_killed_supervisor_is_replaced_by_the_next_up(running: Endpoints, data_dir: Path) -> None:
    status = read_status(Layout(data_dir))
    assert status is not None
    parts = [ProcessMark.of(part.pid) for part in status.parts if part.pid]
    os.kill(status.supervisor.pid, signal.SIGKILL)
    deadline_s = time.monotonic() + 30
    while any(part.is_alive() for part in parts) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not any(part.is_alive() for part in parts)
    assert find_stack(data_dir) is None
    assert run_holistic(data_dir, "status").returncode == 1
    assert start_stack(data_dir) == running


def test_status_as_json_says_what_is_ready_and_where(running: Endpoints, data_dir: Path) -> None:
    done = run_holistic(data_dir, "status", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["ready"], told["local"], told["data_dir"]) == (True, True, str(data_dir))
    addresses = {part["name"]: part["address"] for part in told["parts"]}
    assert addresses["kafka"] == running.kafka_bootstrap_servers
    assert addresses["postgres"] in running.database_url
    assert all(part["health"] == "ready" and part["pid"] > 0 for part in told["parts"])


def test_up_prints_what_a_shell_or_a_program_needs(running: Endpoints, data_dir: Path) -> None:
    exported = run_holistic(data_dir, "up", "--export")
    assert exported.returncode == 0, exported.stderr
    shell = subprocess.run(
        ["/bin/sh", "-c", exported.stdout + 'echo "$KAFKA_BOOTSTRAP_SERVERS $DATABASE_URL"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout.split() == [running.kafka_bootstrap_servers, running.database_url]
    told = json.loads(run_holistic(data_dir, "up", "--json").stdout)
    assert told["DATABASE_URL"] == running.database_url
    assert "SCHEMA_REGISTRY_URL" not in told


def test_servers_of_the_environment_are_checked_and_used_instead(
    running: Endpoints, data_dir: Path, make_data_dir: Callable[[str], Path]
) -> None:
    elsewhere = make_data_dir("elsewhere")
    command = [sys.executable, "-m", "holistic_cli", "up"]
    environment = os.environ | running.environment() | {"HOLISTIC_HOME": str(elsewhere)}
    used = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert used.returncode == 0, used.stderr
    assert "using the servers of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" in used.stderr
    assert not elsewhere.exists()
    password = Layout(data_dir).password_file.read_text().strip()
    assert password not in used.stdout + used.stderr

    environment["DATABASE_URL"] = running.database_url.replace(password, "guess")
    refused = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "password authentication failed" in refused.stderr


def test_down_stops_every_process_and_the_next_up_has_ports_and_data(running: Endpoints, data_dir: Path) -> None:
    ask(running, "CREATE TABLE IF NOT EXISTS kept (word text)")
    ask(running, "INSERT INTO kept VALUES ('still here')")
    create_topics(KafkaSettings(bootstrap_servers=running.kafka_bootstrap_servers), [TopicSpec("kept-too", 1)])
    status = read_status(Layout(data_dir))
    assert status is not None
    processes = [status.supervisor, *(ProcessMark.of(part.pid) for part in status.parts if part.pid)]
    with pytest.raises(StopFailed, match="is up"):
        delete_data(data_dir)

    done = run_holistic(data_dir, "down", "--json")
    assert json.loads(done.stdout) == {"data_dir": str(data_dir), "stopped": True, "deleted": False}
    assert not any(process.is_alive() for process in processes)
    assert find_stack(data_dir) is None
    assert not report_stack(data_dir).ready
    assert not stop_stack(data_dir)

    assert start_stack(data_dir) == running
    assert ask(running, "SELECT word FROM kept") == [("still here",)]
    assert "kept-too" in topics_of(running)


def test_a_remembered_port_that_another_program_took_is_said_and_replaced(data_dir: Path) -> None:
    stop_stack(data_dir)
    plan = read_plan(Layout(data_dir))
    assert plan is not None
    with socket.create_server((LOOPBACK, plan.ports.postgres)):
        done = run_holistic(data_dir, "up", "--json")
        assert done.returncode == 0, done.stderr
        moved = find_stack(data_dir)
    assert moved is not None
    assert f":{plan.ports.postgres}/" not in moved.database_url
    assert moved.kafka_bootstrap_servers.endswith(f":{plan.ports.kafka}")
    assert ask(moved, "SELECT 1") == [(1,)]


def test_data_are_deleted_only_when_confirmed_and_nothing_else_with_them(data_dir: Path) -> None:
    precious = data_dir / "archive" / "precious.parquet"
    precious.parent.mkdir(exist_ok=True)
    precious.write_bytes(b"PAR1")
    start_stack(data_dir)
    asked = run_holistic(data_dir, "down", "--delete-data")
    assert asked.returncode == 1
    assert find_stack(data_dir) is not None
    deleted = run_holistic(data_dir, "down", "--delete-data", "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert [path.name for path in data_dir.iterdir()] == ["archive"]
    assert precious.exists()
    assert run_holistic(data_dir, "status").returncode == 1
