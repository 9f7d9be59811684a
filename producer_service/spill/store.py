"""Frames on disk in the order they came, numbered; read once in that order, and gone once all before are acknowledged.

What survives: a frame is written to its file before `append` returns, so that a killed process loses none; it is synced
to the disk by `sync`, which the drain calls every second, so that a loss of power costs that second at most.
"""

import fcntl
import logging
import os
import struct
import threading
import zlib
from collections import deque
from pathlib import Path
from typing import Final

from producer_service.spill.errors import SpillDamaged, SpillFailed, SpillFull, SpillUnusable
from producer_service.spill.records import SpilledFrame, pack_frame, unpack_frame
from producer_service.spill.segments import SegmentReader, SegmentWriter, find_segments

log = logging.getLogger(__name__)

_MARKER: Final = struct.Struct("<QI")
_LARGEST_SEGMENT_BYTES: Final = 16 * 1024 * 1024
_SEGMENTS: Final = 8
_OWNER_ONLY: Final = 0o600
_OWNER_ONLY_DIRECTORY: Final = 0o700


class SpillStore:
    """A bounded queue on disk with one reader. Safe to share between threads."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Take up what an earlier process left. Raises SpillUnusable."""
        self._directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = min(_LARGEST_SEGMENT_BYTES, max(1, max_bytes // _SEGMENTS))
        self._changed = threading.Condition()
        self._writer: SegmentWriter | None = None
        self._reader: SegmentReader | None = None
        self._acknowledged: set[int] = set()
        self._closed = False
        try:
            directory.mkdir(mode=_OWNER_ONLY_DIRECTORY, parents=True, exist_ok=True)
            directory.chmod(_OWNER_ONLY_DIRECTORY)
            self._lock_file = self._lock_directory()
            self._marker = os.open(directory / "acknowledged", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
            segments = find_segments(directory)
        except OSError as error:
            raise SpillUnusable(
                f"{directory} cannot hold a spill: {error.strerror or error}",
                hint="HOLISTIC_SPILL_DIR must name a directory this process may write to",
                path=str(directory),
            ) from error
        self._segments = deque(segments)
        marked = self._read_marker()
        self._done = max(marked, segments[0].first) if segments else marked
        self._handed = self._done
        self._end = max(self._done, segments[-1].end) if segments else marked
        self._forget_segments()
        self.recovered = self._end - self._done
        """Frames an earlier process left, those among them that are damaged too."""

    @property
    def directory(self) -> Path:
        return self._directory

    @property
    def max_bytes(self) -> int:
        """The bound."""
        return self._max_bytes

    @property
    def bytes_on_disk(self) -> int:
        """What the bound counts."""
        with self._changed:
            return self._count_bytes()

    @property
    def waiting(self) -> int:
        """Frames not handed on yet; while there are any, those behind them must wait too."""
        with self._changed:
            return self._end - self._handed

    def append(self, frame: SpilledFrame) -> int:
        """Keep a frame; its number. Raises SpillFull or SpillFailed, and then nothing of it is kept."""
        packed = pack_frame(frame)
        with self._changed:
            if self._closed:
                raise SpillFailed(f"{self._directory} is closed", path=str(self._directory))
            taken = self._count_bytes()
            if taken + len(packed) > self._max_bytes:
                raise SpillFull(
                    f"{taken} bytes wait in {self._directory}, {self._max_bytes} is the limit",
                    bytes=taken,
                    limit=self._max_bytes,
                )
            writer = self._writer_with_room(len(packed))
            try:
                writer.append(packed)
            except SpillFailed:
                self._give_up_writer()
                raise
            self._end += 1
            self._changed.notify_all()
            return self._end - 1

    def wait_for_frame(self, most_unacknowledged: int, timeout_s: float) -> bool:
        """Whether there is a frame to read, and fewer than that many handed on were not acknowledged yet."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._handed < self._end and self._handed - self._done < most_unacknowledged, timeout_s
            )

    def read(self) -> tuple[int, SpilledFrame | SpillDamaged]:
        """The first frame not handed on, and its number; again the same until `note_handed_on`."""
        with self._changed:
            number = self._handed
            return number, self._read(number)

    def note_handed_on(self) -> None:
        """The frame last read is on its way, or never will be."""
        with self._changed:
            self._handed += 1

    def acknowledge(self, number: int) -> None:
        """Nothing more is to be done about a frame. What is done with to the last frame leaves the disk."""
        with self._changed:
            if self._closed:
                # Too late to be noted: it is sent again.
                return
            self._acknowledged.add(number)
            before = self._done
            while self._done in self._acknowledged:
                self._acknowledged.remove(self._done)
                self._done += 1
            if self._done > before:
                self._note_done()
                self._changed.notify_all()

    def sync(self) -> None:
        """Let what was appended survive a loss of power. Raises OSError."""
        with self._changed:
            descriptor = None if self._writer is None else self._writer.begin_sync()
        # Not under the lock: a disk may take its time, and a live frame should not.
        if descriptor is not None:
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Sync and let go; frames not acknowledged are there for the next start."""
        with self._changed:
            for file in (self._writer, self._reader):
                if file is not None:
                    file.close()
            self._writer = self._reader = None
            self._closed = True
            os.close(self._marker)
            os.close(self._lock_file)

    def _lock_directory(self) -> int:
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise SpillUnusable(
                f"another producer has its spill in {self._directory}",
                hint="give each producer a HOLISTIC_SPILL_DIR of its own",
                path=str(self._directory),
            ) from error
        return descriptor

    def _count_bytes(self) -> int:
        return sum(segment.size for segment in self._segments)

    def _writer_with_room(self, size: int) -> SegmentWriter:
        try:
            if self._writer is not None and self._writer.segment.size + size > self._segment_bytes:
                full, self._writer = self._writer, None
                full.close()
            if self._writer is None:
                self._writer = SegmentWriter(self._directory, self._end)
                self._segments.append(self._writer.segment)
        except OSError as error:
            raise SpillFailed(f"{self._directory}: {error.strerror or error}", path=str(self._directory)) from error
        return self._writer

    def _give_up_writer(self) -> None:
        """After a failure the next frame begins a new file; one that holds nothing goes."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
            if writer.segment.end == writer.segment.first:
                self._segments.pop().delete()

    def _read(self, number: int) -> SpilledFrame | SpillDamaged:
        segment = next((one for one in self._segments if one.first <= number < one.end), None)
        if segment is None:
            return SpillDamaged(f"frame {number} is missing in {self._directory}", path=str(self._directory))
        try:
            if self._reader is None or self._reader.segment is not segment or self._reader.number != number:
                if self._reader is not None:
                    self._reader.close()
                self._reader = SegmentReader(segment, number)
            body = self._reader.read() if self._reader.number == number else None
            if body is not None:
                return unpack_frame(body)
        except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
            return SpillDamaged(f"{segment.path}: {error}", path=str(segment.path))
        return SpillDamaged(f"frame {number} of {segment.path} is not what was written", path=str(segment.path))

    def _forget_segments(self) -> None:
        """Delete the files whose frames are all done with, also the one being written: nobody's frames lie about."""
        while self._segments and self._segments[0].end <= self._done:
            segment = self._segments.popleft()
            if self._reader is not None and self._reader.segment is segment:
                self._reader.close()
                self._reader = None
            if self._writer is not None and self._writer.segment is segment:
                self._writer.abandon()
                self._writer = None
            segment.delete()

    def _note_done(self) -> None:
        """What cannot be noted is sent again by the next process; this one goes on, and others are to be told."""
        try:
            self._write_marker()
        except OSError as error:
            log.warning("frames that were sent from %s may be sent again: %s", self._directory, error)
        try:
            self._forget_segments()
        except OSError as error:
            log.warning("frames that were sent are still in %s: %s", self._directory, error)

    def _read_marker(self) -> int:
        content = os.pread(self._marker, _MARKER.size, 0)
        if len(content) < _MARKER.size:
            return 0
        number, checksum = _MARKER.unpack(content)
        return int(number) if checksum == zlib.crc32(content[:8]) else 0

    def _write_marker(self) -> None:
        number = struct.pack("<Q", self._done)
        os.pwrite(self._marker, number + struct.pack("<I", zlib.crc32(number)), 0)
