"""What is made of states once, though several outputs want it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from consumers.avatar.states import AvatarStates

Made = TypeVar("Made")


class OfNewestStates(Generic[Made]):
    """Remembers what `make` made of the states given last: a hundred outputs ask for the same ones one by one.

    Each thread has states of its own: sinks that take turns must not make each other begin anew.
    """

    def __init__(self, make: Callable[[AvatarStates], Made]) -> None:
        self._make = make
        self._of_thread = threading.local()

    def of(self, states: AvatarStates) -> Made:
        """What is made of all rows of these states, which nobody changes after they were shown."""
        newest: tuple[AvatarStates, Made] | None = getattr(self._of_thread, "newest", None)
        if newest is None or newest[0] is not states:
            newest = self._of_thread.newest = (states, self._make(states))
        return newest[1]
