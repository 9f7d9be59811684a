"""RTSP 1.0 on a connection (RFC 2326): requests, responses, and the packets interleaved with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEAD_MAX_BYTES: Final = 32 * 1024
_BODY_MAX_BYTES: Final = 1024 * 1024
_PACKET_HEAD_BYTES: Final = 4
_MOST_DIGITS: Final = 19
"""Of a number; Python reads none of thousands."""


class BrokenRtsp(Exception):
    """What came is no RTSP."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Media or control data between the messages, `$`, channel and length included."""

    data: bytes


@dataclass(slots=True)
class Message:
    """A request or a response: its first line, its headers in order, its body."""

    first_line: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """The first header of this name."""
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: str) -> list[str]:
        """The headers of this name."""
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def put(self, name: str, value: str) -> None:
        """Set a header, in place of those of its name."""
        self.headers = [(own, kept) for own, kept in self.headers if own.lower() != name.lower()]
        self.headers.append((name, value))

    @property
    def status(self) -> int | None:
        """A response's status, None for a request."""
        words = self.first_line.split(None, 2)
        if not words or not words[0].startswith("RTSP/"):
            return None
        has_one = len(words) > 1 and words[1].isdecimal() and len(words[1]) <= _MOST_DIGITS
        return int(words[1]) if has_one else 0

    def pack(self) -> bytes:
        """The bytes on the connection."""
        lines = [self.first_line, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + self.body


class RtspParser:
    """Cuts what comes on a connection into messages and packets, however the bytes are split."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet | Message]:
        """Every message and packet that is complete now. Raises BrokenRtsp."""
        self._data += data
        while True:
            # Before it is seen what comes: a line's end that is one too many must not make a message of a packet.
            del self._data[: len(self._data) - len(self._data.lstrip(b"\r\n"))]
            item = self._take_packet() if self._data[:1] == b"$" else self._take_message()
            if item is None:
                return
            yield item

    def _take_packet(self) -> Packet | None:
        if len(self._data) < _PACKET_HEAD_BYTES:
            return None
        size = _PACKET_HEAD_BYTES + int.from_bytes(self._data[2:_PACKET_HEAD_BYTES], "big")
        if len(self._data) < size:
            return None
        packet = Packet(bytes(self._data[:size]))
        del self._data[:size]
        return packet

    def _take_message(self) -> Message | None:
        end = self._data.find(b"\r\n\r\n")
        if (end if end >= 0 else len(self._data)) > _HEAD_MAX_BYTES:
            raise BrokenRtsp("what comes is no RTSP")
        if end < 0:
            return None
        first_line, *lines = self._data[:end].decode("utf-8", "surrogateescape").split("\r\n")
        if "RTSP/" not in first_line:
            raise BrokenRtsp("what comes is no RTSP")
        split = [line.partition(":") for line in lines]
        message = Message(first_line, [(name.strip(), value.strip()) for name, _, value in split])
        length = message.get("Content-Length") or "0"
        if not length.isdecimal() or len(length) > _MOST_DIGITS or int(length) > _BODY_MAX_BYTES:
            raise BrokenRtsp("a message is too long")
        whole = end + 4 + int(length)
        if len(self._data) < whole:
            return None
        message.body = bytes(self._data[end + 4 : whole])
        del self._data[:whole]
        return message
