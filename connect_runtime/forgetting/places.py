"""What erasing a stream means for each place its records are kept in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from connect_runtime.forgetting.streams import ForgottenStream, ForgottenStreams, digest_name


@dataclass(frozen=True, slots=True)
class Subject:
    """A stream by its name, and up to when: microseconds since 1970, None for whatever there is or comes."""

    stream_id: str
    until_us: int | None

    def holds(self, captured_at_us: int, timestamp_ms: int) -> bool:
        """Whether one of the stream's records is meant."""
        return self._as_ledger().holds(self.stream_id, captured_at_us, timestamp_ms)

    def holds_rows(
        self, stream_ids: Sequence[str], captured_at_us: NDArray[np.int64], timestamp_ms: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """bool (N,): which of these records, of any streams, are meant."""
        return self._as_ledger().holds_rows(stream_ids, captured_at_us, timestamp_ms)

    def _as_ledger(self) -> ForgottenStreams:
        salt = "00"
        return ForgottenStreams([ForgottenStream(salt, digest_name(salt, self.stream_id), self.until_us, 0)])


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a stream in a place, or what was removed of it."""

    records: int = 0
    """Rows, letters or events."""
    newest_us: int | None = None
    """The latest time any of them was captured or recorded at, microseconds since 1970."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """More, in names and values of JSON: tables, files, runs of offsets."""


NOTHING_FOUND = Found()


class Place(Protocol):
    """A place records can be erased from. Every call raises Transient or Terminal, and may be made again."""

    @property
    def name(self) -> str:
        """What the receipt calls it."""

    @property
    def proof(self) -> str:
        """How `find` looks, for the receipt."""

    def find(self, subject: Subject) -> Found:
        """What there is; changes nothing."""

    def erase(self, subject: Subject) -> Found:
        """Remove what there is, and say what it was. Killed at any step, the next call does the rest."""


@dataclass(frozen=True, slots=True)
class Lingering:
    """What cannot be erased, and when it goes by itself: `until_us` None says never."""

    place: str
    until_us: int | None
    why: str


def newest_of(found: Sequence[Found]) -> int | None:
    """The latest time of all."""
    return max((one.newest_us for one in found if one.newest_us is not None), default=None)
