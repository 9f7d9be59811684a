"""Services as processes: what is said when one does not come up, and that none is left behind."""

from pathlib import Path

import psutil
import pytest

from demo.services import Service, ServiceFailed, ServiceProcesses


def make_service(folder: Path, name: str, program: str) -> Service:
    (folder / f"{name}.py").write_text(program)
    return Service(name, {"PYTHONPATH": str(folder)})


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_service_that_ends_at_once_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = make_service(tmp_path, "broken_service", "raise SystemExit('no database here')")
    before = children()
    with (
        pytest.raises(ServiceFailed, match=r"broken_service service ended with exit code 1\n.*no database here"),
        ServiceProcesses([broken], tmp_path / "logs"),
    ):
        pytest.fail("it never came up")
    assert children() <= before


def test_a_service_that_never_becomes_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    sleepy = make_service(tmp_path, "sleepy_service", "import time\ntime.sleep(60)")
    before = children()
    with (
        pytest.raises(ServiceFailed, match="was not ready within 1 s"),
        ServiceProcesses([sleepy], tmp_path / "logs", startup_timeout_s=1),
    ):
        pytest.fail("it never came up")
    assert children() <= before
