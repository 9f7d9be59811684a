"""Waiting for what is to become true."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool], within_s: float = 20.0) -> None:
    """Return as soon as it is so; fail the test when it does not become so in time."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"did not come true within {within_s:g} s"
        time.sleep(0.01)
