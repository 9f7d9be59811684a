"""Reads OSC 1.0 packets (opensoundcontrol.stanford.edu/spec-1_0) as they come off the network, trusting nothing."""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_BUNDLE: Final = b"#bundle\x00"
_BUNDLE_HEAD_BYTES: Final = 16
_MOST_DEEP: Final = 8
_SIZE: Final = struct.Struct(">i")

Argument = str | int | float | bytes | bool | None
Reader = Callable[[bytes, int], tuple[tuple[Argument, ...], int]]
"""Reads some arguments of a packet from a place on, and says where they end. Raises Malformed."""

_NUMBERS: Final = {"i": "i", "f": "f", "h": "q", "t": "Q", "d": "d"}
"""Types that are numbers, and their codes in struct."""

_RUNS: Final = re.compile("([" + "".join(_NUMBERS) + "]+)|(.)", re.DOTALL)


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
    for read in _plan_reading(tags[1:]):
        read_now, start = read(message, start)
        arguments += read_now
    if start != len(message):
        raise Malformed(f"{len(message) - start} bytes behind a message's last argument")
    return OscMessage(address, tags[1:], tuple(arguments))


@lru_cache(maxsize=256)
def _plan_reading(tags: str) -> tuple[Reader, ...]:
    """How to read the arguments of a message: what has the same size in every message at one go. Raises Malformed."""
    steps: list[Reader] = []
    for fixed, other in _RUNS.findall(tags):
        if other:
            steps.append(_find_reader(other))
        else:
            steps.append(_read_numbers(struct.Struct(">" + "".join(_NUMBERS[tag] for tag in fixed))))
    return tuple(steps)


def _find_reader(tag: str) -> Reader:
    if tag not in _READERS:
        raise Malformed(f"an argument of a type that OSC does not have: {tag!r}")
    return _READERS[tag]


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
    try:
        return int(_SIZE.unpack_from(packet, start)[0])
    except struct.error as wrong:
        raise Malformed("a packet that ends within a size") from wrong


def _read_numbers(form: struct.Struct) -> Reader:
    def read(packet: bytes, start: int) -> tuple[tuple[Argument, ...], int]:
        try:
            return form.unpack_from(packet, start), start + form.size
        except struct.error as wrong:
            raise Malformed("a message that ends within an argument") from wrong

    return read


def _read_one(read: Callable[[bytes, int], tuple[Argument, int]]) -> Reader:
    def read_one(packet: bytes, start: int) -> tuple[tuple[Argument, ...], int]:
        argument, end = read(packet, start)
        return (argument,), end

    return read_one


def _read_nothing(value: Argument) -> Reader:
    return lambda _, start: ((value,), start)


_READERS: Final[dict[str, Reader]] = {
    "s": _read_one(_read_string),
    "S": _read_one(_read_string),
    "b": _read_one(_read_blob),
    "T": _read_nothing(True),
    "F": _read_nothing(False),
    "N": _read_nothing(None),
}
