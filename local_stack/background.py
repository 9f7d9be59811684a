"""Starts, signals and ends the supervisor of a data directory from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.artifacts import cached_paths
from local_stack.errors import StopFailed
from local_stack.log_files import open_log
from local_stack.plan import KAFKA, read_plan
from local_stack.processes import is_locked, polls_until, wait_until_unlocked
from local_stack.start_cache import keep_start_cache
from local_stack.status import read_status

if TYPE_CHECKING:
    from local_stack.layout import Layout

STOP_TIMEOUT_S = 150.0
_SIGNAL_TIMEOUT_S = 30.0


def start_supervisor(layout: Layout) -> None:
    """Run the plan in the background; returns once the supervisor has the data directory's lock."""
    layout.status_file.unlink(missing_ok=True)
    source = str(Path(__file__).resolve().parents[1])
    search_path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    with open_log(layout.log_of("supervisor")) as log:
        subprocess.run(
            [sys.executable, "-m", "local_stack.supervisor", str(layout.data_dir)],
            cwd="/",
            env=os.environ | {"PYTHONPATH": search_path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=True,
        )


def stop_supervisor(layout: Layout) -> bool:
    """Stop every part and wait for it; False when nothing was up. Raises StopFailed when the time is up."""
    if not is_locked(layout.supervisor_lock):
        return False
    signal_supervisor(layout, signal.SIGTERM)
    if not wait_until_unlocked(layout.supervisor_lock, STOP_TIMEOUT_S):
        raise StopFailed(
            f"the stack in {layout.data_dir} did not stop within {STOP_TIMEOUT_S:.0f} s",
            hint="`holistic logs supervisor` says what it waits for",
            path=str(layout.data_dir),
        )
    layout.status_file.unlink(missing_ok=True)
    plan = read_plan(layout)
    for part in plan.parts if plan else ():
        if part.name == KAFKA:
            keep_start_cache(cached_paths(KAFKA, Path(part.working_dir).parent), layout)
    return True


def signal_supervisor(layout: Layout, number: int) -> None:
    """Signal the supervisor, if there is one."""
    deadline_s = time.monotonic() + _SIGNAL_TIMEOUT_S
    for _ in polls_until(deadline_s):  # it writes its status right after it has taken its lock
        status = read_status(layout)
        if status is not None:
            status.supervisor.send_signal(number)
            return
        if not is_locked(layout.supervisor_lock):
            return
