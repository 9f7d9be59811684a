"""Makes the table hold the files the manifest lists, in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile, ManifestFile
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
        self._frames_seen = 0

    def sync(self) -> SyncReport:
        """Bring the table up to the manifest."""
        with self._catalog.beside_others():
            return self.sync_locked()

    def sync_locked(self) -> SyncReport:
        """As `sync`, for a caller who is `beside_others` or `alone` already, see IcebergCatalog."""
        for _ in range(_TRIES):
            try:
                with explained("following the archive in Iceberg", self._catalog.location):
                    return self._sync_once()
            except (CommitFailedException, FileMissing) as error:
                failure = error
        raise IcebergConflict(
            f"the Iceberg table was changed by others {_TRIES} times in a row: {failure}",
            hint="does anything else write to it? Try again.",
            tries=_TRIES,
        ) from failure

    def estimate_behind(self) -> int:
        """Frames that are listed beyond those the table held when this last saw it; asks the manifest alone."""
        return max(0, sum(file.rows for file in self._manifest.read().files.values()) - self._frames_seen)

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
        self._frames_seen = sum(file.rows for file in listed.values())
        return SyncReport(
            snapshot_id=snapshot_id,
            added_files=len(added),
            added_frames=sum(file.rows for _, file in added),
            removed_files=len(removed),
            removed_frames=sum(held[url] for url in removed),
            frames=self._frames_seen,
        )

    def _read_held(self, table: Table) -> dict[str, int]:
        """URL → rows of each file the table holds. What was read once is remembered: these files never change."""
        known = self._held_by_manifest
        self._held_by_manifest = {
            path: known[path] if path in known else _read_files(table, manifest)
            for path, manifest in _manifests(table).items()
        }
        return {url: rows for held in self._held_by_manifest.values() for url, rows in held.items()}

    def _find(self, table: Table, urls: set[str]) -> list[DataFile]:
        return [
            entry.data_file
            for path, manifest in _manifests(table).items()
            if not urls.isdisjoint(self._held_by_manifest[path])
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


def _manifests(table: Table) -> dict[str, ManifestFile]:
    snapshot = table.current_snapshot()
    return {} if snapshot is None else {found.manifest_path: found for found in snapshot.manifests(table.io)}


def _read_files(table: Table, manifest: ManifestFile) -> dict[str, int]:
    entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    return {entry.data_file.file_path: entry.data_file.record_count for entry in entries}
