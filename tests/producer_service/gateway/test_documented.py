"""Every curl line of docs/producer-api.md works as it stands there."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producer_service.access.key_file import Right, create_key
from tests.conftest import REPOSITORY
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import Service

pytestmark = pytest.mark.servers

LINES = [
    line
    for line in (REPOSITORY / "docs" / "producer-api.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("curl ")
]


def run(line: str, service: Service, folder: Path, key: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", line.replace("http://localhost:5000", service.url).replace("curl ", "curl -sS --fail ", 1)],
        cwd=folder,
        env=os.environ | {"KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, (line, ran.stdout, ran.stderr)


def test_the_lines_work_one_after_the_other(
    serve: Serve, service: Service, person: bytes, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    require_tool("curl")
    (tmp_path / "demo.jpg").write_bytes(person)
    keys = tmp_path / "keys.json"
    key = create_key(keys, "ada", ["ada-*"], frozenset({Right.PUBLISH}), datetime(2026, 1, 2, tzinfo=UTC)).token
    open_lines = [line for line in LINES if "$KEY" not in line]
    key_lines = [line for line in LINES if "$KEY" in line]
    assert len(open_lines) >= 8
    assert key_lines
    for line in open_lines:
        run(line, service, tmp_path, key)
    with serve(api_keys_file=keys) as with_keys:
        for line in key_lines:
            run(line, with_keys, tmp_path, key)
