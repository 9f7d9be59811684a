"""The sink that keeps frames in Parquet files."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from connect_runtime.sink import Assignment, SinkFailed, TopicPartition
from consumers.archive.metrics import ParquetMetrics
from consumers.archive.parquet.chain import Chain, replay_chain
from consumers.archive.parquet.columns import ColumnGatherer
from consumers.archive.parquet.guests import GuestBook, TopicIds
from consumers.archive.parquet.manifest import LONGEST_TOPIC, Entry, EntryKind, IdentityPartition, Writer
from consumers.archive.parquet.partition_files import Ownership, PartitionFiles
from consumers.archive.parquet.restoring import refuse_half_restored
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.errors import HolisticError
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

_TICK_S: Final = 0.2
_IDLE_TICK_S: Final = 1.0
_TAKEN_OVER_AT_ONCE: Final = 8
_NO_OFFSET: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RollLimits:
    """When a partition's rows become files: at the first of these."""

    rows: int = 20_000
    bytes: int = 96 * 1024 * 1024
    """In memory, which is about the size of the files."""
    age_s: float = 60.0
    """Since the first row was buffered, by the clock on the wall, also when nothing more arrives."""
    first_age_s: float = 1.0
    """The same for the first file of a partition that another had before: what waited for this owner is overdue."""
    all_bytes: int = 128 * 1024 * 1024
    """Over all partitions together: beyond it the largest is finished."""


class ParquetSink:
    """Buffers frames by partition and finishes them into files of an hour of capture time each.

    The manifest says where to go on, and what is there already; the group's committed offsets only follow it.
    """

    def __init__(
        self,
        storage: ArchiveStorage,
        group: str,
        topic_ids: TopicIds,
        now_us: Callable[[], int],
        limits: RollLimits | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._storage = storage
        self._group = group
        self._topic_ids = topic_ids
        self._now_us = now_us
        self._limits = limits or RollLimits()
        self._metrics = ParquetMetrics(metrics or Metrics())
        self._columns = ColumnGatherer()
        self._open: dict[TopicPartition, PartitionFiles] = {}

    @property
    def tick_interval_s(self) -> float:
        """How often ages are looked at, where there are any."""
        buffers = any(files.rows for files in self._open.values())
        return min(_TICK_S, self._limits.age_s / 4) if buffers else _IDLE_TICK_S

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Take the partitions' chains over, fencing former owners, and tidy up what they left.

        Raises RestoreUnderWay and StorageUnavailable.
        """
        refuse_half_restored(self._storage)
        writer = Writer.of(self._group, assignment)
        guests = GuestBook(self._storage, self._topic_ids)
        chains = [self._chain_to_write(partition) for partition in assignment.partitions]

        def take_over(chain: Chain) -> PartitionFiles:
            ownership = Ownership(chain, chain.claim(writer, self._now_us()), writer)
            files = PartitionFiles(self._storage, ownership, guests, self._now_us, self._columns)
            files.sweep_former_owners()
            return files

        # Nothing is read of any partition until all are taken over, and nearly all of that is waiting for the storage.
        with ThreadPoolExecutor(_TAKEN_OVER_AT_ONCE, thread_name_prefix="taking-over") as pool:
            opened = dict(zip(assignment.partitions, pool.map(take_over, chains), strict=True))
        next_offsets: dict[TopicPartition, int] = {}
        for partition, chain in zip(assignment.partitions, chains, strict=True):
            if chain.next_offset is not None:
                # Records that were kept back are done with, and may be gone from the topic: none need be missed there.
                unfinished = chain.erased_of(chain.identity).missing(chain.next_offset, _NO_OFFSET)
                next_offsets[partition] = unfinished[0][0]
        self._open |= opened
        return next_offsets

    def put(self, batch: FrameBatch) -> None:
        """Buffer the rows. Raises Fenced or StorageUnavailable, before taking the rows."""
        # Finish first: a failure then leaves the batch untaken, and the same call can be made again.
        try:
            self.tick()
        except HolisticError:
            raise
        except Exception as error:
            # About rows taken before, not about these.
            raise SinkFailed(f"finishing files: {type(error).__name__}: {error}") from error
        for partition in np.unique(batch.partition).tolist():
            of_partition = batch.partition == partition
            rows = batch if of_partition.all() else batch.take(of_partition)
            self._open[TopicPartition(batch.topic, partition)].append(rows)

    def tick(self) -> None:
        """Finish what has reached a limit."""
        for files in self._open.values():
            if self._is_due(files):
                self._finish(files)
        while sum(files.bytes for files in self._open.values()) > self._limits.all_bytes:
            self._finish(max(self._open.values(), key=lambda files: files.bytes))

    def flush(self) -> None:
        """Finish everything buffered."""
        for files in self._open.values():
            self._finish(files)

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Offsets up to which every row put is in a listed file."""
        return {
            partition: files.durable_offset
            for partition, files in self._open.items()
            if files.durable_offset is not None
        }

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Drop these partitions' buffered rows; the next owner reads them again."""
        for partition in revoked:
            self._open.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Record where to go on from. Files stay: offsets that are listed are skipped when they come again.

        Raises RestoreUnderWay and StorageUnavailable.
        """
        refuse_half_restored(self._storage)
        writer = Writer(self._group, generation=-1, member_id="alter-offsets")
        for partition, offset in offsets.items():
            chain = self._chain(partition)
            now_us = self._now_us()
            claim = chain.claim(writer, now_us)
            entry = Entry(chain.next_number, EntryKind.MOVED, writer, now_us, offset, forgets_offset=offset is None)
            chain.append(entry, claim)
            # A replay that is under way beside may be where this writer comes again.
            beside = replay_chain(self._storage, chain.identity)
            beside.refresh()
            if beside.next_number:
                beside.claim(writer, now_us)

    def stop(self) -> None:
        """Forget what is buffered; it was flushed before, or will be read again."""
        self._open.clear()

    def _is_due(self, files: PartitionFiles) -> bool:
        if files.rows >= self._limits.rows or files.bytes >= self._limits.bytes:
            return True
        if files.buffered_since_us is None:
            return False
        age_s = self._limits.age_s
        if files.was_taken_over:
            age_s = min(age_s, self._limits.first_age_s)
        return files.buffered_since_us <= self._now_us() - int(age_s * 1e6)

    def _finish(self, files: PartitionFiles) -> None:
        began_us = self._now_us()
        self._metrics.finished(files.finish(), (self._now_us() - began_us) / 1e6)

    def _chain_to_write(self, partition: TopicPartition) -> Chain:
        return self._chain(partition)

    def _chain(self, partition: TopicPartition) -> Chain:
        if len(partition.topic) > LONGEST_TOPIC:
            raise SinkFailed(
                f"files of topic {partition.topic} would have names longer than file systems take",
                hint=f"archive topics with names of more than {LONGEST_TOPIC} characters to Postgres alone",
                topic=partition.topic,
            )
        identity = IdentityPartition(partition.topic, self._topic_ids(partition.topic), partition.partition)
        return Chain(self._storage, identity)
