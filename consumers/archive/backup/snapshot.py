"""The whole manifest at one moment, without stopping anybody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumers.archive.backup.errors import ArchiveDamaged
from consumers.archive.parquet.chain import Chain, list_chains
from consumers.archive.parquet.manifest import Checkpoint, IdentityOffsets, IdentityPartition, ListedFile
from consumers.archive.parquet.offset_set import OffsetSet, Run
from consumers.archive.parquet.storage import ArchiveStorage

_READINGS: Final = 5


@dataclass(frozen=True, slots=True)
class ArchiveSnapshot:
    """Every chain as a checkpoint says it, by identity partition."""

    chains: Mapping[IdentityPartition, Checkpoint]

    @property
    def files(self) -> list[ListedFile]:
        """Every file that exists."""
        return [file for checkpoint in self.chains.values() for file in checkpoint.files]

    @property
    def numbers(self) -> dict[str, int]:
        """Folder of each chain → number of its last entry."""
        return {identity.folder: checkpoint.number for identity, checkpoint in self.chains.items()}


def take_snapshot(storage: ArchiveStorage, now_us: int) -> ArchiveSnapshot:
    """All chains, read to their ends, such that together they hold every record that was archived and not erased.

    Chains are read one after the other. A record may be listed in a chain that was read before that, and taken out of
    one that was read after: then they are read again. Raises ArchiveDamaged when that does not help, and
    StorageUnavailable.
    """
    for reading in range(_READINGS):
        snapshot = _read(list_chains(storage), now_us)
        for identity, runs in _find_lost(snapshot):
            if reading + 1 < _READINGS:
                break
            raise ArchiveDamaged(
                f"records {runs} of partition {identity.partition} of {identity.topic} were archived, "
                "and no file has them",
                hint="`holistic audit` says what else is missing; `holistic replay archive-parquet` can bring it back",
                path=identity.folder,
            )
        else:
            break
    return snapshot


def _read(chains: Iterable[Chain], now_us: int) -> ArchiveSnapshot:
    return ArchiveSnapshot({chain.identity: chain.sum_up(now_us) for chain in chains if chain.next_number})


def _find_lost(snapshot: ArchiveSnapshot) -> Iterator[tuple[IdentityPartition, Sequence[Run]]]:
    checkpoints = snapshot.chains.values()
    archived = _join(known for checkpoint in checkpoints for known in checkpoint.offsets)
    erased = _join(known for checkpoint in checkpoints for known in checkpoint.erased)
    held = _join(IdentityOffsets(file.identity, file.offsets) for file in snapshot.files)
    nothing = OffsetSet.of_runs([])
    for identity, offsets in archived.items():
        lost = offsets.without(erased.get(identity, nothing)).without(held.get(identity, nothing))
        if len(lost):
            yield identity, lost.runs[:3]


def _join(parts: Iterable[IdentityOffsets]) -> dict[IdentityPartition, OffsetSet]:
    runs: dict[IdentityPartition, list[Run]] = {}
    for part in parts:
        runs.setdefault(part.identity, []).extend(part.offsets)
    return {identity: OffsetSet.of_runs(found) for identity, found in runs.items()}
