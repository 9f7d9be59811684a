"""The log file of each part: appended to by the part itself, kept from growing without end, read by people."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

LARGEST_LOG_BYTES = 20 * 1024 * 1024
_FOLLOW_POLL_S = 0.25
_BLOCK_BYTES = 64 * 1024


def open_log(path: Path) -> IO[bytes]:
    """Open for appending; every writer appends, so that trimming needs nobody's help."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def trim_log(path: Path, largest_bytes: int = LARGEST_LOG_BYTES) -> bool:
    """Move what a too large log holds to `<name>.1` and empty it, whoever has it open; True when it was too large.

    Lines written between the copy and the cut are lost: this is a log for people, not a record.
    """
    if not path.exists() or path.stat().st_size <= largest_bytes:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    os.truncate(path, 0)
    return True


def read_last_lines(path: Path, lines: int) -> list[str]:
    """The last lines of a log, read from its end; none when there is no such file."""
    if lines <= 0 or not path.exists():
        return []
    with path.open("rb") as log:
        position = log.seek(0, os.SEEK_END)
        tail = b""
        while position > 0 and tail.count(b"\n") <= lines:
            step = min(_BLOCK_BYTES, position)
            position = log.seek(position - step)
            tail = log.read(step) + tail
    return tail.decode("utf-8", "replace").splitlines()[-lines:]


class LogReader:
    """Reads what is added to a log from the moment it is made, across trimming."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = self._size()
        self._unfinished = b""

    def read_new_lines(self) -> list[str]:
        """The lines finished since the last call."""
        size = self._size()
        if size < self._position:  # trimmed meanwhile
            self._position = 0
        if size == self._position:
            return []
        with self._path.open("rb") as log:
            log.seek(self._position)
            added = self._unfinished + log.read(size - self._position)
        self._position = size
        *finished, self._unfinished = added.split(b"\n")
        return [line.decode("utf-8", "replace") for line in finished]

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0


def follow_logs(paths: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """(name, line) as lines are written from now on, without end."""
    readers = {name: LogReader(path) for name, path in paths.items()}
    while True:
        for name, reader in readers.items():
            for line in reader.read_new_lines():
                yield name, line
        time.sleep(_FOLLOW_POLL_S)
