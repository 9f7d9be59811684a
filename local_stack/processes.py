"""Processes told apart from later ones with the same number, and locks that end with their holder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_S = 0.1
# The clock that start times are counted on may step by a tick between two readings.
_START_TIME_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class ProcessMark:
    """A process by its number and its start: the kernel gives a number again, but not with the same start."""

    pid: int
    started_at_s: float

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """The mark of a running process. Raises psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Whether this very process runs (one that only waits to be reaped does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at_s) < _START_TIME_TOLERANCE_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send_signal(self, number: int) -> None:
        """Signal this very process; nothing happens when it is gone, whoever has its number now."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def try_lock(path: Path) -> int | None:
    """An exclusive lock as an open file number, or None while another process holds it. It ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now."""
    if not path.exists():
        return False
    handle = try_lock(path)
    if handle is None:
        return True
    os.close(handle)
    return False


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait for the lock, and hold it to the end of the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def wait_until_unlocked(path: Path, timeout_s: float) -> bool:
    """Wait for a lock's holder to end; False when the time is up first."""
    deadline_s = time.monotonic() + timeout_s
    for _ in polls_until(deadline_s):
        if not is_locked(path):
            return True
    return not is_locked(path)


def polls_until(deadline_s: float) -> Iterator[None]:
    """Comes round every tenth of a second until the monotonic clock reaches the deadline."""
    while time.monotonic() < deadline_s:
        yield
        time.sleep(_POLL_S)
