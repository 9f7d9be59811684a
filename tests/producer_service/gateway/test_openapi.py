"""The API does what its description says, whatever it is sent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.producer_service.gateway.conftest import Serve

pytestmark = [pytest.mark.servers, pytest.mark.long]

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize("seed", [7])
def test_schemathesis_finds_nothing_that_the_description_does_not_say(serve: Serve, tmp_path: Path, seed: int) -> None:
    """As a program: its plugin for pytest brings warnings of its own."""
    program = Path(sys.executable).with_name("schemathesis")
    with serve(requests_per_s=1e6, idle_stream_s=1.0, streams_a_key=6) as service:
        ran = subprocess.run(
            [
                *(str(program), "--config-file", str(CONFIG), "run", f"{service.url}/openapi.json"),
                *("--seed", str(seed), "--max-examples", "40", "--workers", "1"),
                # A picture for a stream that was closed opens it again, which the check takes for its survival.
                *("--exclude-checks", "use_after_free"),
            ],
            cwd=tmp_path,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Tested: 10" in ran.stdout
