"""The files of a spill: each begins with the record it is named for, and holds whole records in order."""

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from producer_service.spill.errors import SpillFailed
from producer_service.spill.records import FRAMING_BYTES, read_bodies

log = logging.getLogger(__name__)

_SUFFIX: Final = ".spill"
_OWNER_ONLY: Final = 0o600


@dataclass(slots=True)
class Segment:
    """A file of records `first` up to but not including `end`, whole up to `size` bytes."""

    path: Path
    first: int
    end: int
    size: int

    def delete(self) -> None:
        """Remove the file; its frames are where they were to go."""
        self.path.unlink(missing_ok=True)


def find_segments(directory: Path) -> list[Segment]:
    """The segments of an earlier process in order, torn ends cut off; what damage took is missing between two.

    A torn end is what a process leaves that was killed in the middle of a record: no frame that was said to be kept.
    """
    found: list[Segment] = []
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        segment = _read_segment(path)
        if found and segment.first > found[-1].end:
            log.error("%d frames of %s are damaged and lost", segment.first - found[-1].end, found[-1].path)
        if segment.end == segment.first:
            segment.delete()
        else:
            found.append(segment)
    return found


def _read_segment(path: Path) -> Segment:
    segment = Segment(path, int(path.stem), int(path.stem), 0)
    with path.open("rb") as file:
        for body in read_bodies(file):
            segment.end += 1
            segment.size += FRAMING_BYTES + len(body)
    excess = path.stat().st_size - segment.size
    if excess:
        log.warning("%s ends in a record that is not whole: its %d bytes are cut off", path, excess)
        os.truncate(path, segment.size)
    return segment


class SegmentWriter:
    """Appends whole records to one new file; readable by its owner only, for frames are biometric data."""

    def __init__(self, directory: Path, first: int) -> None:
        """Raises OSError."""
        self.segment = Segment(directory / f"{first:020d}{_SUFFIX}", first, first, 0)
        self._descriptor = os.open(self.segment.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
        self._written_since_sync = False

    def append(self, packed: bytes) -> None:
        """Write a record in whole. Raises SpillFailed, and then nothing may be appended any more."""
        segment = self.segment
        try:
            left = memoryview(packed)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, segment.size)
            raise SpillFailed(f"{segment.path}: {error.strerror or error}", path=str(segment.path)) from error
        segment.size += len(packed)
        segment.end += 1
        self._written_since_sync = True

    def begin_sync(self) -> int | None:
        """A descriptor of the caller's own to sync, or None: all is on the disk."""
        if not self._written_since_sync:
            return None
        self._written_since_sync = False
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Sync, and let go of the file. Raises OSError."""
        try:
            os.fdatasync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def abandon(self) -> None:
        """Let go of a file that is not needed any more."""
        os.close(self._descriptor)


class SegmentReader:
    """Reads one segment from a record on, while it may still grow."""

    def __init__(self, segment: Segment, number: int) -> None:
        """Stand before record `number`. Raises OSError."""
        self.segment = segment
        self.number = segment.first
        # Unbuffered: behind the last whole record may lie a piece of one that is about to be written over.
        self._file: BinaryIO = segment.path.open("rb", buffering=0)
        while self.number < number and self.read() is not None:
            pass

    def read(self) -> bytes | None:
        """The next record's body; None: damaged since it was written."""
        body = next(read_bodies(self._file), None)
        if body is not None:
            self.number += 1
        return body

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
