"""Rows of one partition on their way into files that are listed."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
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

FRAMES_FOLDER: Final = "frames"
STAGING_FOLDER: Final = "staging"
_HOUR_US: Final = 60 * 60 * 1_000_000
_ROW_GROUP_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Ownership:
    """A chain, and the claim under which this writer owns it."""

    chain: Chain
    claim: int
    writer: Writer


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows that share a file: of one identity partition, captured in one hour (counted since 1970)."""

    identity: IdentityPartition
    hour: int


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
        self.bytes += batch.coordinate_bytes

    def finish(self) -> None:
        """Make the buffered rows durable and visible, those that are not listed already.

        Raises Fenced when the partition has another owner, StorageUnavailable when the disk is full.
        """
        if not self._batches:
            return
        next_offset = max(int(batch.offset.max()) for batch in self._batches) + 1
        self._sweep(lambda claim: claim == self._ownership.claim)
        shelves: dict[Shelf, list[FrameBatch]] = {}
        for identity, batches in self._by_identity().items():
            for shelf, rows in _by_hour(identity, self._without_listed(identity, batches)):
                shelves.setdefault(shelf, []).append(rows)
        files = [self._write_file(shelf, batches) for shelf, batches in shelves.items()]
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

    def _by_identity(self) -> dict[IdentityPartition, list[FrameBatch]]:
        own = self._ownership.chain.identity
        found: dict[IdentityPartition, list[FrameBatch]] = {own: []}
        for batch in self._batches:
            at_home = (batch.identity_topic == own.topic) & (batch.identity_partition == own.partition)
            if at_home.all():
                found[own].append(batch)
                continue
            found[own].append(batch.take(at_home))
            for identity, rows in self._guests.identify(batch.take(~at_home)):
                found.setdefault(identity, []).append(rows)
        return found

    def _without_listed(self, identity: IdentityPartition, batches: Sequence[FrameBatch]) -> Iterator[FrameBatch]:
        """The rows that are in no listed file yet, each once."""
        if not batches:
            return
        offsets = np.concatenate([batch.identity_offset for batch in batches])
        fresh = np.zeros(len(offsets), dtype=np.bool_)
        fresh[np.unique(offsets, return_index=True)[1]] = True
        fresh &= ~self._guests.listed_offsets(identity, self._ownership.chain).holds(offsets)
        first = 0
        for batch in batches:
            wanted = fresh[first : first + len(batch)]
            first += len(batch)
            if wanted.all():
                yield batch
            elif wanted.any():
                yield batch.take(wanted)

    def _write_file(self, shelf: Shelf, batches: Sequence[FrameBatch]) -> ListedFile:
        offsets = np.concatenate([batch.identity_offset for batch in batches])
        captured_at_us = np.concatenate([batch.captured_at_us for batch in batches])
        path = self._name(shelf, int(offsets.min()))
        staged = self._staged_path(path)
        with self._storage.stage(staged) as file:
            with pq.ParquetWriter(file, FRAMES, **writer_options()) as writer:
                for rows in _in_row_groups(batches):
                    writer.write_table(to_file_columns(rows, shelf.identity.topic_id))
            size = file.tell()
        self._storage.publish(staged, path)
        return ListedFile(
            path=path,
            identity=shelf.identity,
            rows=len(offsets),
            bytes=size,
            offsets=tuple(OffsetSet.of(offsets).runs),
            captured_from_us=int(captured_at_us.min()),
            captured_to_us=int(captured_at_us.max()),
        )

    def _name(self, shelf: Shelf, first_offset: int) -> str:
        date, _, hour_of_day = str(np.datetime64(shelf.hour, "h")).rpartition("T")
        topic = quote(shelf.identity.topic, safe="")
        return (
            f"{FRAMES_FOLDER}/date={date}/hour={hour_of_day}/{topic}-p{shelf.identity.partition:05d}"
            f"-o{first_offset:020d}-{uuid.uuid4().hex[:12]}.parquet"
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


def _by_hour(identity: IdentityPartition, batches: Iterable[FrameBatch]) -> Iterator[tuple[Shelf, FrameBatch]]:
    for batch in batches:
        hours = batch.captured_at_us // _HOUR_US
        for hour in np.unique(hours).tolist():
            in_hour = hours == hour
            yield Shelf(identity, hour), batch if in_hour.all() else batch.take(in_hour)


def _in_row_groups(batches: Sequence[FrameBatch]) -> Iterator[FrameBatch]:
    """Joined to about a row group's size, so that never more than one is held twice."""
    group: list[FrameBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(map(len, group)) >= _ROW_GROUP_ROWS:
            yield FrameBatch.concat(group)
            group = []
    if group:
        yield FrameBatch.concat(group)
