"""Rows of one partition on their way into files that are listed."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import numpy as np
import pyarrow.parquet as pq

from consumers.archive.parquet.columns import to_file_columns
from consumers.archive.parquet.guests import GuestBook
from consumers.archive.parquet.manifest import Chain, Entry, EntryKind, IdentityPartition, ListedFile, Writer
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.schema import FRAMES, writer_options
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES

FRAMES_FOLDER: Final = "frames"
STAGING_FOLDER: Final = "staging"
_HOUR_US: Final = 60 * 60 * 1_000_000
_ROW_GROUP_ROWS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Ownership:
    """A chain, and the claim under which this writer owns it."""

    chain: Chain
    claim: int
    writer: Writer


class PartitionFiles:
    """Buffers an assigned partition's rows, and finishes them: written, durable, and listed by one entry.

    Rows stay buffered until their entry exists, so finishing may fail at any step and be tried again.
    """

    def __init__(
        self, storage: ArchiveStorage, ownership: Ownership, guests: GuestBook, now_us: Callable[[], int]
    ) -> None:
        self._storage = storage
        self._ownership = ownership
        self._guests = guests
        self._now_us = now_us
        self._batches: list[FrameBatch] = []
        self._staging = f"{STAGING_FOLDER}/{ownership.chain.identity.folder}"
        self.rows = 0
        self.bytes = 0
        self.buffered_since_us: int | None = None
        self.durable_offset: int | None = None

    def append(self, batch: FrameBatch) -> None:
        """Buffer rows of this partition."""
        if self.buffered_since_us is None:
            self.buffered_since_us = self._now_us()
        self._batches.append(batch)
        self.rows += len(batch)
        self.bytes += sum(batch.part(part).nbytes for part in PART_SHAPES)

    def finish(self) -> None:
        """Make the buffered rows durable and visible, those that are not listed already.

        Raises Fenced when the partition has another owner, StorageUnavailable when the disk is full.
        """
        if not self._batches:
            return
        batch = FrameBatch.concat(self._batches)
        next_offset = int(batch.offset.max()) + 1
        self._sweep(lambda claim: claim == self._ownership.claim)
        files = [
            self._write_file(identity, bucket)
            for identity, rows in self._by_identity(batch)
            for bucket in _by_hour(self._without_listed(identity, rows))
        ]
        if files or next_offset != self._ownership.chain.next_offset:
            self._list(files, next_offset)
        else:
            self._ownership.chain.check_claim(self._ownership.claim)
        for file in files:
            self._storage.remove(self._staged_path(file.path))
        self._batches.clear()
        self.rows = self.bytes = 0
        self.buffered_since_us = None
        self.durable_offset = next_offset

    def sweep_former_owners(self) -> None:
        """Remove what former owners left unfinished; they are fenced, so that nothing of it can become visible."""
        self._sweep(lambda claim: claim < self._ownership.claim)

    def _by_identity(self, batch: FrameBatch) -> Iterator[tuple[IdentityPartition, FrameBatch]]:
        own = self._ownership.chain.identity
        at_home = (batch.identity_topic == own.topic) & (batch.identity_partition == own.partition)
        if at_home.all():
            yield own, batch
            return
        yield own, batch.take(at_home)
        yield from self._guests.identify(batch.take(~at_home))

    def _without_listed(self, identity: IdentityPartition, rows: FrameBatch) -> FrameBatch:
        _, first_seen = np.unique(rows.identity_offset, return_index=True)
        once = rows if len(first_seen) == len(rows) else rows.take(np.sort(first_seen))
        listed = self._guests.listed_offsets(identity, self._ownership.chain)
        there = listed.holds(once.identity_offset)
        return once.take(~there) if there.any() else once

    def _write_file(self, identity: IdentityPartition, rows: FrameBatch) -> ListedFile:
        path = self._name(identity, rows)
        staged = self._staged_path(path)
        with self._storage.stage(staged) as file:
            with pq.ParquetWriter(file, FRAMES, **writer_options()) as writer:
                writer.write_table(to_file_columns(rows, identity.topic_id), row_group_size=_ROW_GROUP_ROWS)
            size = file.tell()
        self._storage.publish(staged, path)
        return ListedFile(
            path=path,
            identity=identity,
            rows=len(rows),
            bytes=size,
            offsets=tuple(OffsetSet.of(rows.identity_offset).runs),
            captured_from_us=int(rows.captured_at_us.min()),
            captured_to_us=int(rows.captured_at_us.max()),
        )

    def _name(self, identity: IdentityPartition, rows: FrameBatch) -> str:
        hour = np.datetime64(int(rows.captured_at_us[0]) // _HOUR_US, "h")
        date, _, hour_of_day = str(hour).rpartition("T")
        topic = quote(identity.topic, safe="")
        return (
            f"{FRAMES_FOLDER}/date={date}/hour={hour_of_day}/{topic}-p{identity.partition:05d}"
            f"-o{int(rows.identity_offset.min()):020d}-{uuid.uuid4().hex[:12]}.parquet"
        )

    def _list(self, files: list[ListedFile], next_offset: int) -> None:
        chain, claim = self._ownership.chain, self._ownership.claim
        self._guests.register({file.identity for file in files}, chain)
        chain.append(
            Entry(
                number=chain.next_number,
                kind=EntryKind.FILES,
                writer=self._ownership.writer,
                written_at_us=self._now_us(),
                next_offset=next_offset,
                files=tuple(files),
            ),
            claim,
        )

    def _staged_path(self, path: str) -> str:
        return f"{self._staging}/{self._ownership.claim:020d}/{path}"

    def _sweep(self, unfinished: Callable[[int], bool]) -> None:
        """Remove staged files of these claims, and the published ones among them that no entry lists."""
        listed: set[str] | None = None
        for staged in self._storage.list_files(self._staging):
            claim, _, path = staged.removeprefix(f"{self._staging}/").partition("/")
            if not unfinished(int(claim)):
                continue
            if listed is None:
                self._ownership.chain.refresh()
                listed = {file.path for file in self._ownership.chain.files}
            if path not in listed:
                self._storage.remove(path)
            self._storage.remove(staged)


def _by_hour(rows: FrameBatch) -> Iterator[FrameBatch]:
    hours = rows.captured_at_us // _HOUR_US
    for hour in np.unique(hours):
        in_hour = hours == hour
        yield rows if in_hour.all() else rows.take(in_hour)
