"""What there is to say of the table."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumers.archive.iceberg.catalog import CATALOG_NAME, NAMESPACE, TABLE, IcebergCatalog
from consumers.archive.iceberg.listing import FollowedChain
from consumers.archive.iceberg.sync import read_followed


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What its current snapshot holds, and how engines find it. `followed` is by `<topic>@<topic id>/<partition>`."""

    catalog: str
    namespace: str
    table: str
    location: str
    jdbc_url: str
    frames: int
    files: int
    bytes: int
    snapshots: int
    committed_at_ms: int | None
    """Milliseconds since 1970; None: nothing was committed yet."""
    followed: Mapping[str, FollowedChain]


def summarise_table(catalog: IcebergCatalog) -> TableSummary | None:
    """The table in numbers, None where there is none. Raises what IcebergCatalog raises."""
    table = catalog.find()
    if table is None:
        return None
    snapshot = table.current_snapshot()
    totals = {} if snapshot is None or snapshot.summary is None else snapshot.summary.additional_properties
    return TableSummary(
        catalog=CATALOG_NAME,
        namespace=NAMESPACE,
        table=TABLE,
        location=table.location(),
        jdbc_url=catalog.jdbc_url,
        frames=int(totals.get("total-records", 0)),
        files=int(totals.get("total-data-files", 0)),
        bytes=int(totals.get("total-files-size", 0)),
        snapshots=len(table.metadata.snapshots),
        committed_at_ms=None if snapshot is None else snapshot.timestamp_ms,
        followed=read_followed(table),
    )
