"""Waits until a part answers its clients, and says what its log says when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local_stack.errors import PartFailed
from local_stack.log_files import read_last_lines
from local_stack.plan import TITLES, StackPlan
from local_stack.probes import part_answers
from local_stack.processes import polls_until
from local_stack.status import read_status

if TYPE_CHECKING:
    from local_stack.layout import Layout
    from local_stack.progress import Progress

READY_TIMEOUT_S = 120.0
_CRASHES_BEFORE_GIVING_UP = 3
_LOG_LINES_SHOWN = 15
_LOG_LINES_READ = 200


def wait_until_ready(layout: Layout, plan: StackPlan, progress: Progress) -> None:
    """Return when every part answers. Raises PartFailed when one keeps crashing, or the time is up."""
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    for name in plan.part_names():
        progress.say(f"starting {TITLES[name]}")
        crashes_before: int | None = None
        for _ in polls_until(deadline_s):
            status = read_status(layout)
            part = status.part(name) if status else None
            if part is not None and part.state == "running" and part_answers(name, plan, layout):
                break
            if part is None:
                continue
            if crashes_before is None:
                crashes_before = part.restarts
            if part.restarts - crashes_before >= _CRASHES_BEFORE_GIVING_UP:
                raise _part_failed(name, f"keeps ending ({part.last_exit})", layout)
        else:
            raise _part_failed(name, f"did not answer within {READY_TIMEOUT_S:.0f} s", layout)


def _part_failed(name: str, what: str, layout: Layout) -> PartFailed:
    log_file = layout.log_of(name)
    # What Java says went wrong stands above the frames of its stack.
    telling = [line for line in read_last_lines(log_file, _LOG_LINES_READ) if not line.startswith("\tat ")]
    last_lines = "\n".join(f"  {line}" for line in telling[-_LOG_LINES_SHOWN:])
    return PartFailed(
        f"{TITLES[name]} {what}; the end of its log:\n{last_lines}",
        hint=f"the whole log is {log_file}",
        part=name,
        log=str(log_file),
    )
