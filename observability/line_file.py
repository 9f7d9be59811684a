"""A file that other programs follow line by line, and whose writer must not fall with it."""

import errno
import logging
from pathlib import Path
from typing import Final

from keypoints.errors import Terminal

_HINT: Final = "name a file in a folder that is there and may be written to"

log = logging.getLogger(__name__)


class LineFile:
    """Appends whole lines, each at once. Not for several threads at once.

    What the disk does not take is left out and counted: a file that only says how things go must not stop them.
    """

    def __init__(self, path: Path, setting: str) -> None:
        """`setting` is what names the file. Raises Terminal when it cannot be opened."""
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise Terminal(f"{setting}: {path} cannot be written: {error.strerror}", hint=_HINT) from error
        self._left_out = 0
        self._is_broken_off = False

    def append(self, line: bytes) -> None:
        """Append a line, which ends with its newline."""
        given = b"\n" + line if self._is_broken_off else line
        try:
            written = self._file.write(given) or 0
            if written < len(given):
                self._is_broken_off = self._is_broken_off or written > 0
                raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            if self._left_out == 0:
                log.warning(
                    "%s takes no more lines, which are left out until it does: %s", self._path, error.strerror,
                    extra={"path": str(self._path)},
                )  # fmt: skip
            self._left_out += 1
            return
        self._is_broken_off = False
        if self._left_out:
            log.warning("%s takes lines again; %d were left out", self._path, self._left_out)
            self._left_out = 0

    def close(self) -> None:
        """Release the file."""
        self._file.close()
