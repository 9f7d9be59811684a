"""Good inputs, damaged at random: the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

# Numbers that end types, calendars and patience, and what opens and closes things.
_PIECES = (
    b"", b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff" * 9 + b"\x01",
    b"0", b"-1", b"9" * 20, b"9" * 400, b"9" * 5000, b"1e400", b"1e-400", b"NaN", b"null", b"true", b"[]", b"{}", b'""',
    b"[" * 200, b"(" * 200, b"{" * 20, b'"', b"\\", b"\n", b"\r\n", b",", b":", b"%00", b"\xed\xa0\x80", b"\xc2\x80",
    "\N{ARABIC-INDIC DIGIT THREE}".encode(), b"0001-01-01", b"9999-12-31T23:59:59+14:00", b"../../",
    b"$(x)", b"{99999999999}",
)  # fmt: skip


def mutate(seeds: list[bytes], count: int, largest_bytes: int, rng: random.Random) -> Iterator[bytes]:
    """The seeds themselves, then `count` inputs made of them by one to four changes."""
    yield from seeds
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            data = bytearray(_change(bytes(data), seeds, rng))
        yield bytes(data[:largest_bytes])


def _change(data: bytes, seeds: list[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((0, 1, 1, 2, 4, 8, 32, 1024)))
    match rng.randrange(6):
        case 0:
            return data[:at] + bytes([rng.randrange(256)]) + data[min(at + 1, len(data)) :]
        case 1:
            return data[:at] + rng.choice(_PIECES) + data[end:]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:end] + data[at:end] * rng.choice((1, 2, 50)) + data[end:]
        case 4:
            return data[:at]
        case _:
            other = rng.choice(seeds)
            return data[:at] + other[rng.randrange(len(other) + 1) :]
