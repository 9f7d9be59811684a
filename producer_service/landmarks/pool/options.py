"""How many worker processes, and when one is replaced."""

import os
from dataclasses import dataclass, field
from typing import Final

HOLISTIC: Final = "producer_service.landmarks.landmarkers:open_holistic"


def count_cores() -> int:
    """Cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Limits of a pool. A graph keeps a little more than one core busy, so one worker a core leaves none idle.

    A worker that says nothing for `hang_s` while it looks at a picture is killed, as is one that takes `start_s` to
    start. One that holds more than `max_rss_bytes`, and `rss_a_stream_bytes` for each of its streams (a graph takes
    190 MB), is replaced as soon as another is ready. `standby` workers more are kept ready, so that a replacement is
    there at once.
    """

    workers: int = field(default_factory=count_cores)
    streams_a_worker: int = 8
    standby: int = 1
    hang_s: float = 10.0
    start_s: float = 60.0
    max_rss_bytes: int = 1536 * 1024 * 1024
    rss_a_stream_bytes: int = 256 * 1024 * 1024
    opener: str = HOLISTIC
