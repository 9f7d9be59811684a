"""A bounded replay that also replaces what is there: `replay --bounded --rewrite`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.parquet.chain import Overtaken
from consumers.archive.parquet.columns import to_file_columns
from consumers.archive.parquet.file_index import FileIndex, HeldFile
from consumers.archive.parquet.guests import GuestBook, TopicIds, chains_listing
from consumers.archive.parquet.manifest import IdentityPartition, Writer
from consumers.archive.parquet.merging import in_order, read_rows
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.partition_files import HOUR_US
from consumers.archive.parquet.replacing import Replacement, replacing
from consumers.archive.parquet.replay import ParquetReplaySink, ending_when_fenced
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.sink import RollLimits
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

_WRITER: Final = Writer.outside_group("replay --rewrite")
_TICK_S: Final = 0.2
_IDLE_US: Final = 1_000_000
"""When nothing has come for so long, what is there is written: the range may be at its end."""


@dataclass(slots=True)
class _Anew:
    """Rows that are to take the place of a file's rows with the same offsets."""

    identity: IdentityPartition
    rows: list[pa.Table] = field(default_factory=list)
    since: dict[TopicPartition, int] = field(default_factory=dict)
    """The smallest offset among them, by the partition they were read from."""

    @property
    def bytes(self) -> int:
        return sum(rows.nbytes for rows in self.rows)


class ParquetRewriteSink(ParquetReplaySink):
    """Replaces the rows that are listed, and adds those that are not.

    Replayed rows wait, grouped by the file that holds their offset now, until memory is short or nothing more comes.
    Then each such file is replaced, in the chain that lists it, by one with the replayed rows in the place of the old
    ones and the old ones for all other offsets: exactly the same records. What was erased is in no file, and stays
    away. Compaction may replace the same files meanwhile: the rows then go to where their offsets went.
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
        super().__init__(storage, group, topic_ids, now_us, limits, metrics)
        self._identities = GuestBook(storage, _asked_once(topic_ids))
        self._indexes: dict[IdentityPartition, FileIndex] = {}
        self._anew: dict[str, _Anew] = {}
        self._last_put_us = now_us()

    @property
    def tick_interval_s(self) -> float:
        """How often it is looked whether more has come."""
        return _TICK_S if self._holds_rows() else super().tick_interval_s

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Fence other replays. The replay's own offsets hold."""
        self._indexes.clear()
        return super().open(assignment)

    def put(self, batch: FrameBatch) -> None:
        """Buffer the rows. Raises AheadOfLive, Fenced or StorageUnavailable; rows taken twice count once."""
        self.tick()
        for identity, rows in self._identities.identify(batch):
            found = self._index(identity).locate(rows.identity_offset)
            if (found >= 0).any():
                there = rows.take(found >= 0)
                since = {
                    TopicPartition(batch.topic, partition): int(there.offset[there.partition == partition].min())
                    for partition in np.unique(there.partition).tolist()
                }
                self._keep(identity, to_file_columns(there, identity.topic_id), since)
        self._last_put_us = self._now_us()
        super().put(batch)

    def tick(self) -> None:
        """Write what is due. Raises ReplayFenced."""
        with ending_when_fenced():
            while self._anew and self._buffered_bytes() > self._limits.all_bytes:
                self._rewrite(max(self._anew, key=lambda path: self._anew[path].bytes))
        if self._holds_rows() and self._now_us() - self._last_put_us >= _IDLE_US:
            self.flush()
        super().tick()

    def flush(self) -> None:
        """Write everything buffered. Raises ReplayFenced."""
        with ending_when_fenced():
            self._rewrite_all()
        super().flush()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Offsets up to which every row put has replaced an old one, or is in a listed file."""
        return {
            partition: min(
                [offset, *(anew.since[partition] for anew in self._anew.values() if partition in anew.since)]
            )
            for partition, offset in super().durable_offsets().items()
        }

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Drop these partitions' buffered rows; they are read again."""
        self._anew = {path: anew for path, anew in self._anew.items() if not anew.since.keys() & set(revoked)}
        super().close(revoked)

    def stop(self) -> None:
        """Forget what is buffered."""
        self._anew.clear()
        super().stop()

    def _holds_rows(self) -> bool:
        return bool(self._anew) or any(files.rows for files in self._open.values())

    def _buffered_bytes(self) -> int:
        return sum(anew.bytes for anew in self._anew.values()) + sum(files.bytes for files in self._open.values())

    def _keep(self, identity: IdentityPartition, rows: pa.Table, since: Mapping[TopicPartition, int]) -> None:
        """Add rows to what waits for the files that hold their offsets now; those in none were erased meanwhile."""
        index = self._index(identity)
        found = index.locate(rows.column("offset").to_numpy())
        for number in np.unique(found[found >= 0]).tolist():
            anew = self._anew.setdefault(index.files[number].file.path, _Anew(identity))
            anew.rows.append(rows.filter(pa.array(found == number)))
            for partition, offset in since.items():
                anew.since[partition] = min(offset, anew.since.get(partition, offset))

    def _rewrite_all(self) -> None:
        while self._anew:
            self._rewrite(next(iter(self._anew)))

    def _rewrite(self, path: str) -> None:
        anew = self._anew[path]
        held = self._find(anew.identity, path)
        if held is not None:
            try:
                with replacing(self._storage, held.chain, _WRITER, self._now_us) as replacement:
                    _add_files(replacement, held, read_rows(self._storage, held.file), anew.rows)
                    replacement.replace([path])
            except Overtaken:
                held = self._find(anew.identity, path)
                if held is not None:
                    # It is still there: the files that were to replace it were swept up. They are made again.
                    return
        self._indexes.clear()
        if held is None:
            # Somebody replaced the file: the records are elsewhere now. Kept there first, so that a failure drops none.
            for rows in anew.rows:
                self._keep(anew.identity, rows, anew.since)
        del self._anew[path]

    def _find(self, identity: IdentityPartition, path: str) -> HeldFile | None:
        self._indexes.clear()
        return next((held for held in self._index(identity).files if held.file.path == path), None)

    def _index(self, identity: IdentityPartition) -> FileIndex:
        index = self._indexes.get(identity)
        if index is None:
            chains = chains_listing(identity, self._storage)
            for chain in chains:
                chain.refresh()
            index = self._indexes[identity] = FileIndex(identity, chains)
        return index


