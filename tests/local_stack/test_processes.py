"""Processes and locks: a recycled number is never taken for the process it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from local_stack.processes import ProcessMark, is_locked, try_lock, wait_until_unlocked


def test_a_process_with_the_same_number_but_another_start_is_not_signalled() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        now = ProcessMark.of(sleeper.pid)
        former = ProcessMark(sleeper.pid, now.started_at_s - 3600)
        former.send_signal(signal.SIGKILL)
        assert not former.is_alive()
        assert now.is_alive()
        now.send_signal(signal.SIGKILL)
        assert sleeper.wait(10) == -signal.SIGKILL
    assert not now.is_alive()
    now.send_signal(signal.SIGKILL)


def test_a_lock_ends_with_its_holder_even_when_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    hold = "import sys, pathlib; from local_stack.processes import try_lock\n"
    hold += "print(try_lock(pathlib.Path(sys.argv[1])), flush=True); sys.stdin.read()"
    repository = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_locked(lock)
        assert try_lock(lock) is None
        assert not wait_until_unlocked(lock, 0.1)
        holder.kill()
        holder.communicate()
    assert wait_until_unlocked(lock, 10)
    assert not is_locked(lock)


def test_a_lock_that_was_never_taken_is_free(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "never")
