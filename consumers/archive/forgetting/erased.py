"""Records that are not in a store because their stream is forgotten: on record, so that no audit misses them."""

from collections.abc import Callable
from contextlib import closing
from typing import Final

import psycopg2
from psycopg2.extras import execute_values

from consumers.archive.forgetting.parquet_rows import WRITER
from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.guests import GuestBook, TopicIds
from consumers.archive.parquet.manifest import IdentityOffsets
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.retention import become_owner
from consumers.archive.postgres.tables import RETIRED_OFFSETS
from consumers.archive.postgres.topic_refs import TopicRefs
from keypoints.frame import FrameBatch

_INSERT: Final = (
    f'INSERT INTO {RETIRED_OFFSETS.name} (topic_ref, "partition", first_offset, last_offset) VALUES %s '  # noqa: S608
    "ON CONFLICT DO NOTHING"
)


class ErasedFromPostgres:
    """Notes rows that were kept from the database."""

    def __init__(self, database_url: str, topic_ids: TopicIds) -> None:
        self._database_url = database_url
        self._topic_ids = topic_ids

    def __call__(self, batch: FrameBatch) -> None:
        """Note them. Raises PostgresUnavailable or PostgresRefused."""
        with closing(connect(self._database_url, "holistic-archive")) as connection:
            try:
                refs = TopicRefs(self._topic_ids).of(batch.identity_topic.tolist(), connection)
                runs = [
                    (refs[topic], partition, first, last)
                    for topic, partition in sorted(set(zip(*_identities(batch), strict=True)))
                    for first, last in _offsets_of(batch, topic, partition).runs
                ]
                with connection, connection.cursor() as cursor:
                    become_owner(cursor)
                    execute_values(cursor, _INSERT, runs)
            except psycopg2.Error as error:
                raise explain_postgres_error(error, "noting forgotten records", rows=len(batch)) from error


class ErasedFromParquet:
    """Notes rows that were kept from the files, in the chain of the partition they are of."""

    def __init__(self, storage: ArchiveStorage, topic_ids: TopicIds, now_us: Callable[[], int]) -> None:
        self._storage = storage
        self._guests = GuestBook(storage, topic_ids)
        self._now_us = now_us

    def __call__(self, batch: FrameBatch) -> None:
        """Note them. Raises StorageUnavailable."""
        for identity, rows in self._guests.identify(batch):
            chain = Chain(self._storage, identity)
            chain.refresh()
            fresh = rows.identity_offset[~chain.erased_of(identity).holds(rows.identity_offset)]
            if len(fresh):
                erased = IdentityOffsets(identity, tuple(OffsetSet.of(fresh).runs))
                chain.replace_files([], [], WRITER, self._now_us(), [erased])


def _identities(batch: FrameBatch) -> tuple[list[str], list[int]]:
    return batch.identity_topic.tolist(), batch.identity_partition.tolist()


def _offsets_of(batch: FrameBatch, topic: str, partition: int) -> OffsetSet:
    ours = (batch.identity_topic == topic) & (batch.identity_partition == partition)
    return OffsetSet.of(batch.identity_offset[ours])
