"""Makes the table hold the files the manifest lists, in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.data_files import describe_files
from consumers.archive.iceberg.errors import IcebergConflict, explained
from consumers.archive.iceberg.listing import FollowedChain, Listing, ManifestReader, decode_chains, encode_chains
from consumers.archive.parquet.storage import FileMissing

FOLLOWED_PROPERTY: Final = "holistic.followed"
"""In each snapshot's summary: by chain, its last entry that was followed and the next offset, as JSON."""
_TRIES: Final = 10


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did: `snapshot_id` of the commit, None where the table held everything already."""

    snapshot_id: int | None
    added_files: int
    added_frames: int
    removed_files: int
    removed_frames: int
    frames: int
    """In the table now."""


class IcebergSync:
    """Follows one archive. Whoever else does the same meanwhile is no trouble: one commits, the other looks again.

    What is committed is the difference between the files that are listed and those the table holds, so it is the same
    from whatever point it is done again. Raises PostgresUnavailable, StorageUnavailable, IcebergConflict,
    ManifestUnreadable, IcebergUnusable.
    """

    def __init__(self, catalog: IcebergCatalog) -> None:
        self._catalog = catalog
        self._manifest = ManifestReader(catalog.storage)
        self._held_by_manifest: dict[str, Mapping[str, int]] = {}

    def sync(self) -> SyncReport:
        """Bring the table up to the manifest."""
        for _ in range(_TRIES):
            try:
                with (
                    self._catalog.beside_others(),
                    explained("following the archive in Iceberg", self._catalog.location),
                ):
                    return self._sync_once()
            except (CommitFailedException, FileMissing) as error:
                failure = error
        raise IcebergConflict(
            f"the Iceberg table was changed by others {_TRIES} times in a row: {failure}",
            hint="does anything else write to it? Try again.",
            tries=_TRIES,
        ) from failure

    def count_behind(self) -> int:
        """Frames the table lacks, and those it holds of files that were replaced."""
        table = self._catalog.find()
        held = {} if table is None else self._read_held(table)
        listing = self._manifest.read()
        listed = {self._catalog.url(path): file.rows for path, file in listing.files.items()}
        return sum(listed[url] for url in listed.keys() - held) + sum(held[url] for url in held.keys() - listed.keys())

    def _sync_once(self) -> SyncReport:
        # The table first: whoever made its last commit had read no more of the manifest than is read now.
        table = self._catalog.open()
        held = self._read_held(table)
        listing = self._manifest.read()
        listed = {self._catalog.url(path): file for path, file in listing.files.items()}
        added = [(url, file) for url, file in listed.items() if url not in held]
        removed = held.keys() - listed.keys()
        snapshot_id = None
        if added or removed:
            snapshot_id = _commit(table, describe_files(table, added), self._find(table, removed), listing)
        return SyncReport(
            snapshot_id=snapshot_id,
            added_files=len(added),
            added_frames=sum(file.rows for _, file in added),
            removed_files=len(removed),
            removed_frames=sum(held[url] for url in removed),
            frames=sum(file.rows for file in listed.values()),
        )

    def _read_held(self, table: Table) -> dict[str, int]:
        """URL → rows of each file the table holds. What was read once is remembered: these files never change."""
        snapshot = table.current_snapshot()
        manifests = [] if snapshot is None else snapshot.manifests(table.io)
        self._held_by_manifest = {
            manifest.manifest_path: self._held_by_manifest.get(manifest.manifest_path)
            or {
                entry.data_file.file_path: entry.data_file.record_count
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            }
            for manifest in manifests
        }
        return {url: rows for held in self._held_by_manifest.values() for url, rows in held.items()}

    def _find(self, table: Table, urls: set[str]) -> list[DataFile]:
        snapshot = table.current_snapshot()
        if snapshot is None or not urls:
            return []
        return [
            entry.data_file
            for manifest in snapshot.manifests(table.io)
            if not urls.isdisjoint(self._held_by_manifest[manifest.manifest_path])
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            if entry.data_file.file_path in urls
        ]


def read_followed(table: Table) -> dict[str, FollowedChain]:
    """How far the table's current snapshot follows each chain."""
    snapshot = table.current_snapshot()
    text = None if snapshot is None or snapshot.summary is None else snapshot.summary[FOLLOWED_PROPERTY]
    return decode_chains(text) if text else {}


def _commit(table: Table, added: list[DataFile], removed: list[DataFile], listing: Listing) -> int:
    with table.transaction() as transaction:
        update = transaction.update_snapshot(snapshot_properties={FOLLOWED_PROPERTY: encode_chains(listing.chains)})
        # Only an append merges small manifests.
        with update.overwrite() if removed else update.merge_append() as snapshot:
            for file in removed:
                snapshot.delete_data_file(file)
            for file in added:
                snapshot.append_data_file(file)
    return snapshot.snapshot_id
