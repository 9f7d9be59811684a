"""What a fault is to whoever injects it, and what is known about one afterwards."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from keypoints.errors import Terminal

if TYPE_CHECKING:
    from proving.chaos.arena import Arena

RECOVERY_GOAL_S: Final = 15.0


class FaultMissed(Terminal):
    """A fault could not be injected, so that nothing is known. Fields: fault."""


class Fault(ABC):
    """One thing that goes wrong, in this order:

    1. `prepare` starts what the fault needs beside the suite;
    2. `begin` injects it, and it stays for `hold_s`;
    3. `end` takes it away, and returns when that is done: a server answers, a process has been started;
    4. `recover` waits for an effect that is the fault's own, such as a picture that is taken again;
    5. `check` looks at what must be so once nobody is behind any more, and says what is not;
    6. `tidy` ends what `prepare` started, whatever happened.

    Any of them may raise: then the row is red.
    """

    name: str
    must: str
    """What must happen."""
    hold_s: float = 0.0
    last: ClassVar[bool] = False
    """Whether nothing may come after it: it takes away what later rows are judged by."""
    note: str = ""
    """What was seen, for the table."""

    def prepare(self, arena: "Arena") -> None:  # noqa: B027  many faults have none
        """Start what the fault needs."""

    @abstractmethod
    def begin(self, arena: "Arena") -> None:
        """Inject it."""

    def end(self, arena: "Arena") -> None:  # noqa: B027  many faults have none
        """Take it away."""

    def recover(self, arena: "Arena") -> None:  # noqa: B027  many faults have none
        """Wait for the fault's own effect."""

    def check(self, arena: "Arena") -> list[str]:  # noqa: ARG002  for those that look at something
        """What is not as it must be."""
        return []

    def tidy(self, arena: "Arena") -> None:  # noqa: B027  many faults have none
        """End what was started."""


@dataclass(slots=True)
class Row:
    """A fault that is over. Times are seconds; None: it never was so."""

    name: str
    must: str
    began_s: float
    """After the load began."""
    lasted_s: float
    """From the fault's beginning to its end."""
    stood_still_s: float | None = None
    stood_still: str = ""
    """Whose effects stood still longest."""
    recovered_s: float | None = None
    slowest: str = ""
    """Who recovered last."""
    recoveries_s: Mapping[str, float | None] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)
    note: str = ""
    first_offsets: Mapping[int, int] = field(default_factory=dict)
    """Partition → the first offset acknowledged after the fault began."""

    @property
    def ok(self) -> bool:
        """Whether nothing is lost or doubled, nothing was wrong, and everybody recovered in time."""
        in_time = self.recovered_s is not None and self.recovered_s <= RECOVERY_GOAL_S
        return in_time and not (self.lost or self.doubled or self.problems)


def attribute(rows: list[Row], partition: int, offset: int) -> Row | None:
    """The row during which an offset was written; None when it was before the first."""
    found = None
    for row in rows:
        if offset >= row.first_offsets.get(partition, 0):
            found = row
    return found
