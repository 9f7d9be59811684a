"""Where a replay is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ReplayState(StrEnum):
    """What a replay does."""

    PLAYING = "playing"
    PAUSED = "paused"
    SEEKING = "seeking"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Position:
    """Times are recorded ones, ms since 1970; `from_ms` and `to_ms` are None until Kafka has told them."""

    state: ReplayState
    at_ms: float
    from_ms: float | None
    to_ms: float | None
    speed: float

    def describe(self) -> dict[str, Any]:
        """As watchers are told."""
        return {
            "type": "position",
            "mode": "replay",
            "state": self.state.value,
            "at_ms": round(self.at_ms, 3),
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "speed": self.speed,
        }
