"""How long to wait before the next try: exponential, capped, with jitter so that replicas do not come back in step."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_LARGEST_EXPONENT = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays double from `first_s` up to `cap_s`; each is drawn between half of it and all of it."""

    first_s: float
    cap_s: float

    def delay_s(self, attempt: int, dice: random.Random) -> float:
        """Seconds before try number `attempt` + 1; `attempt` counts from 1."""
        full_s = min(self.cap_s, self.first_s * 2.0 ** min(attempt - 1, _LARGEST_EXPONENT))
        return full_s * dice.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a task takes from the world: clocks, chance, and the wishes that it stops or pauses."""

    clock: Callable[[], float] = time.monotonic
    """Seconds, only good for differences."""
    wall_clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    dice: random.Random = field(default_factory=random.Random)
    stopping: threading.Event = field(default_factory=threading.Event)
    pausing: threading.Event = field(default_factory=threading.Event)
