"""How far a process stands back, as the kernel sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SAY = (
    "import os, pathlib, threading; from connect_runtime.courtesy import stand_back\n"
    "stand_back({asked}); group = pathlib.Path('/proc/self/autogroup')\n"
    "seen = []; thread = threading.Thread(target=lambda: seen.append(os.nice(0))); thread.start(); thread.join()\n"
    "print(os.nice(0), seen[0], group.read_text().split()[-1] if group.exists() and group.read_text() else 'none')"
)


def sessions_share_time() -> bool:
    """Whether this kernel shares time among sessions, and says so here: some containers show an empty file."""
    group = Path("/proc/self/autogroup")
    return group.exists() and bool(group.read_text().strip())


def stand_back(asked: int, *, leads_its_session: bool, started_nicer_by: int = 0) -> list[str]:
    """The process's and a later thread's niceness, and its session's."""
    command = ["nice", "-n", str(started_nicer_by), sys.executable, "-c", _SAY.format(asked=asked)]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, start_new_session=leads_its_session
    ).stdout.split()


def test_a_service_and_its_threads_wait_for_others() -> None:
    given = os.nice(0)
    own, thread, _ = stand_back(given + 3, leads_its_session=True)
    assert (own, thread) == (str(given + 3), str(given + 3))


@pytest.mark.skipif(not sessions_share_time(), reason="this kernel shares no time among sessions")
def test_a_service_that_leads_its_session_has_the_session_wait_and_one_in_a_shells_leaves_that_alone() -> None:
    asked = os.nice(0) + 4
    assert stand_back(asked, leads_its_session=True)[2] == str(asked)
    before = Path("/proc/self/autogroup").read_text().split()[-1]
    assert stand_back(asked, leads_its_session=False)[2] == before


def test_who_was_started_nicer_stays_so() -> None:
    own, _, _ = stand_back(os.nice(0) + 2, leads_its_session=True, started_nicer_by=6)
    assert own == str(os.nice(0) + 6)
