"""Time as a load sees it: an argument, so that a test can be its master."""

import os
import time
from typing import Protocol


class Clock(Protocol):
    """Time as a load sees it."""

    def now_us(self) -> int:
        """Microseconds since 1970 that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def cpu_s(self) -> tuple[float, float]:
        """Seconds of processor time this process has had so far, in user mode and in the kernel."""


class SteadyClock:
    """The machine's time of day at its making, moved on by its monotonic clock."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return (time.monotonic_ns() + self._offset_ns) // 1000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def cpu_s(self) -> tuple[float, float]:
        """Seconds of processor time, of all threads."""
        spent = os.times()
        return spent.user, spent.system
