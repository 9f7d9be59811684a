"""A stream leaves archives in object stores, and what an Iceberg table remembers of files."""

import io
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from connect_runtime.forgetting.places import Subject
from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.forgetting.iceberg_history import IcebergHistory
from consumers.archive.forgetting.parquet_rows import ParquetRows
from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.sync import IcebergSync
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.compaction import Compactor
from consumers.archive.parquet.compaction_plan import CompactionLimits
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.storage import ArchiveStorage
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import NOON_US, make_batch

if TYPE_CHECKING:
    from tests.consumers.archive.s3_server import S3Server

FORGOTTEN = "performer-0"
"""The first by name, so that bounds of files have it."""
SUBJECT = Subject(FORGOTTEN, None)
HOUR_US = 3_600_000_000


def now_us() -> int:
    return 4_000_000_000_000_000


def list_naming(storage: ArchiveStorage) -> list[str]:
    """Files that hold the name, packed or not."""
    naming = []
    for path in storage.list_files(""):
        content = storage.read(path)
        unpacked = str(list(fastavro.reader(io.BytesIO(content)))) if path.endswith(".avro") else ""
        if FORGOTTEN.encode() in content or FORGOTTEN in unpacked:
            naming.append(path)
    return naming


def test_in_a_bucket_as_on_a_disk(s3: "S3Server") -> None:
    storage = open_storage(f"s3://{s3.make_bucket()}/archive")
    sink = ParquetSink(storage, "archive-parquet", lambda topic: f"id-of-{topic}", now_us)
    sink.open(Assignment((TopicPartition("test", 0),), 1, "member", 0))
    for first in (0, 50):
        sink.put(make_batch(50, first_offset=first))
        sink.flush()
    limits = CompactionLimits(settled_us=-HOUR_US, grace_us=HOUR_US)
    assert Compactor(storage, now_us, limits).run().merges == 1
    rows = ParquetRows(storage, now_us)
    assert rows.find(SUBJECT).records == 40, "in the listed file and in those it took the place of"
    rows.erase(SUBJECT)
    assert rows.find(SUBJECT).records == 0
    assert list_naming(storage) == []
    assert sum(file.rows for chain in list_chains(storage) for file in chain.files) == 80


@pytest.mark.servers
@pytest.mark.timeout(120)
def test_an_iceberg_table_forgets_the_files_that_named_the_stream(archived: Archived) -> None:
    for first in (0, 50):
        archived.keep(make_batch(50, topic=archived.topic, first_offset=first), archived.parquet())
        catalog = IcebergCatalog(archived.database_url, open_storage(archived.root))
        IcebergSync(catalog).sync()
        catalog.close()
    storage = open_storage(archived.root)
    assert any(path.endswith(".avro") for path in list_naming(storage))
    places: list[Any] = [
        ParquetRows(storage, lambda: NOON_US),
        IcebergHistory(str(archived.root), archived.database_url),
    ]
    for place in places:
        place.erase(SUBJECT)
    assert list_naming(storage) == []
    catalog = IcebergCatalog(archived.database_url, storage)
    try:
        table = catalog.find()
        assert table is not None
        streams = table.scan(selected_fields=("stream_id",)).to_arrow().column(0).to_pylist()
    finally:
        catalog.close()
    assert len(streams) == 80
    assert FORGOTTEN not in streams
