"""One partition's chain of manifest entries: each is made exclusively, after the one before.

Whoever takes a partition over adds an entry that claims the chain; from then on a former owner's next entry finds its
number taken, sees the claim, and is fenced. Files are replaced by entries that claim nothing: the owner that finds its
number taken by one of them takes the next.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from consumers.archive.parquet.chain_state import NO_OFFSETS, ChainState
from consumers.archive.parquet.manifest import (
    MANIFEST_FOLDER,
    Checkpoint,
    Entry,
    EntryKind,
    IdentityOffsets,
    IdentityPartition,
    ListedFile,
    Writer,
    checkpoint_name,
    decode_checkpoint,
    decode_entry,
    decode_identity,
    encode,
    entry_name,
    read_number,
)
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing, StorageUnavailable
from keypoints.errors import Transient

ENTRIES_BETWEEN_CHECKPOINTS: Final = 64
_ENTRIES_KEPT: Final = 64
"""Before a checkpoint: a writer that looks for the entry before its own finds it, unless it slept very long."""
_READINGS: Final = 5
_FROM_ANYONE: Final = frozenset({EntryKind.REPLACED, EntryKind.SWEPT})
_REPLAY_SUFFIX: Final = "~replay"


class Fenced(Transient):
    """Somebody else has taken the partition over; what this writer holds must not become visible.

    Transient, for a true owner that lost a race gets the partition again. Fields: topic, partition, entry.
    """


class AnswerLost(StorageUnavailable):
    """An owner's earlier try made the entry after all: what is listed now may be all there was to do. Fields: path."""


class SweptUp(StorageUnavailable):
    """It took an owner so long that its files were taken for leftovers: they are to be made again. Fields: path."""


class Overtaken(Transient):
    """Files that were to be replaced have been replaced already, by somebody else, or it took so long that the new ones
    were swept up. Nothing was changed. Fields: topic, partition, path.
    """


