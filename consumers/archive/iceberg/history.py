"""Takes old snapshots away, and what only they needed of the table's metadata."""

from dataclasses import dataclass

from pyiceberg.table import Table

from consumers.archive.iceberg.catalog import METADATA_FOLDER, IcebergCatalog
from consumers.archive.iceberg.errors import explained
from consumers.archive.iceberg.sync import FOLLOWED_PROPERTY, IcebergSync
from consumers.archive.parquet.location import ArchiveLocation, open_storage


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What is gone, and what is left."""

    expired_snapshots: int
    removed_metadata_files: int
    snapshots: int


def expire_snapshots(catalog: IcebergCatalog, before_us: int) -> HistoryReport | None:
    """Forget snapshots committed before a time (microseconds since 1970), except the current one and those with a name.

    Files that only they held are named nowhere any more. None where there is no table.
    """
    with catalog.alone(), explained("expiring snapshots of the Iceberg table", catalog.location):
        table = catalog.find()
        if table is None:
            return None
        expired = _expire(table, before_us)
        return HistoryReport(expired, _sweep(catalog, table), len(table.metadata.snapshots))


def drop_history(location: ArchiveLocation, database_url: str) -> HistoryReport | None:
    """Follow the manifest, then leave nothing but the current snapshot: not a word on files that were replaced.

    Named snapshots (tags and branches) go as well. None, and nothing made, where there is no table. Raises what
    IcebergSync raises.
    """
    catalog = IcebergCatalog(database_url, open_storage(location))
    try:
        if catalog.find() is None:
            return None
        with catalog.alone(), explained("dropping the history of the Iceberg table", catalog.location):
            # Alone, so that nobody adds what they read of the manifest before files were replaced.
            IcebergSync(catalog).sync_locked()
            table = catalog.open()
            _forget_names(table)
            _forget_removals(table)
            expired = _expire(table, None)
            return HistoryReport(expired, _sweep(catalog, table), len(table.metadata.snapshots))
    finally:
        catalog.close()


def drop_table(catalog: IcebergCatalog) -> None:
    """Take the table out of the catalog, and all its metadata out of the archive, whose files stay."""
    with catalog.alone():
        catalog.drop()
        for path in catalog.storage.list_files(METADATA_FOLDER):
            catalog.storage.remove(path)


def _expire(table: Table, before_us: int | None) -> int:
    kept = {reference.snapshot_id for reference in table.metadata.refs.values()}
    old = [
        snapshot.snapshot_id
        for snapshot in table.metadata.snapshots
        if snapshot.snapshot_id not in kept and (before_us is None or snapshot.timestamp_ms * 1000 < before_us)
    ]
    if old:
        table.maintenance.expire_snapshots().by_ids(old).commit()
    return len(old)


def _forget_names(table: Table) -> None:
    for name, reference in table.metadata.refs.items():
        if name != "main":
            with table.manage_snapshots() as names:
                names.remove_branch(name) if reference.snapshot_ref_type == "branch" else names.remove_tag(name)


def _forget_removals(table: Table) -> None:
    """The current snapshot also says which files it took out, with their bounds: one that says nothing follows it."""
    snapshot = table.current_snapshot()
    if snapshot is None or not any(manifest.deleted_files_count for manifest in snapshot.manifests(table.io)):
        return
    followed = (snapshot.summary and snapshot.summary[FOLLOWED_PROPERTY]) or "{}"
    with table.transaction() as transaction:
        transaction.update_snapshot(snapshot_properties={FOLLOWED_PROPERTY: followed}).fast_append().commit()


def _sweep(catalog: IcebergCatalog, table: Table) -> int:
    """Remove metadata nobody can reach. The caller is alone, so that nobody's unfinished commit is among it."""
    metadata = table.metadata
    reached = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    reached |= {statistics.statistics_path for statistics in metadata.statistics}
    for snapshot in metadata.snapshots:
        reached.add(snapshot.manifest_list)
        reached.update(manifest.manifest_path for manifest in snapshot.manifests(table.io))
    unreached = {path for path in catalog.storage.list_files(METADATA_FOLDER) if catalog.url(path) not in reached}
    for path in sorted(unreached):
        catalog.storage.remove(path)
    return len(unreached)
