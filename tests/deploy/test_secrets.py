"""Secrets from files: the script that makes them, and the entrypoint that hands them to a service."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.container.entrypoint import read_secrets

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRYPOINT = REPOSITORY / "deploy" / "container" / "entrypoint.py"


def make_secrets(directory: Path, settings: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "deploy" / "make_secrets.sh", directory],
        env={**os.environ, "HOLISTIC_ENV_FILE": str(settings)},
        check=True,
        text=True,
        capture_output=True,
    )


def test_only_the_owner_can_reach_the_secrets(tmp_path: Path) -> None:
    made = make_secrets(tmp_path / "secrets", tmp_path / "env")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    for file in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o444, file
        assert file.read_text() not in made.stdout + made.stderr
    assert (tmp_path / "env").read_text() == f"HOLISTIC_SECRETS={tmp_path / 'secrets'}\n"


def test_a_second_run_keeps_every_password(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets", tmp_path / "env")
    first = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    make_secrets(tmp_path / "secrets", tmp_path / "env")
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == first
    assert set(first) == {"postgres_password", "database_url", "grafana_admin_password"}
    assert (tmp_path / "env").read_text().count("HOLISTIC_SECRETS=") == 1


def test_two_machines_get_different_passwords(tmp_path: Path) -> None:
    machines = (tmp_path / "one", tmp_path / "other")
    for machine in machines:
        make_secrets(machine, tmp_path / f"{machine.name}-env")
    assert len({(machine / "postgres_password").read_text() for machine in machines}) == len(machines)


def test_a_secret_is_read_from_the_file_a_variable_names(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://h:p%40ss@db/x\n")
    assert read_secrets({"DATABASE_URL_FILE": str(tmp_path / "url"), "OTHER_FILE": "/nowhere"}) == {
        "DATABASE_URL": "postgresql://h:p%40ss@db/x"
    }


def test_a_secret_given_twice_missing_or_empty_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SystemExit, match="both DATABASE_URL and DATABASE_URL_FILE"):
        read_secrets({"DATABASE_URL": "x", "DATABASE_URL_FILE": str(tmp_path / "empty")})
    with pytest.raises(SystemExit, match=r"KAFKA_SASL_PASSWORD_FILE=.*No such file"):
        read_secrets({"KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "absent")})
    with pytest.raises(SystemExit, match=r"DATABASE_URL_FILE=.* is empty"):
        read_secrets({"DATABASE_URL_FILE": str(tmp_path / "empty")})


def test_the_command_takes_the_entrypoints_place_and_gets_its_signals(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://somewhere")
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print(os.getpid(), os.environ['DATABASE_URL'], flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, str(ENTRYPOINT), sys.executable, "-c", program],
        env={**os.environ, "DATABASE_URL_FILE": str(tmp_path / "url"), "DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{process.pid} postgresql://somewhere\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 7


def test_what_compose_can_only_leave_empty_is_not_set_at_all() -> None:
    program = "import os; print(os.environ.get('SCHEMA_REGISTRY_URL'), os.environ['OTHER'] == '')"
    command = [sys.executable, str(ENTRYPOINT), sys.executable, "-c", program]
    for given, seen in (("", "None True"), ("http://registry", "http://registry True")):
        environment = {**os.environ, "SCHEMA_REGISTRY_URL": given, "OTHER": ""}
        assert subprocess.check_output(command, env=environment, text=True).strip() == seen
