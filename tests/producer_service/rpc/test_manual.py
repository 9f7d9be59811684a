"""What docs/grpc.md tells people to write works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.producer_service.rpc.client import RpcService

MANUAL = REPOSITORY / "docs" / "grpc.md"


@pytest.mark.servers
def test_the_client_of_the_manual_runs_as_it_stands(serve_one: RpcService, tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", MANUAL.read_text(), re.DOTALL | re.MULTILINE)
    assert "localhost:5001" in example
    script = tmp_path / "client.py"
    script.write_text(example.replace("localhost:5001", f"127.0.0.1:{serve_one.server.port}"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith("wrist")] == ["0", "1", "2"]
    assert sum(line.startswith("wrist in the picture:") for line in lines) == 3


def test_clients_of_other_languages_can_be_made_from_the_file_alone(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}",
         f"--grpc_python_out={tmp_path}", "holistic/v1/landmarks.proto"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "holistic" / "v1" / "landmarks_pb2_grpc.py").is_file()
