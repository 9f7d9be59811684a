"""What the Iceberg table says of files that are gone: old snapshots hold their bounds, names of streams among them."""

from typing import Final

from connect_runtime.forgetting.places import NOTHING_FOUND, Found, Subject
from consumers.archive.iceberg.history import drop_history
from consumers.archive.parquet.location import ArchiveLocation


class IcebergHistory:
    """The table's snapshots. Its rows are those of the Parquet files."""

    name: Final = "Iceberg table"
    proof: Final = "no snapshot but the current one is left, which is of the files that exist"

    def __init__(self, location: ArchiveLocation, database_url: str) -> None:
        self._location = location
        self._database_url = database_url

    def find(self, subject: Subject) -> Found:  # noqa: ARG002  see Place
        """Nothing: a snapshot has no rows of its own."""
        return NOTHING_FOUND

    def erase(self, subject: Subject) -> Found:  # noqa: ARG002  see Place
        """Leave the current snapshot alone. Raises what following the manifest raises."""
        report = drop_history(self._location, self._database_url)
        if report is None:
            return NOTHING_FOUND
        return Found(
            details={
                "expired_snapshots": report.expired_snapshots,
                "removed_metadata_files": report.removed_metadata_files,
            }
        )
