"""Records that two chains list: one that was published again twice, and archived by two writers at the same time."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.manifest import ListedFile, Writer
from consumers.archive.parquet.merging import in_order, read_rows
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.partition_files import HOUR_US
from consumers.archive.parquet.replacing import replacing
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.storage import ArchiveStorage


def drop_doubles(storage: ArchiveStorage, chains: Sequence[Chain], writer: Writer, now_us: Callable[[], int]) -> int:
    """Keep each record in the first of the chains (by name) that list it, and drop it from the others: how many rows.

    Whoever does this at the same time keeps the same ones. Raises Overtaken and StorageUnavailable; what was dropped
    until then is.
    """
    return sum(
        _drop(storage, chain, file, elsewhere, writer, now_us)
        for chain, file, elsewhere in list(_find_doubles(sorted(chains, key=lambda chain: chain.identity.folder)))
    )


def _find_doubles(chains: Sequence[Chain]) -> Iterator[tuple[Chain, ListedFile, OffsetSet]]:
    """Files with rows that an earlier chain has, and what those before have."""
    identities = {file.identity for chain in chains for file in chain.files if file.identity != chain.identity}
    for identity in sorted(identities, key=lambda identity: identity.folder):
        elsewhere = OffsetSet.of_runs([])
        for chain in chains:
            files = [file for file in chain.files if file.identity == identity]
            for file in files:
                if elsewhere.overlaps(OffsetSet.of_runs(file.offsets)):
                    yield chain, file, elsewhere
            elsewhere = elsewhere.union(OffsetSet.of_runs(run for file in files for run in file.offsets))


def _drop(
    storage: ArchiveStorage,
    chain: Chain,
    file: ListedFile,
    elsewhere: OffsetSet,
    writer: Writer,
    now_us: Callable[[], int],
) -> int:
    with replacing(storage, chain, writer, now_us) as replacement:
        rows = read_rows(storage, file)
        is_doubled = elsewhere.holds(rows.column("offset").to_numpy())
        kept = rows.filter(pa.array(~is_doubled))
        if len(kept):
            key = ShelfKey(file.identity, file.captured_from_us // HOUR_US)
            offsets = OffsetSet.of(kept.column("offset").to_numpy())
            replacement.add_file(key, offsets, in_order([kept]), sorted_by_stream=True)
        replacement.replace([file.path])
    return int(is_doubled.sum())