def _add_files(replacement: Replacement, held: HeldFile, old: pa.Table, replayed: Sequence[pa.Table]) -> None:
    new = _last_of_each(pa.concat_tables(replayed))
    kept = old.filter(pc.invert(pc.is_in(old.column("offset"), new.column("offset").combine_chunks())))
    for hour, tables in _by_hour([kept, new]):
        offsets = OffsetSet.of(np.concatenate([rows.column("offset").to_numpy() for rows in tables]))
        replacement.add_file(ShelfKey(held.file.identity, hour), offsets, in_order(tables), sorted_by_stream=True)


def _last_of_each(rows: pa.Table) -> pa.Table:
    """Each offset once: of a record that was read twice, the later reading."""
    offsets = rows.column("offset").to_numpy()[::-1]
    return rows.take(pa.array(len(offsets) - 1 - np.unique(offsets, return_index=True)[1]))


def _by_hour(tables: Sequence[pa.Table]) -> Iterator[tuple[int, list[pa.Table]]]:
    """The rows by hour of capture time, which a replay may change, the hours in order."""
    hours = [rows.column("captured_at").cast(pa.int64()).to_numpy() // HOUR_US for rows in tables]
    for hour in np.unique(np.concatenate(hours)).tolist():
        parts = [rows.filter(pa.array(of_rows == hour)) for rows, of_rows in zip(tables, hours, strict=True)]
        yield hour, [rows for rows in parts if len(rows)]


def _asked_once(topic_ids: TopicIds) -> TopicIds:
    known: dict[str, str] = {}

    def ask(topic: str) -> str:
        if topic not in known:
            known[topic] = topic_ids(topic)
        return known[topic]

    return ask
