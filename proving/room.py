"""Whether the disk has room for what a run will write."""

import shutil
from pathlib import Path
from typing import Final

from keypoints.errors import Terminal

BYTES_A_FRAME: Final = 24_000
"""On the topic 6.5 kB, in Postgres with its index 10 kB, in Parquet 5 kB."""
_BESIDES: Final = 2_500_000_000
"""The servers themselves, Postgres' write-ahead log, what logs there are."""


class NoRoom(Terminal):
    """The disk is too small for the run. Fields: path, free_gb, needed_gb."""


def check_room(home: Path, frames: float) -> None:
    """Raise NoRoom before a run that would end on a full disk."""
    home.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(home).free, frames * BYTES_A_FRAME + _BESIDES
    if free < needed:
        raise NoRoom(
            f"{frames:,.0f} frames need about {needed / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free where {home} is",
            hint="take --home on a larger disk, or a shorter run",
            path=str(home),
            free_gb=round(free / 1e9, 1),
            needed_gb=round(needed / 1e9, 1),
        )
