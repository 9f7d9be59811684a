"""Streams that are forgotten: known by a digest of their name, so that the ledger does not keep what it is to erase."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import FrameBatch

_NAMES_REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class ForgottenStream:
    """One entry of the ledger."""

    salt: str
    """Random, in hexadecimal: the same name has another digest in another ledger."""
    digest: str
    """SHA-256 of the salt and the name, in hexadecimal."""
    until_us: int | None
    """What was captured or recorded before, in microseconds since 1970, is forgotten; None: whatever comes, ever."""
    asked_at_us: int
    """When it was asked for, microseconds since 1970."""
    receipts: tuple[str, ...] = field(default=())
    """SHA-256 of the receipts that were given, in hexadecimal."""

    @property
    def key(self) -> str:
        """What tells entries apart."""
        return f"{self.salt}/{self.digest}"


def digest_name(salt: str, stream_id: str) -> str:
    """A stream's name as an entry with this salt has it."""
    return hashlib.sha256(bytes.fromhex(salt) + stream_id.encode()).hexdigest()


class ForgottenStreams:
    """The entries of a ledger at one time; never changed, so that any thread may ask."""

    def __init__(self, entries: Iterable[ForgottenStream] = ()) -> None:
        self._by_key = {entry.key: entry for entry in entries}
        self._salts = sorted({entry.salt for entry in self._by_key.values()})
        self._known: dict[str, ForgottenStream | None] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def entries(self) -> list[ForgottenStream]:
        """All of them."""
        return list(self._by_key.values())

    @property
    def salts(self) -> Sequence[str]:
        """Those in use: one, unless two were drawn at the same moment."""
        return self._salts

    def find(self, stream_id: str) -> ForgottenStream | None:
        """The entry of a stream."""
        if not self._by_key:
            return None
        try:
            return self._known[stream_id]
        except KeyError:
            keys = (f"{salt}/{digest_name(salt, stream_id)}" for salt in self._salts)
            found = _strictest([self._by_key[key] for key in keys if key in self._by_key])
            if len(self._known) >= _NAMES_REMEMBERED:
                self._known.clear()
            self._known[stream_id] = found
            return found

    def holds(self, stream_id: str, captured_at_us: int, timestamp_ms: int) -> bool:
        """Whether a record is forgotten, by its stream, its capture time and the record's own timestamp."""
        entry = self.find(stream_id)
        if entry is None:
            return False
        return entry.until_us is None or captured_at_us < entry.until_us or timestamp_ms * 1000 < entry.until_us

    def holds_rows(
        self, stream_ids: Sequence[str], captured_at_us: NDArray[np.int64], timestamp_ms: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """bool (N,): as `holds`, of many."""
        held = np.zeros(len(stream_ids), dtype=np.bool_)
        if not self._by_key:
            return held
        names = np.array(stream_ids, dtype=np.object_)
        for name in set(stream_ids):
            entry = self.find(name)
            if entry is not None:
                rows = names == name
                if entry.until_us is not None:
                    # Compared in milliseconds: a timestamp may be too large to be one in microseconds.
                    recorded_before = timestamp_ms < -(-entry.until_us // 1000)
                    rows &= (captured_at_us < entry.until_us) | recorded_before
                held |= rows
        return held

    def rows_of(self, batch: FrameBatch) -> NDArray[np.bool_] | None:
        """bool (N,): which rows are forgotten; None where none is, which costs nothing while nobody is forgotten."""
        if not self._by_key:
            return None
        held = self.holds_rows(batch.stream_id.tolist(), batch.captured_at_us, batch.timestamp_ms)
        return held if held.any() else None


NOBODY: Final = ForgottenStreams()


def _strictest(entries: Sequence[ForgottenStream]) -> ForgottenStream | None:
    for_ever = next((entry for entry in entries if entry.until_us is None), None)
    return for_ever or max(entries, key=lambda entry: entry.until_us or 0, default=None)
