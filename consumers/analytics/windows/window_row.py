"""One window of one stream."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowRow:
    """What a window came to. Numbers of what was not observed are None."""

    start_us: int
    """Event time, microseconds since 1970."""
    length_us: int
