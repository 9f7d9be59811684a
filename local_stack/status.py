"""What the supervisor writes down about each part, and who reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from local_stack.plan import read_json, write_json
from local_stack.processes import ProcessMark, is_locked

if TYPE_CHECKING:
    from local_stack.layout import Layout

PartState = Literal["running", "restarting", "stopping", "stopped"]


@dataclass(frozen=True)
class PartStatus:
    """One part as its supervisor sees it; times are seconds since 1970."""

    name: str
    state: PartState
    pid: int | None
    since_s: float
    restarts: int
    last_exit: str | None
    next_start_at_s: float | None


@dataclass(frozen=True)
class StackStatus:
    """The supervisor and its parts."""

    supervisor: ProcessMark
    parts: list[PartStatus]

    def part(self, name: str) -> PartStatus | None:
        return next((part for part in self.parts if part.name == name), None)


def read_status(layout: Layout) -> StackStatus | None:
    """The status while a supervisor lives, else None."""
    if not is_locked(layout.supervisor_lock):
        return None
    raw = read_json(layout.status_file)
    if raw is None:
        return None
    return StackStatus(ProcessMark(**raw["supervisor"]), [PartStatus(**part) for part in raw["parts"]])


def write_status(layout: Layout, status: StackStatus) -> None:
    write_json(layout.status_file, asdict(status))
