"""A decoder that faces the outside, and what may come out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keypoints.errors import HolisticError


@dataclass(frozen=True)
class Target:
    """Something that is given a stranger's bytes.

    `decode` may return, or raise one of our own errors (`allowed`); anything else that it raises is a finding. `seeds`
    are good inputs to begin from. A decoder of files gets a path of `directory`, which is the caller's.
    """

    name: str
    decode: Callable[[bytes, Path], object]
    seeds: Callable[[], list[bytes]]
    allowed: tuple[type[Exception], ...] = ()
    largest_bytes: int = 64 * 1024

    def try_out(self, data: bytes, directory: Path) -> Exception | None:
        """Give it the bytes: None when it took them, or the error it refused them with. Raises what is a finding."""
        allowed: tuple[type[Exception], ...] = (HolisticError, *self.allowed)
        try:
            self.decode(data, directory)
        except allowed as refusal:
            return refusal
        return None


def of_file(read: Callable[[Path], object], name: str) -> Callable[[bytes, Path], object]:
    """A decoder of bytes that lie in a file of this name."""

    def decode(data: bytes, directory: Path) -> object:
        path = directory / name
        path.write_bytes(data)
        return read(path)

    return decode


def of_text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    """A decoder of text, which anything in bytes can be taken for."""
    return lambda data, _: read(data.decode("utf-8", "replace"))
