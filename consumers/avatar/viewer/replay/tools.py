"""What replays are made of."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from consumers.avatar.viewer.hub import Parts
from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.performance import StageMaker
from keypoints.codec import RawRecord
from keypoints.schemas import SchemaLookup


class Reading(Protocol):
    """Recorded frames in the order of time: see TopicReading."""

    from_ms: float
    to_ms: float

    @property
    def known_until_ms(self) -> float: ...
    @property
    def next_ms(self) -> float | None: ...
    @property
    def is_over(self) -> bool: ...
    def widen(self) -> bool: ...
    def seek(self, at_ms: float) -> None: ...
    def fill(self, until_ms: float, wait_s: float = 0.0) -> None: ...
    def take_until(self, at_ms: float) -> list[RawRecord]: ...
    def drop_rest(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ReplayTools:
    """What replays are made of."""

    open_reading: Callable[[Replay], AbstractContextManager[Reading]]
    make_stage: StageMaker
    schemas: SchemaLookup | None
    parts: Parts
    now_us: Callable[[], int]
    clock_s: Callable[[], float] = time.monotonic
