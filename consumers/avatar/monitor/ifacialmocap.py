"""Reads iFacialMocap's text, of either version, as a receiver does (ifacialmocap.com/for-developer)."""

from dataclasses import dataclass
from math import isfinite


class NotIfacialmocap(ValueError):
    """Text that is not in this form; the message says where."""


@dataclass(frozen=True, slots=True)
class FaceText:
    """One face: shapes 0…1 by name, and for head, rightEye, leftEye three angles in degrees, then maybe a place."""

    shapes: dict[str, float]
    turns: dict[str, tuple[float, ...]]


def read_face(packet: bytes) -> FaceText:
    """The face of a datagram. Raises NotIfacialmocap."""
    text = packet.decode("ascii", errors="replace")
    shapes_text, equals, turns_text = text.partition("=")
    if not equals:
        raise NotIfacialmocap("neither OSC nor a face: there is no =head#")
    shapes: dict[str, float] = {}
    for block in filter(None, shapes_text.split("|")):
        name, separator, value = block.partition("&" if "&" in block else "-")
        if not separator:
            raise NotIfacialmocap(f"a shape without a value: {block[:40]!r}")
        shapes[name] = _read_number(value) / 100.0
    turns: dict[str, tuple[float, ...]] = {}
    for block in filter(None, turns_text.split("|")):
        name, separator, numbers = block.partition("#")
        if separator:
            turns[name] = tuple(map(_read_number, numbers.split(",")))
    return FaceText(shapes, turns)


def _read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError as wrong:
        raise NotIfacialmocap(f"a number that is none: {text[:40]!r}") from wrong
    if not isfinite(number):
        raise NotIfacialmocap(f"a number that is none: {text[:40]!r}")
    return number
