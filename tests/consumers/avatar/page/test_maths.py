"""What the page's TypeScript reckons, in Node; and that its types hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, in_ci

SOURCES = REPOSITORY / "web" / "avatar"


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_pages_sources_hold(script: str) -> None:
    node = Path(sys.executable).parent
    if not (SOURCES / "node_modules").is_dir() or not (node / "npm").exists():
        if in_ci():
            pytest.fail("the page's packages are not installed, and CI needs them: make setup")
        pytest.skip("needs the page's packages, which are not installed: make setup")
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
    command = [node / "npm", "run", "--silent", script]
    done = subprocess.run(command, check=False, cwd=SOURCES, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
