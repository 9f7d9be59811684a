"""The broker and the database of a suite: killed, held down, frozen, and waited for."""

import os
import signal
import time
from typing import Final

import psutil

from keypoints.errors import Terminal
from local_stack.layout import Layout
from local_stack.plan import KAFKA, POSTGRES, StackPlan, read_plan
from local_stack.probes import part_answers
from local_stack.status import PartStatus, read_status
from proving.suite import StillBehind, Suite

_POLL_S: Final = 0.1
_BACK_S: Final = 60.0
_LAST_LINES: Final = 3

__all__ = ["KAFKA", "POSTGRES", "Servers", "StackEnded"]


class StackEnded(Terminal):
    """The run's own Kafka and Postgres are no longer kept up, so that nothing can be shown any more. Fields: said."""


class Servers:
    """The parts of a suite's local stack, as one who wants to break them sees them."""

    def __init__(self, suite: Suite) -> None:
        self._layout = Layout(suite.stack_dir)
        self._down: dict[str, int] = {}

    def take_down(self, part: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a part with a signal; it stays down until `bring_back`."""
        pid = self._part(part).pid
        if pid is None:
            raise StillBehind(f"{part} is not up", group=part, lag=0)
        # The supervisor would start another one at once.
        self._supervisor().suspend()
        self._down[part] = pid
        os.kill(pid, number)
        deadline_s = time.monotonic() + _BACK_S
        while _is_running(pid) and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)

    def bring_back(self, part: str) -> None:
        """Let a part that was taken down start again, and wait until it answers. Raises StillBehind."""
        before = self._down.pop(part, None)
        self._supervisor().resume()
        deadline_s = time.monotonic() + _BACK_S
        while time.monotonic() < deadline_s:
            now = self._part(part)
            if now.state == "running" and now.pid != before and part_answers(part, self._plan(), self._layout):
                return
            time.sleep(_POLL_S)
        raise StillBehind(f"{part} did not come back within {_BACK_S:.0f} s", group=part, lag=0)

    def check_supervised(self) -> None:
        """Raises StackEnded, with the last the supervisor said, when nobody keeps the parts running."""
        if read_status(self._layout) is not None:
            return
        log = self._layout.log_of("supervisor")
        said = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        raise StackEnded(
            f"Kafka and Postgres of this run have ended; their supervisor said last: {'; '.join(said) or 'nothing'}",
            hint="what comes after would fail for this alone; begin anew, with --home to keep all logs",
            said=said,
        )

    def freeze(self, part: str) -> None:
        """Stop a part's process where it is."""
        os.kill(self._running(part), signal.SIGSTOP)

    def thaw(self, part: str) -> None:
        """Let it go on."""
        os.kill(self._running(part), signal.SIGCONT)

    def _running(self, part: str) -> int:
        pid = self._part(part).pid
        if pid is None:
            raise StillBehind(f"{part} is not up", group=part, lag=0)
        return pid

    def _part(self, part: str) -> PartStatus:
        status = read_status(self._layout)
        found = None if status is None else status.part(part)
        if found is None:
            raise StillBehind(f"there is no {part} in {self._layout.data_dir}", group=part, lag=0)
        return found

    def _supervisor(self) -> psutil.Process:
        status = read_status(self._layout)
        if status is None:
            raise StillBehind(f"nobody supervises {self._layout.data_dir}", group="supervisor", lag=0)
        return psutil.Process(status.supervisor.pid)

    def _plan(self) -> StackPlan:
        plan = read_plan(self._layout)
        return StackPlan.empty() if plan is None else plan


def _is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
