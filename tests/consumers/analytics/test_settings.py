"""What a person is told who starts the service with a wrong setting."""

import os
import subprocess
import sys

import pytest


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The service with these settings and no others; it must end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOLISTIC_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-m", "consumers.analytics", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        ([], {}, ["DATABASE_URL"]),
        ([], {"DATABASE_URL": ""}, ["DATABASE_URL"]),
        (["tasks.max=0"], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, ["tasks.max", "'0'"]),
    ],
)
def test_a_wrong_setting_is_named_in_the_first_line_before_anything_starts(
    arguments: list[str], environment: dict[str, str], named: list[str]
) -> None:
    ended = start(*arguments, **environment)
    assert ended.returncode == 1
    line, *advice = ended.stderr.strip().splitlines()
    assert all(said.startswith("hint: ") for said in advice)
    for word in named:
        assert word in line


def test_a_wrong_variable_is_named_and_a_secret_is_never_shown() -> None:
    ended = start(DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x", HOLISTIC_HTTP_PORT="x")
    assert ended.returncode == 1
    assert "HOLISTIC_HTTP_PORT" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
