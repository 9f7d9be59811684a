"""A folder of Parquet files, a database with the catalog of the table that follows it, and nobody else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import fastavro
import psycopg2
import pyarrow.compute as pc
from pyiceberg.table import Table

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.sync import IcebergSync, SyncReport
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.manifest import IdentityOffsets, Writer
from consumers.archive.parquet.merging import read_rows
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.replacing import replacing
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.frame import FrameBatch

HOUR_US = 3_600_000_000
TEST = TopicPartition("test", 0)


def now_us() -> int:
    """Later than any file of a test was written."""
    return 4_000_000_000_000_000


def compact(storage: ArchiveStorage) -> None:
    """Merge what can be merged, and delete what was."""
    limits = CompactionLimits(settled_us=-HOUR_US, grace_us=-HOUR_US)
    assert Compactor(storage, now_us, limits).run().merges


class Followed:
    """One topic of one partition, its live writer, and the table."""

    def __init__(self, location: str | Path, database_url: str) -> None:
        self.location = location
        self.database_url = database_url
        self.storage = open_storage(location)
        self.catalog = IcebergCatalog(database_url, self.storage)
        self._sync = IcebergSync(self.catalog)
        self._sink = ParquetSink(self.storage, "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
        self._sink.open(Assignment((TEST,), 1, "member", 0))

    def write(self, *batches: FrameBatch) -> None:
        """Each batch becomes a file of its own, or several where it spans hours."""
        for batch in batches:
            self._sink.put(batch)
            self._sink.flush()

    def sync(self) -> SyncReport:
        return self._sync.sync()

    def compact(self) -> None:
        compact(self.storage)

    def erase(self, stream_id: str) -> None:
        """Let files without a stream's rows take the place of those that have them."""
        for chain in list_chains(self.storage):
            for file in chain.files:
                rows = read_rows(self.storage, file)
                kept = rows.filter(pc.field("stream_id") != stream_id)
                if len(kept) == len(rows):
                    continue
                gone = OffsetSet.of(rows.filter(pc.field("stream_id") == stream_id).column("offset").to_numpy())
                with replacing(self.storage, chain, Writer.outside_group("forget"), now_us) as replacement:
                    if len(kept):
                        key = ShelfKey(file.identity, file.captured_from_us // HOUR_US)
                        offsets = OffsetSet.of(kept.column("offset").to_numpy())
                        replacement.add_file(key, offsets, [kept], sorted_by_stream=False)
                    replacement.replace([file.path], [IdentityOffsets(file.identity, tuple(gone.runs))])
                self.storage.remove(file.path)

    def table(self) -> Table:
        found = self.catalog.find()
        assert found is not None
        return found

    def offsets(self, **scan: Any) -> list[int]:
        """Offsets of the table's rows, by reading its files."""
        found = self.table().scan(selected_fields=("offset",), **scan).to_arrow()
        return sorted(found.column("offset").to_pylist())

    def files(self) -> list[str]:
        """Where the table's files are."""
        return sorted(task.file.file_path for task in self.table().scan().plan_files())

    def listed(self) -> list[str]:
        """Where the files are that the manifest lists."""
        return sorted(self.catalog.url(file.path) for chain in list_chains(self.storage) for file in chain.files)

    def start_sync(self) -> "subprocess.Popen[str]":
        """`holistic iceberg sync` as a process."""
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "DATABASE_URL": self.database_url,
            "HOLISTIC_ARCHIVE_DIR": str(self.location),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "holistic_cli", "iceberg", "sync", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def commits_held_up(self) -> Iterator["HeldUp"]:
        """While this lasts whoever commits waits at its last step: everything is written, and the catalog is not."""
        with (
            closing(psycopg2.connect(self.database_url)) as holder,
            closing(psycopg2.connect(self.database_url)) as spy,
        ):
            spy.autocommit = True
            with holder.cursor() as cursor:
                cursor.execute("SELECT 1 FROM iceberg.iceberg_tables FOR UPDATE")
                yield HeldUp(spy)
            holder.rollback()

    def close(self) -> None:
        self.catalog.close()


class HeldUp:
    """Commits that wait."""

    def __init__(self, connection: "psycopg2.extensions.connection") -> None:
        self._connection = connection

    def count(self) -> int:
        return self._count_waiting("UPDATE%iceberg_tables%")

    def is_waited_for(self) -> bool:
        """Whether somebody wants to be alone with the table."""
        return self._count_waiting("SELECT pg_advisory_lock(%") > 0

    def _count_waiting(self, query: str) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock' AND query LIKE %s",
                (query,),
            )
            return int(cursor.fetchall()[0][0])


def metadata_that_names(followed: Followed, stream_id: str) -> list[str]:
    """Files of the table's metadata that have a stream's name in them, looked at unpacked."""
    found = []
    for path in followed.storage.list_files("iceberg"):
        content = followed.storage.read(path)
        if path.endswith(".avro"):
            with (Path(str(followed.location)) / path).open("rb") as file:
                content = repr(list(fastavro.reader(file))).encode()
        if stream_id.encode() in content:
            found.append(path)
    return found
