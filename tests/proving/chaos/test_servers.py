"""The broker and the database of a run, as one who breaks them sees them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_stack.layout import Layout
from local_stack.plan import PartCommand, Ports, StackPlan, write_plan
from local_stack.status import read_status
from proving.chaos.servers import Servers, StackEnded
from proving.suite import Suite, SuiteShape

REPOSITORY = Path(__file__).resolve().parents[3]
PATIENCE_S = 20.0


def test_a_run_whose_servers_nobody_keeps_up_ends_and_says_what_their_supervisor_said(tmp_path: Path) -> None:
    suite = Suite(tmp_path, SuiteShape())
    servers = Servers(suite)
    layout = Layout(suite.stack_dir)
    layout.data_dir.mkdir()
    with pytest.raises(StackEnded, match="said last: nothing"):
        servers.check_supervised()
    parts = [PartCommand("kafka", ["/bin/sleep", "600"], working_dir="/", stop_signal="SIGTERM")]
    write_plan(layout, StackPlan(Ports(0, 0, 0, 0), parts))
    log = layout.log_of("supervisor")
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "local_stack.supervisor", str(layout.data_dir), "--foreground"]
    with log.open("wb") as said, subprocess.Popen(command, cwd=REPOSITORY, stdout=said) as supervisor:
        until_s = time.monotonic() + PATIENCE_S
        while (status := read_status(layout)) is None or not status.parts or status.parts[0].pid is None:
            assert time.monotonic() < until_s
            time.sleep(0.02)
        servers.check_supervised()
        supervisor.send_signal(signal.SIGSTOP)
        servers.check_supervised()
        supervisor.send_signal(signal.SIGCONT)
        supervisor.terminate()
        assert supervisor.wait(PATIENCE_S) == 0
    with pytest.raises(StackEnded, match=r"said last: .*stopping kafka; .*stopped"):
        servers.check_supervised()
