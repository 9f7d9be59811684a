"""Recordings of packets: every datagram as it came, with its time.

The file, little-endian: 8 bytes `HSPACKET`, u16 version (1), 6 zero bytes, u64 when it began in microseconds since
1970; then for each packet u64 microseconds since it began, u16 the port it came to, u16 its length, and its bytes. A
file cut short ends with its last whole packet.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from keypoints.errors import Terminal

_MAGIC: Final = b"HSPACKET"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<8sH6xQ")
_PACKET_HEAD: Final = struct.Struct("<QHH")


class RecordingUnusable(Terminal):
    """A file that cannot be read as a recording, or not be written. Fields: path."""


class RecordedPacket(NamedTuple):
    """A datagram: when it came, in seconds since the recording began; to which port; and its bytes."""

    at_s: float
    port: int
    data: bytes


class PacketRecorder:
    """Writes a recording to `file`; `began_us` is when it begins, in microseconds since 1970."""

    def __init__(self, file: BinaryIO, began_us: int) -> None:
        self._file = file
        self._began_us = began_us
        self.packets = 0
        self._file.write(_HEAD.pack(_MAGIC, _VERSION, began_us))

    def add(self, at_us: int, port: int, data: bytes) -> None:
        """Write a datagram that came at `at_us`, in microseconds since 1970, to `port`.

        What came before the recording began is taken to have come then.
        """
        self._file.write(_PACKET_HEAD.pack(max(0, at_us - self._began_us), port, len(data)) + data)
        self.packets += 1


@contextmanager
def open_recording(path: Path, began_us: int) -> Iterator[PacketRecorder]:
    """A recorder to a new file; one that is there already is left alone. Raises RecordingUnusable."""
    try:
        file = path.open("xb")
    except OSError as error:
        raise RecordingUnusable(
            f"cannot write the recording {path}: {error.strerror}", hint="Name a new file.", path=str(path)
        ) from error
    with file:
        yield PacketRecorder(file, began_us)


def read_packets(path: Path) -> Iterator[RecordedPacket]:
    """The packets of a recording in their order. Raises RecordingUnusable for what is no recording."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or _HEAD.unpack(head)[:2] != (_MAGIC, _VERSION):
                raise RecordingUnusable(
                    f"{path} is no recording of packets",
                    hint="Make one with `holistic avatar monitor --record FILE`.",
                    path=str(path),
                )
            while len(packet_head := file.read(_PACKET_HEAD.size)) == _PACKET_HEAD.size:
                since_us, port, length = _PACKET_HEAD.unpack(packet_head)
                data = file.read(length)
                if len(data) < length:
                    return
                yield RecordedPacket(since_us / 1e6, port, data)
    except OSError as error:
        raise RecordingUnusable(
            f"cannot read the recording {path}: {error.strerror}", hint="Check the name.", path=str(path)
        ) from error


def read_start_us(path: Path) -> int:
    """When a recording began, in microseconds since 1970. Raises RecordingUnusable."""
    next(iter(read_packets(path)), None)
    with path.open("rb") as file:
        began_us: int = _HEAD.unpack(file.read(_HEAD.size))[2]
    return began_us
