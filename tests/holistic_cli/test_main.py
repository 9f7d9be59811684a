"""The command line as a person meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holistic_cli.main import VERBS


def run_holistic(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "holistic_cli", *arguments],
        env={**os.environ, "COLUMNS": "120", "TERM": "dumb", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_verb_is_listed_with_what_it_does() -> None:
    done = run_holistic("--help")
    assert done.returncode == 0, done.stderr
    for verb in VERBS:
        assert f" {verb} " in done.stdout


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_explains_itself(verb: str) -> None:
    done = run_holistic(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert f"holistic_cli {verb}" in done.stdout
    assert "--help" in done.stdout


def test_an_unknown_verb_is_wrong_usage() -> None:
    done = run_holistic("dance")
    assert done.returncode == 2
    assert "dance" in done.stderr


def test_without_servers_it_says_what_to_do(tmp_path: Path) -> None:
    without = {"KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "HOLISTIC_HOME": str(tmp_path)}
    done = run_holistic("sql", "SELECT 1", "--on", "postgres", **without)
    assert done.returncode == 1
    assert "holistic up" in done.stderr


def test_nothing_is_erased_whose_receipt_could_not_be_kept(tmp_path: Path) -> None:
    nowhere = tmp_path / "not" / "there.json"
    for how, says in (("--execute", "written"), ("--verify", "read")):
        done = run_holistic("forget", "ada", how, "--receipt", str(nowhere))
        assert done.returncode == 2
        assert says in done.stderr


@pytest.mark.parametrize("output", ["ada.txt", "-", "/dev/null"])
def test_an_export_goes_to_a_file_of_a_known_kind(tmp_path: Path, output: str) -> None:
    done = run_holistic("export", "ada", "-o", output, HOLISTIC_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "Invalid value" in done.stderr


def test_describing_the_verbs_imports_no_services_libraries() -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from holistic_cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'mediapipe', 'cv2', 'pyarrow', 'duckdb', 'sqlalchemy', 'psycopg2', 'kafka', 'skimage'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
