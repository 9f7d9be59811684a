"""Reads OSC 1.0 packets (opensoundcontrol.stanford.edu/spec-1_0) as they come off the network, trusting nothing."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_BUNDLE: Final = b"#bundle\x00"
_BUNDLE_HEAD_BYTES: Final = 16
_MOST_DEEP: Final = 8

Argument = str | int | float | bytes | bool | None


class Malformed(ValueError):
    """A packet that is no OSC; the message says what is wrong in it."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """A message: `tags` are its type tags without the comma, one for each argument."""

    address: str
    tags: str
    arguments: tuple[Argument, ...]


def read_packet(packet: bytes) -> list[OscMessage]:
    """The messages of a packet, also of bundles within bundles, in order. Raises Malformed."""
    return _read_element(packet, _MOST_DEEP)


def _read_element(element: bytes, deeper: int) -> list[OscMessage]:
    if not element.startswith(_BUNDLE):
        return [_read_message(element)]
    if not deeper:
        raise Malformed(f"bundles more than {_MOST_DEEP} deep")
    if len(element) < _BUNDLE_HEAD_BYTES:
        raise Malformed("a bundle without its time tag")
    messages: list[OscMessage] = []
    start = _BUNDLE_HEAD_BYTES
    while start < len(element):
        size = _read_size(element, start)
        start += 4
        if size <= 0 or size % 4 or start + size > len(element):
            raise Malformed(f"a bundle's element of {size} bytes where {len(element) - start} are left")
        messages += _read_element(element[start : start + size], deeper - 1)
        start += size
    return messages


def _read_message(message: bytes) -> OscMessage:
    address, start = _read_string(message, 0)
    if not address.startswith("/"):
        raise Malformed("a message whose address does not begin with /")
    tags, start = _read_string(message, start) if start < len(message) else (",", start)
    if not tags.startswith(","):
        raise Malformed("a message whose type tags do not begin with a comma")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        argument, start = _READERS.get(tag, _refuse_tag)(message, start)
        arguments.append(argument)
    if start != len(message):
        raise Malformed(f"{len(message) - start} bytes behind a message's last argument")
    return OscMessage(address, tags[1:], tuple(arguments))


def _read_string(packet: bytes, start: int) -> tuple[str, int]:
    end = packet.find(b"\x00", start)
    if end < 0:
        raise Malformed("a string without an end")
    padded = end + 4 - (end - start) % 4
    if padded > len(packet) or any(packet[end:padded]):
        raise Malformed("a string that is not filled up with zeros to four bytes")
    try:
        return packet[start:end].decode(), padded
    except UnicodeDecodeError as wrong:
        raise Malformed("a string that is not UTF-8") from wrong


def _read_blob(packet: bytes, start: int) -> tuple[bytes, int]:
    size = _read_size(packet, start)
    first, end = start + 4, start + 4 + size
    padded = end + -size % 4
    if size < 0 or padded > len(packet):
        raise Malformed(f"a blob of {size} bytes where {len(packet) - first} are left")
    return packet[first:end], padded


def _read_size(packet: bytes, start: int) -> int:
    return int(_unpack(">i", packet, start)[0])


def _unpack(form: str, packet: bytes, start: int) -> tuple[int | float, ...]:
    try:
        return struct.unpack_from(form, packet, start)
    except struct.error as wrong:
        raise Malformed("a message that ends within an argument") from wrong


def _read_number(form: str) -> Callable[[bytes, int], tuple[Argument, int]]:
    size = struct.calcsize(form)
    return lambda packet, start: (_unpack(form, packet, start)[0], start + size)


def _read_nothing(value: Argument) -> Callable[[bytes, int], tuple[Argument, int]]:
    return lambda _, start: (value, start)


def _refuse_tag(_: bytes, __: int) -> tuple[Argument, int]:
    raise Malformed("an argument of a type that OSC does not have")


_READERS: Final[dict[str, Callable[[bytes, int], tuple[Argument, int]]]] = {
    "i": _read_number(">i"),
    "f": _read_number(">f"),
    "s": _read_string,
    "b": _read_blob,
    "S": _read_string,
    "h": _read_number(">q"),
    "t": _read_number(">Q"),
    "d": _read_number(">d"),
    "T": _read_nothing(True),
    "F": _read_nothing(False),
    "N": _read_nothing(None),
}
