"""What an output is: it is shown one performer's state at a time, and never waits."""

from dataclasses import dataclass
from typing import Protocol

from consumers.avatar.states import AvatarStates


@dataclass(frozen=True, slots=True)
class Shown:
    """One performer's state to send: row `row` of `states`.

    `now_us` is the wall clock and `captured_at_us` the capture time of the newest frame in it, both in microseconds
    since 1970; `elapsed_s` is how long the sender has been running.
    """

    stream_id: str
    states: AvatarStates
    row: int
    now_us: int
    captured_at_us: int
    elapsed_s: float


class Output(Protocol):
    """A destination of states. All calls come from one thread."""

    def show(self, shown: Shown) -> int:
        """Send a state at once, whole. Returns how many datagrams or messages left.

        Never waits and never raises for a receiver that is away: that is counted (`refused`), and said once.
        """

    @property
    def refused(self) -> int:
        """How many datagrams or messages could not be sent so far."""

    def close(self) -> None:
        """Release what is held."""
