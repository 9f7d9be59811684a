"""Records that were published again, and are listed in the chain of the partition they came by.

They keep the identity they had, so what a partition holds may be listed in other chains too. A marker file,
`guests/<identity partition>/<chain>`, says in which.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import quote, unquote

import numpy as np

from consumers.archive.parquet.chain import Chain, known_topic_ids
from consumers.archive.parquet.manifest import LONGEST_TOPIC, IdentityPartition
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.storage import DRAFT_SUFFIX, ArchiveStorage
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch

GUESTS_FOLDER: Final = "guests"
UNKNOWN_TOPIC_ID: Final = "unknown"

TopicIds = Callable[[str], str]
"""Asks Kafka for a topic's id; raises Terminal when there is no such topic, Transient when Kafka is away."""


class OriginTooLong(Terminal):
    """Records say they are of a topic whose name no file can have. Fields: topic."""


def chains_listing(identity: IdentityPartition, storage: ArchiveStorage) -> list[Chain]:
    """All chains that may list records of a partition, its own among them, not read yet."""
    markers = storage.list_files(f"{GUESTS_FOLDER}/{identity.folder}")
    names = {marker.rpartition("/")[2] for marker in markers if not marker.endswith(DRAFT_SUFFIX)}
    folders = {unquote(name) for name in names} | {identity.folder}
    return [Chain(storage, IdentityPartition.of_folder(folder)) for folder in sorted(folders)]


class GuestBook:
    """Knows which chains list records of an identity partition."""

    def __init__(self, storage: ArchiveStorage, topic_ids: TopicIds) -> None:
        self._storage = storage
        self._topic_ids = topic_ids
        self._elsewhere: dict[tuple[IdentityPartition, IdentityPartition], list[Chain]] = {}

    def identify(self, batch: FrameBatch) -> Iterator[tuple[IdentityPartition, FrameBatch]]:
        """Split rows by the identity partition they belong to. Raises OriginTooLong."""
        for topic in sorted(set(batch.identity_topic.tolist())):
            if len(topic) > LONGEST_TOPIC:
                raise OriginTooLong(
                    f"files of topic {topic} would have names longer than file systems take", topic=topic
                )
            of_topic = batch.take(batch.identity_topic == topic)
            topic_id = self._topic_id(topic)
            for partition in np.unique(of_topic.identity_partition).tolist():
                identity = IdentityPartition(topic, topic_id, partition)
                self._forget(identity)
                yield identity, of_topic.take(of_topic.identity_partition == partition)

    def listed_offsets(self, identity: IdentityPartition, chain: Chain) -> OffsetSet:
        """Which records of the identity partition are listed, in this chain or another one."""
        listed = chain.offsets_of(identity)
        for other in self._others(identity, chain):
            listed = listed.union(other.offsets_of(identity))
        return listed

    def register(self, identities: Iterable[IdentityPartition], chain: Chain) -> None:
        """Say that this chain is about to list records of these partitions."""
        for identity in identities:
            if identity != chain.identity:
                self._storage.create(f"{GUESTS_FOLDER}/{identity.folder}/{quote(chain.identity.folder, safe='')}", b"")

    def _forget(self, identity: IdentityPartition) -> None:
        """Read the other chains again: their owners may have listed more."""
        self._elsewhere = {key: chains for key, chains in self._elsewhere.items() if key[0] != identity}

    def _others(self, identity: IdentityPartition, chain: Chain) -> list[Chain]:
        others = self._elsewhere.get((identity, chain.identity))
        if others is None:
            others = self._find_others(identity, chain)
            self._elsewhere[identity, chain.identity] = others
        return others

    def _find_others(self, identity: IdentityPartition, chain: Chain) -> list[Chain]:
        others = [other for other in chains_listing(identity, self._storage) if other.identity != chain.identity]
        for other in others:
            other.refresh()
        return others

    def _topic_id(self, topic: str) -> str:
        try:
            return self._topic_ids(topic)
        except Terminal:
            known = known_topic_ids(self._storage, topic)
            return known[-1] if known else UNKNOWN_TOPIC_ID
