"""The archive's disk full, and roomy again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.settings import PARQUET_CONNECTOR
from proving.chaos.arena import ROTATE_S, Arena
from proving.chaos.fault import Fault

_SPARE_BYTES: Final = 64 * 1024
_ROOMY: Final = "4g"


@contextmanager
def disk_of_its_own(folder: Path) -> Iterator[bool]:
    """A disk in memory at a folder, whose size can be changed; False where this may not be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_ROOMY},mode=755", "tmpfs", str(folder)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


class DiskFull(Fault):
    """No room for another file. Where no disk can be mounted, the folders cannot be written to instead."""

    name = "disk-full"
    must = "no commit, paused, old files intact, resumes by itself"
    hold_s = 2 * ROTATE_S + 2.0

    def __init__(self, mounted: bool) -> None:
        self._mounted = mounted
        self._before: dict[str, int] = {}
        self._durable_late: int | None = None
        self._problems: list[str] = []

    def begin(self, arena: Arena) -> None:
        """Take the room away."""
        self._before = _list_files(arena.suite.archive_dir)
        if self._mounted:
            used = shutil.disk_usage(arena.suite.archive_dir).used
            _resize(arena.suite.archive_dir, str(used + _SPARE_BYTES))
            self.note = "a disk of its own, full"
        else:
            _allow_writing(arena.suite.archive_dir, False)
            self.note = "folders without permission to write: no disk can be mounted here"

    def end(self, arena: Arena) -> None:
        """Give it back."""
        arena.log.read_on()
        waiting = arena.log.count_waiting(PARQUET_CONNECTOR)
        # What was being written as the disk filled up may just have fitted.
        if waiting < arena.rate * (self.hold_s - ROTATE_S - 1.0):
            self._problems.append(f"only {waiting} records waited for a file: the disk was not full")
        self._give_back(arena)

    def check(self, arena: Arena) -> list[str]:
        """What was there is there still, and as it was."""
        after = _list_files(arena.suite.archive_dir)
        changed = [path for path, size in self._before.items() if after.get(path) != size]
        return self._problems + [f"{path} is not as it was" for path in changed[:3]]

    def tidy(self, arena: Arena) -> None:
        """There is room, whatever happened."""
        self._give_back(arena)

    def _give_back(self, arena: Arena) -> None:
        if self._mounted:
            _resize(arena.suite.archive_dir, _ROOMY)
        else:
            _allow_writing(arena.suite.archive_dir, True)


def _resize(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True, capture_output=True)


def _allow_writing(folder: Path, allowed: bool) -> None:
    for directory in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        directory.chmod(0o755 if allowed else 0o555)


def _list_files(folder: Path) -> dict[str, int]:
    """Path → bytes of every file the manifest lists."""
    return {
        file.path: (folder / file.path).stat().st_size
        for chain in list_chains(LocalStorage(folder))
        for file in chain.files
        if (folder / file.path).exists()
    }
