"""Rows of one partition on their way into files that are listed."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import numpy as np

from consumers.archive.parquet.chain import Chain
from consumers.archive.parquet.columns import ColumnGatherer
from consumers.archive.parquet.guests import GuestBook
from consumers.archive.parquet.manifest import Entry, EntryKind, IdentityPartition, ListedFile, Writer
from consumers.archive.parquet.shelf import Shelf, ShelfKey
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.frame import FrameBatch

FRAMES_FOLDER: Final = "frames"
STAGING_FOLDER: Final = "staging"
HOUR_US: Final = 60 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Ownership:
    """A chain, and the claim under which this writer owns it."""

    chain: Chain
    claim: int
    writer: Writer


class PartitionFiles:
    """Gathers an assigned partition's rows in files in memory, and finishes them: durable, and listed by one entry.

    The files stay in memory until their entry exists, so finishing may fail at any step and be tried again.
    """

    def __init__(
        self,
        storage: ArchiveStorage,
        ownership: Ownership,
        guests: GuestBook,
        now_us: Callable[[], int],
        columns: ColumnGatherer,
    ) -> None:
        self._storage = storage
        self._ownership = ownership
        self._guests = guests
        self._now_us = now_us
        self._columns = columns
        self._staging = f"{STAGING_FOLDER}/{ownership.chain.identity.folder}"
        self._growing: dict[ShelfKey, Shelf] = {}
        self._sealed: list[Shelf] = []
        self._next_offset: int | None = None
        self.rows = 0
        self.buffered_since_us: int | None = None
        self.durable_offset: int | None = None
        self.was_taken_over = ownership.chain.next_offset is not None
        """Another had the partition before, and nothing of this owner's is finished yet."""

    @property
    def bytes(self) -> int:
        """Bytes that wait in memory."""
        return sum(shelf.bytes for shelf in (*self._sealed, *self._growing.values()))

    def append(self, batch: FrameBatch) -> None:
        """Gather rows of this partition that are neither listed nor gathered yet."""
        fresh = [self._without_known(identity, rows) for identity, rows in self._by_identity(batch)]
        if self.buffered_since_us is None:
            self.buffered_since_us = self._now_us()
        for rows, identity in fresh:
            for key, in_hour in _by_hour(identity, rows):
                shelf = self._growing.get(key)
                if shelf is None:
                    shelf = self._growing[key] = Shelf(key, self._columns)
                shelf.append(in_hour)
        self.rows += len(batch)
        self._next_offset = int(batch.offset.max()) + 1

    def finish(self) -> list[ListedFile]:
        """Make the gathered rows durable and visible, and return the files that are listed now.

        Raises Fenced when the partition has another owner, StorageUnavailable when the disk is full.
        """
        if self._next_offset is None:
            return []
        # What comes after a failure goes to new files: these are closed.
        self._sealed += self._growing.values()
        self._growing.clear()
        self._sweep(lambda claim: claim == self._ownership.claim)
        begun_at = self._ownership.chain.next_number
        unlisted = [shelf for shelf in self._sealed if not self._is_listed(shelf)]
        files = [self._write_file(shelf) for shelf in unlisted]
        if files or self._next_offset != self._ownership.chain.next_offset:
            self._list(files, self._next_offset, begun_at)
        else:
            self._ownership.chain.check_claim(self._ownership.claim)
        for file in files:
            self._storage.remove(self._staged_path(file.path))
        self._sealed.clear()
        self.rows = 0
        self.buffered_since_us = None
        self.was_taken_over = False
        self.durable_offset, self._next_offset = self._next_offset, None
        return files

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

    def _without_known(self, identity: IdentityPartition, rows: FrameBatch) -> tuple[FrameBatch, IdentityPartition]:
        offsets = rows.identity_offset
        known = self._guests.listed_offsets(identity, self._ownership.chain).holds(offsets)
        for shelf in (*self._sealed, *self._growing.values()):
            if shelf.key.identity == identity:
                known |= shelf.holds(offsets)
        fresh = ~known
        if (np.diff(offsets) <= 0).any():
            repeated = np.ones(len(offsets), dtype=np.bool_)
            repeated[np.unique(offsets, return_index=True)[1]] = False
            fresh &= ~repeated
        return (rows if fresh.all() else rows.take(fresh)), identity

    def _is_listed(self, shelf: Shelf) -> bool:
        """Whether an entry made it although its maker was told it had not (the sync after it failed)."""
        return bool(self._ownership.chain.offsets_of(shelf.key.identity).holds(np.array([shelf.first_offset]))[0])

    def _write_file(self, shelf: Shelf) -> ListedFile:
        path = name_file(shelf.key, shelf.first_offset)
        staged = self._staged_path(path)
        with self._storage.stage(staged) as file:
            file.write(shelf.seal())
        self._storage.publish(staged, path)
        return shelf.describe(path)

    def _list(self, files: list[ListedFile], next_offset: int, begun_at: int) -> None:
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
            begun_at,
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
                self._ownership.chain.settle(self._ownership.writer, self._now_us())
                listed = {file.path for file in self._ownership.chain.files}
            if path not in listed:
                self._storage.remove(path)
            self._storage.remove(staged)


def name_file(key: ShelfKey, first_offset: int) -> str:
    """A path no other file has, which tells people what is in it."""
    date, _, hour_of_day = str(np.datetime64(key.hour, "h")).rpartition("T")
    identity = key.identity
    return (
        f"{FRAMES_FOLDER}/date={date}/hour={hour_of_day}/{quote(identity.topic, safe='')}-p{identity.partition:05d}"
        f"-o{first_offset:020d}-{uuid.uuid4().hex[:12]}.parquet"
    )


def _by_hour(identity: IdentityPartition, rows: FrameBatch) -> Iterator[tuple[ShelfKey, FrameBatch]]:
    hours = rows.captured_at_us // HOUR_US
    for hour in np.unique(hours).tolist():
        in_hour = hours == hour
        yield ShelfKey(identity, hour), rows if in_hour.all() else rows.take(in_hour)
