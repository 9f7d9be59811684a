"""How a live source is doing, for whoever asks from another thread."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum


class SourceState(StrEnum):
    """What a live source is at; the values appear in machine output."""

    CONNECTING = "connecting"
    RUNNING = "running"
    FROZEN = "frozen"
    """It gave the same picture for too long, and is being connected to again."""
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A moment's view. `last_error` is for people, without secrets, and stays after the source has recovered."""

    state: SourceState = SourceState.CONNECTING
    reconnects: int = 0
    last_frame_at_us: int | None = None
    last_error: str | None = None

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        return {
            "state": self.state.value,
            "reconnects": self.reconnects,
            "last_frame_at_us": self.last_frame_at_us,
            "last_error": self.last_error,
        }


class StatusBoard:
    """Holds the current status; written by one thread, read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status = SourceStatus()

    @property
    def current(self) -> SourceStatus:
        """The status of this moment."""
        with self._lock:
            return self._status

    def connecting(self) -> None:
        """A connection is being made, for the first time or anew."""
        with self._lock:
            if self._status.state not in (SourceState.CONNECTING, SourceState.FROZEN):
                self._status = replace(self._status, state=SourceState.RECONNECTING)

    def frame_at(self, captured_at_us: int, *, after_reconnect: bool) -> None:
        """A picture came."""
        with self._lock:
            reconnects = self._status.reconnects + after_reconnect
            self._status = replace(
                self._status, state=SourceState.RUNNING, reconnects=reconnects, last_frame_at_us=captured_at_us
            )

    def lost(self, error: str, *, frozen: bool = False) -> None:
        """The connection is gone, or none came about."""
        with self._lock:
            state = SourceState.FROZEN if frozen else SourceState.RECONNECTING
            self._status = replace(self._status, state=state, last_error=error)

    def ended(self, error: str | None = None) -> None:
        """Nothing more will come."""
        with self._lock:
            last_error = self._status.last_error if error is None else error
            self._status = replace(self._status, state=SourceState.ENDED, last_error=last_error)