class Chain:
    """A partition's entries as read so far, and the means to add one."""

    def __init__(self, storage: ArchiveStorage, identity: IdentityPartition) -> None:
        self.identity = identity
        self._storage = storage
        self._folder = f"{MANIFEST_FOLDER}/{identity.folder}"
        self._is_unanswered = False
        self._checkpointed = 0
        self._read = ChainState()

    def refresh(self) -> list[Entry]:
        """Read the entries that were added since, and return them (those before a checkpoint are in its sum)."""
        for _ in range(_READINGS):
            try:
                return self._read_on()
            except FileMissing as error:
                # An entry that was there a moment ago is gone: a checkpoint was made, and holds it.
                failure = error
        raise failure

    def claim(self, writer: Writer, now_us: int) -> int:
        """Become the owner, fencing all earlier ones. Returns the number of the claim."""
        self.refresh()
        while True:
            entry = Entry(self.next_number, EntryKind.CLAIM, writer, now_us)
            if self._create(entry):
                self._remove_drafts()
                return entry.number
            self.refresh()

    def append(self, entry: Entry, claim: int, begun_at: int | None = None) -> Entry:
        """Add the owner's entry under the next number, and return it numbered.

        `begun_at` is the chain's next number before the files of the entry were published. Raises Fenced when `claim`
        is no longer the last claim, AnswerLost when an earlier try of its owner's made one, and SweptUp when somebody
        swept up since `begun_at`.
        """
        while True:
            self.check_claim(claim)
            if self._was_swept_since(begun_at):
                raise SweptUp(f"files of {self._folder} were swept up before they were listed", path=self._folder)
            numbered = replace(entry, number=self.next_number)
            if self._create(numbered):
                self.make_checkpoint_when_due(entry.written_at_us)
                return numbered
            fresh = self.refresh()
            self.check_claim(claim)
            if any(other.kind not in _FROM_ANYONE for other in fresh):
                raise AnswerLost(
                    f"entry {numbered.number} of {self._folder} was made, though its maker was told it was not",
                    path=self._folder,
                )

    def replace_files(
        self,
        removes: Collection[str],
        files: Sequence[ListedFile],
        writer: Writer,
        now_us: int,
        erased: Sequence[IdentityOffsets] = (),
        begun_at: int | None = None,
    ) -> Entry:
        """Let files take the place of others of this chain, in one step, beside whoever owns it.

        The new files hold the same records as the ones removed, less those `erased`. Raises Overtaken, and changes
        nothing, when one of the files is not there any more, or when somebody swept up since `begun_at`, the chain's
        next number before the new files were published.
        """
        while True:
            if self._was_swept_since(begun_at):
                raise Overtaken(
                    "it took so long that its files were taken for leftovers",
                    topic=self.identity.topic,
                    partition=self.identity.partition,
                    path=next(iter(removes), None),
                )
            gone = next((path for path in removes if path not in self._read.files), None)
            if gone is not None:
                raise Overtaken(
                    f"{gone} was replaced by somebody else meanwhile",
                    topic=self.identity.topic,
                    partition=self.identity.partition,
                    path=gone,
                )
            entry = Entry(
                number=self.next_number,
                kind=EntryKind.REPLACED,
                writer=writer,
                written_at_us=now_us,
                files=tuple(files),
                removes=tuple(removes),
                erased=tuple(erased),
            )
            if self._create(entry):
                return entry
            self.refresh()

    def settle(self, writer: Writer, now_us: int) -> None:
        """Read on, and keep an entry that was tried without an answer from being made from now on.

        A store may carry out late what it was asked: whoever removes files such an entry would list settles first.
        """
        if self._is_unanswered:
            self.mark_swept(writer, now_us)
        else:
            self.refresh()

    def mark_swept(self, writer: Writer, now_us: int) -> Entry:
        """Keep every file that was begun before, and is not listed yet, from ever being listed.

        Whoever is about to remove such files marks first, reads which files are listed, and removes the others.
        """
        while True:
            entry = Entry(self.next_number, EntryKind.SWEPT, writer, now_us)
            if self._create(entry):
                return entry
            self.refresh()

    def make_checkpoint(self, now_us: int) -> None:
        """Sum the entries read so far up, so that nobody need read them again, and remove all but the newest."""
        if not self.next_number:
            return
        content = self.sum_up(now_us)
        self._storage.create(f"{self._folder}/{checkpoint_name(content.number)}", encode(self.identity, content))
        self._checkpointed = content.number
        self._remove_summed_up(content.number)

    def sum_up(self, now_us: int) -> Checkpoint:
        """All entries read so far, at least one, as a checkpoint."""
        return self._read.sum_up(now_us)

    def offsets_of(self, identity: IdentityPartition) -> OffsetSet:
        """Which records of an identity partition (nearly always this one) were archived through this chain."""
        return self._read.offsets.get(identity, NO_OFFSETS)

    def erased_of(self, identity: IdentityPartition) -> OffsetSet:
        """Which of these records were erased for good."""
        return self._read.erased.get(identity, NO_OFFSETS)

    @property
    def files(self) -> list[ListedFile]:
        """The files that exist."""
        return list(self._read.files.values())

    @property
    def replaced(self) -> Mapping[str, int]:
        """Path → when (microseconds since 1970) a file was replaced, of those replaced lately."""
        return self._read.replaced

    @property
    def identities(self) -> list[IdentityPartition]:
        """The identity partitions of which records were archived through this chain."""
        return list(self._read.offsets)

    @property
    def next_number(self) -> int:
        """Number the next entry must have; 0: the chain has not begun."""
        return self._read.next_number

    @property
    def next_offset(self) -> int | None:
        """Offset its owner goes on from, None where no entry says."""
        return self._read.next_offset

    @property
    def last_claim(self) -> int | None:
        """Number of the claim of whoever owns the chain; None before the first."""
        return self._read.last_claim

    def check_claim(self, claim: int) -> None:
        """Raise Fenced when another claim than this one is the last one read."""
        if claim != self.last_claim:
            raise self._fenced()

    def _was_swept_since(self, begun_at: int | None) -> bool:
        last_sweep = self._read.last_sweep
        return begun_at is not None and last_sweep is not None and last_sweep >= begun_at

    def _fenced(self) -> Fenced:
        return Fenced(
            f"partition {self.identity.partition} of {self.identity.topic} has another owner now",
            topic=self.identity.topic,
            partition=self.identity.partition,
            entry=self.last_claim,
        )

    def _read_on(self) -> list[Entry]:
        paths = self._storage.list_files(self._folder)
        entries = {number: path for path in paths if (number := read_number(path)) is not None}
        summed_up = max((n for path in paths if (n := read_number(path, checkpoint=True)) is not None), default=None)
        if summed_up is not None and summed_up >= self.next_number:
            self._learn_checkpoint(summed_up)
        fresh: list[Entry] = []
        unread = [entries[number] for number in sorted(entries) if number >= self.next_number]
        for path, content in zip(unread, self._storage.read_all(unread), strict=True):
            entry = decode_entry(content, path)
            self._read.learn(entry)
            fresh.append(entry)
        return fresh

    def _learn_checkpoint(self, number: int) -> None:
        path = f"{self._folder}/{checkpoint_name(number)}"
        self._read = ChainState.after(decode_checkpoint(self._storage.read(path), path))
        self._checkpointed = number

    def make_checkpoint_when_due(self, now_us: int) -> None:
        """Sum up a chain that has grown long."""
        if self.next_number - self._checkpointed > ENTRIES_BETWEEN_CHECKPOINTS:
            self.make_checkpoint(now_us)

    def _remove_summed_up(self, number: int) -> None:
        """Oldest first, so that where an entry is gone the one before it is too."""
        for path in self._storage.list_files(self._folder):
            entry = read_number(path)
            older_sum = read_number(path, checkpoint=True)
            if (entry is not None and entry < number - _ENTRIES_KEPT) or (older_sum is not None and older_sum < number):
                self._storage.remove(path)

    def _remove_drafts(self) -> None:
        """Remove what writers that died left; one that lives fails to make its entry, and finds itself fenced."""
        for path in self._storage.list_files(self._folder):
            if not path.endswith(".json"):
                self._storage.remove(path)

    def _create(self, entry: Entry) -> bool:
        self._is_unanswered = True
        made = self._storage.create(f"{self._folder}/{entry_name(entry.number)}", encode(self.identity, entry))
        self._is_unanswered = False
        if not made:
            return False
        if entry.number and not self._storage.exists(f"{self._folder}/{entry_name(entry.number - 1)}"):
            # The number was free because its entry was summed up and removed: this writer slept through all of it.
            self._storage.remove(f"{self._folder}/{entry_name(entry.number)}")
            self.refresh()
            raise self._fenced()
        self._read.learn(entry)
        return True


