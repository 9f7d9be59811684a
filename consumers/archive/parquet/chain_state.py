"""What a chain's entries amount to, one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from consumers.archive.parquet.manifest import (
    Checkpoint,
    Entry,
    EntryKind,
    IdentityOffsets,
    IdentityPartition,
    ListedFile,
)
from consumers.archive.parquet.offset_set import OffsetSet

NO_OFFSETS: Final = OffsetSet.of_runs([])
_REPLACED_REMEMBERED_US: Final = 24 * 60 * 60 * 1_000_000


@dataclass(slots=True)
class ChainState:
    """A chain as far as it was read; see Checkpoint for what each field is."""

    next_number: int = 0
    last_claim: int | None = None
    last_sweep: int | None = None
    next_offset: int | None = None
    files: dict[str, ListedFile] = field(default_factory=dict)
    offsets: dict[IdentityPartition, OffsetSet] = field(default_factory=dict)
    erased: dict[IdentityPartition, OffsetSet] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)

    @classmethod
    def after(cls, known: Checkpoint) -> "ChainState":
        """The chain up to a checkpoint."""
        return cls(
            next_number=known.number + 1,
            last_claim=known.last_claim,
            last_sweep=known.last_sweep,
            next_offset=known.next_offset,
            files={file.path: file for file in known.files},
            offsets={listed.identity: OffsetSet.of_runs(listed.offsets) for listed in known.offsets},
            erased={listed.identity: OffsetSet.of_runs(listed.offsets) for listed in known.erased},
            replaced=dict(known.replaced),
        )

    def sum_up(self, now_us: int) -> Checkpoint:
        """All entries so far, at least one, as a checkpoint."""
        self._forget_replaced(now_us)
        return Checkpoint(
            number=self.next_number - 1,
            last_claim=self.last_claim,
            last_sweep=self.last_sweep,
            next_offset=self.next_offset,
            files=tuple(self.files.values()),
            offsets=_as_listed(self.offsets),
            erased=_as_listed(self.erased),
            replaced=self.replaced,
        )

    def learn(self, entry: Entry) -> None:
        """Take the next entry in."""
        self.next_number = entry.number + 1
        if entry.kind is EntryKind.CLAIM:
            self.last_claim = entry.number
        if entry.kind is EntryKind.SWEPT:
            self.last_sweep = entry.number
        if entry.next_offset is not None or entry.forgets_offset:
            self.next_offset = entry.next_offset
        for path in entry.removes:
            self.files.pop(path, None)
            self.replaced[path] = entry.written_at_us
        for file in entry.files:
            self.files[file.path] = file
        # What was removed was archived all the same.
        _add(self.offsets, [IdentityOffsets(file.identity, file.offsets) for file in entry.files])
        _add(self.erased, entry.erased)
        if entry.removes:
            self._forget_replaced(entry.written_at_us)

    def _forget_replaced(self, now_us: int) -> None:
        """Those of long ago, which are the first: a writer lives for months."""
        oldest_us = now_us - _REPLACED_REMEMBERED_US
        for path, _ in list(takewhile(lambda replaced: replaced[1] < oldest_us, self.replaced.items())):
            del self.replaced[path]


def _add(to: dict[IdentityPartition, OffsetSet], more: Sequence[IdentityOffsets]) -> None:
    for identity in {offsets.identity for offsets in more}:
        runs = [run for offsets in more if offsets.identity == identity for run in offsets.offsets]
        to[identity] = to.get(identity, NO_OFFSETS).union(OffsetSet.of_runs(runs))


def _as_listed(offsets: Mapping[IdentityPartition, OffsetSet]) -> tuple[IdentityOffsets, ...]:
    return tuple(IdentityOffsets(identity, tuple(known.runs)) for identity, known in offsets.items())
