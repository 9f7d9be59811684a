"""Records that are not in a store because their stream is forgotten: on record, so that no audit misses them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Final

import numpy as np
import psycopg2
from psycopg2.extras import execute_values

from consumers.archive.forgetting.parquet_rows import WRITER
from consumers.archive.parquet.chain import Chain, known_topic_ids
from consumers.archive.parquet.guests import UNKNOWN_TOPIC_ID, TopicIds
from consumers.archive.parquet.manifest import IdentityOffsets, IdentityPartition
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.errors import explain_postgres_error
from consumers.archive.postgres.retention import become_owner
from consumers.archive.postgres.tables import RETIRED_OFFSETS
from consumers.archive.postgres.topic_refs import TopicRefs
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch

Identities = Mapping[tuple[str, int], OffsetSet]
"""Topic and partition → offsets: who records were when they were first published."""

_INSERT: Final = (
    f'INSERT INTO {RETIRED_OFFSETS.name} (topic_ref, "partition", first_offset, last_offset) VALUES %s '  # noqa: S608
    "ON CONFLICT DO NOTHING"
)


class ErasedFromPostgres:
    """Notes records that are kept from the database."""

    def __init__(self, database_url: str, topic_ids: TopicIds) -> None:
        self._database_url = database_url
        self._topic_ids = topic_ids

    def __call__(self, batch: FrameBatch) -> None:
        """Note these rows. Raises PostgresUnavailable or PostgresRefused."""
        self.note(identify(batch))

    def note(self, identities: Identities) -> None:
        """Note these records. Raises PostgresUnavailable or PostgresRefused."""
        with closing(connect(self._database_url, "holistic-archive")) as connection:
            try:
                refs = TopicRefs(self._topic_ids).of({topic for topic, _ in identities}, connection)
                runs = [
                    (refs[topic], partition, first, last)
                    for (topic, partition), offsets in identities.items()
                    for first, last in offsets.runs
                ]
                with connection, connection.cursor() as cursor:
                    become_owner(cursor)
                    execute_values(cursor, _INSERT, runs)
            except psycopg2.Error as error:
                raise explain_postgres_error(error, "noting forgotten records") from error


class ErasedFromParquet:
    """Notes records that are kept from the files, in the chain of the partition they are of."""

    def __init__(self, storage: ArchiveStorage, topic_ids: TopicIds, now_us: Callable[[], int]) -> None:
        self._storage = storage
        self._topic_ids = topic_ids
        self._now_us = now_us
        self._chains: dict[IdentityPartition, Chain] = {}

    def __call__(self, batch: FrameBatch) -> None:
        """Note these rows. Raises StorageUnavailable."""
        self.note(identify(batch))

    def note(self, identities: Identities) -> None:
        """Note these records. Raises StorageUnavailable."""
        for (topic, partition), offsets in identities.items():
            identity = IdentityPartition(topic, self._find_life(topic), partition)
            # Kept, to be read on: of a stream that goes on for ever a chain grows by a run for each of its frames.
            chain = self._chains.setdefault(identity, Chain(self._storage, identity))
            chain.refresh()
            fresh = offsets.without(chain.erased_of(identity).within(int(offsets.firsts[0]), int(offsets.lasts[-1])))
            if len(fresh):
                erased = IdentityOffsets(identity, tuple(fresh.runs))
                chain.replace_files([], [], WRITER, self._now_us(), [erased])

    def _find_life(self, topic: str) -> str:
        try:
            return self._topic_ids(topic)
        except Terminal:
            return next(reversed(known_topic_ids(self._storage, topic)), UNKNOWN_TOPIC_ID)


def identify(batch: FrameBatch) -> Identities:
    """Who the rows of a batch are."""
    found: dict[tuple[str, int], OffsetSet] = {}
    for topic, partition in sorted(
        set(zip(batch.identity_topic.tolist(), batch.identity_partition.tolist(), strict=True))
    ):
        ours = (batch.identity_topic == topic) & (batch.identity_partition == partition)
        found[topic, partition] = OffsetSet.of(batch.identity_offset[ours])
    return found


def group_identities(identities: Sequence[tuple[str, int, int]]) -> Identities:
    """Topics, partitions and offsets, by topic and partition."""
    offsets: dict[tuple[str, int], list[int]] = {}
    for topic, partition, offset in identities:
        offsets.setdefault((topic, partition), []).append(offset)
    return {place: OffsetSet.of(np.array(found, dtype=np.int64)) for place, found in offsets.items()}
