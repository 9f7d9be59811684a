"""What a restore needs of a store."""

from collections.abc import Iterator
from typing import Protocol

from connect_runtime.forgetting.streams import ForgottenStreams
from consumers.archive.parquet.chain import known_topic_ids
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.restore.reading import read_in_order
from consumers.archive.restore.survey import ArchivedPartition, Survey, Wanted, survey_archive
from keypoints.frame import FrameBatch


class RestoreSource(Protocol):
    """A store that records are restored from. Every call raises what reading the store raises."""

    def known_lives(self, topic: str) -> list[str]:
        """Ids under which the store knows a topic, the newest at the end."""

    def survey(self, wanted: Wanted, forgotten: ForgottenStreams) -> Survey:
        """Which records there are."""

    def read(self, partition: ArchivedPartition) -> Iterator[FrameBatch]:
        """The records at the partition's offsets, each once, ascending; keys and headers as they were."""


class ParquetSource:
    """The listed files."""

    def __init__(self, storage: ArchiveStorage) -> None:
        self._storage = storage

    def known_lives(self, topic: str) -> list[str]:
        """See RestoreSource."""
        return known_topic_ids(self._storage, topic)

    def survey(self, wanted: Wanted, forgotten: ForgottenStreams) -> Survey:
        """See RestoreSource."""
        return survey_archive(self._storage, wanted, forgotten)

    def read(self, partition: ArchivedPartition) -> Iterator[FrameBatch]:
        """See RestoreSource."""
        return read_in_order(self._storage, partition)