def list_chains(storage: ArchiveStorage) -> list[Chain]:
    """Every partition's chain, read to its end."""
    # The newest of each folder: the oldest may be summed up and removed just now.
    newest = {path.rpartition("/")[0]: path for path in storage.list_files(MANIFEST_FOLDER) if path.endswith(".json")}
    chains = [Chain(storage, decode_identity(storage.read(path), path)) for path in newest.values()]
    for chain in chains:
        chain.refresh()
    return chains


def replay_chain(storage: ArchiveStorage, identity: IdentityPartition) -> Chain:
    """The chain bounded replays of a partition write to, one at a time, beside the one its live owner writes to.

    Its name can be no topic's: Kafka's have no tilde.
    """
    return Chain(storage, replace(identity, topic=f"{identity.topic}{_REPLAY_SUFFIX}"))


def known_topic_ids(storage: ArchiveStorage, topic: str) -> list[str]:
    """Ids under which the archive knows a topic, the one written to last at the end."""
    last_written: dict[str, int] = {}
    for chain in list_chains(storage):
        if chain.identity.topic == topic:
            newest = max((file.captured_to_us for file in chain.files), default=0)
            last_written[chain.identity.topic_id] = max(last_written.get(chain.identity.topic_id, 0), newest)
    return sorted(last_written, key=lambda topic_id: last_written[topic_id])
