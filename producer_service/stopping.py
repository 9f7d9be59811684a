"""SIGINT and SIGTERM ask a run to end well: no new pictures, the captured ones published, the ledger printed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether, and by which signal, a run was asked to stop."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal_number: int | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a person pressed Ctrl-C."""
        return self.signal_number == signal.SIGINT

    def take(self, signal_number: int, _frame: FrameType | None) -> None:
        """The signal handler. A second Ctrl-C does not wait for anything any more."""
        if self.event.is_set() and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = signal_number
        self.event.set()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request for the length of the block; only on a process's main thread."""
    request = StopRequest()
    before = {number: signal.signal(number, request.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
