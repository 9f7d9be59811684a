"""Whether the disk has room for what a run will write, and where notes are taken that must not wait for it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keypoints.errors import Terminal

BYTES_A_FRAME: Final = 24_000
"""On the topic 6.5 kB, in Postgres with its index 10 kB, in Parquet 5 kB."""
_BESIDES: Final = 2_500_000_000
"""The servers themselves, Postgres' write-ahead log, what logs there are."""
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders are made in it, by names nobody knows
_NOTES_BYTES: Final = 4_000_000_000
"""400 bytes a frame, and some millions of frames."""


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


@contextmanager
def taking_notes(kept_in: Path) -> Iterator[Path]:
    """A folder for what services note of each frame while the body runs; in the end its files are in `kept_in`.

    In memory where there is enough: a disk that others make wait would be seen in every latency that is measured.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _NOTES_BYTES:
        yield kept_in
        return
    with tempfile.TemporaryDirectory(prefix="holistic-notes-", dir=_MEMORY) as folder:
        try:
            yield Path(folder)
        finally:
            shutil.copytree(folder, kept_in, dirs_exist_ok=True)
