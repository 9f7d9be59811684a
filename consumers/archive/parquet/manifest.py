"""Which files exist: one chain of numbered entries for each partition, each made exclusively after the one before.

An entry is a small JSON file, `manifest/<topic>@<topic id>/<partition>/<number>.json`. A file no entry lists does not
exist. Whoever takes a partition over adds an entry that claims the chain; from then on a former owner's next entry
finds its number taken, sees the claim, and is fenced.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import orjson

from connect_runtime.sink import Assignment, SinkFailed
from consumers.archive.parquet.offset_set import OffsetSet, Run
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.errors import Transient

MANIFEST_FOLDER: Final = "manifest"
ENTRY_FORMAT: Final = 1
_REPLAY_SUFFIX: Final = "~replay"


class Fenced(Transient):
    """Somebody else has taken the partition over; what this writer holds must not become visible.

    Transient, for a true owner that lost a race gets the partition again. Fields: topic, partition, entry.
    """


class ManifestUnreadable(SinkFailed):
    """An entry this version cannot read. Fields: path."""


@dataclass(frozen=True, slots=True)
class IdentityPartition:
    """A partition of one life of a topic: deleted and made again, the same name has another id."""

    topic: str
    topic_id: str
    partition: int

    @property
    def folder(self) -> str:
        """Its place below the manifest, and below the staging area."""
        return f"{quote(self.topic, safe='')}@{quote(self.topic_id, safe='')}/{self.partition:05d}"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that exists, holding rows of one identity partition. Times in microseconds since 1970."""

    path: str
    identity: IdentityPartition
    rows: int
    bytes: int
    offsets: tuple[Run, ...]
    captured_from_us: int
    captured_to_us: int


class EntryKind(StrEnum):
    """Why an entry is there."""

    CLAIM = "claim"
    """A new owner: all earlier owners are fenced."""
    FILES = "files"
    """Files became visible."""
    MOVED = "moved"
    """A user moved the offset to go on from; files stay."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who makes entries: a member of a group in one of its generations."""

    group: str
    generation: int
    member_id: str

    @classmethod
    def of(cls, group: str, assignment: Assignment) -> "Writer":
        """The member that got this assignment."""
        return cls(group, assignment.generation, assignment.member_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a chain. `next_offset` is where to go on reading, None where the entry does not say."""

    number: int
    kind: EntryKind
    writer: Writer
    written_at_us: int
    next_offset: int | None = None
    forgets_offset: bool = False
    files: tuple[ListedFile, ...] = field(default=())


class Chain:
    """A partition's entries as read so far, and the means to add one."""

    def __init__(self, storage: ArchiveStorage, identity: IdentityPartition) -> None:
        self.identity = identity
        self._storage = storage
        self._folder = f"{MANIFEST_FOLDER}/{identity.folder}"
        self._next_number = 0
        self._last_claim: int | None = None
        self.next_offset: int | None = None
        self.files: list[ListedFile] = []
        self._offsets: dict[IdentityPartition, OffsetSet] = {}

    def refresh(self) -> list[Entry]:
        """Read the entries that were added since, and return them."""
        fresh = [
            _decode(self._storage.read(path), path)
            for path in self._storage.list_files(self._folder)
            if path.endswith(".json") and _number_of(path) >= self._next_number
        ]
        for entry in fresh:
            self._learn(entry)
        return fresh

    def claim(self, writer: Writer, now_us: int) -> int:
        """Become the owner, fencing all earlier ones. Returns the number of the claim."""
        self.refresh()
        while True:
            entry = Entry(self._next_number, EntryKind.CLAIM, writer, now_us)
            if self._create(entry):
                self._remove_drafts()
                return entry.number
            self.refresh()

    def append(self, entry: Entry, claim: int) -> None:
        """Add the entry, numbered `next_number`. Raises Fenced when `claim` is no longer the last claim."""
        self.check_claim(claim)
        if not self._create(entry):
            self.refresh()
            self.check_claim(claim)
            raise ManifestUnreadable(
                f"entry {entry.number} of {self._folder} is not from the chain's owner", path=self._folder
            )

    def offsets_of(self, identity: IdentityPartition) -> OffsetSet:
        """Which records of an identity partition (nearly always this one) the chain's files hold."""
        return self._offsets.get(identity, OffsetSet.of_runs([]))

    @property
    def next_number(self) -> int:
        """Number the next entry must have."""
        return self._next_number

    def check_claim(self, claim: int) -> None:
        """Raise Fenced when another claim than this one is the last one read."""
        if claim != self._last_claim:
            raise Fenced(
                f"partition {self.identity.partition} of {self.identity.topic} has another owner now",
                topic=self.identity.topic,
                partition=self.identity.partition,
                entry=self._last_claim,
            )

    def _remove_drafts(self) -> None:
        """Remove what writers that died left; one that lives fails to make its entry, and finds itself fenced."""
        for path in self._storage.list_files(self._folder):
            if not path.endswith(".json"):
                self._storage.remove(path)

    def _create(self, entry: Entry) -> bool:
        content = orjson.dumps(
            {"format": ENTRY_FORMAT, "partition": asdict(self.identity), **asdict(entry)}, option=orjson.OPT_INDENT_2
        )
        if not self._storage.create(f"{self._folder}/{entry.number:020d}.json", content):
            return False
        self._learn(entry)
        return True

    def _learn(self, entry: Entry) -> None:
        self._next_number = entry.number + 1
        if entry.kind is EntryKind.CLAIM:
            self._last_claim = entry.number
        if entry.next_offset is not None or entry.forgets_offset:
            self.next_offset = entry.next_offset
        if entry.files:
            self.files.extend(entry.files)
            for identity in {file.identity for file in entry.files}:
                runs = [run for file in entry.files if file.identity == identity for run in file.offsets]
                self._offsets[identity] = self.offsets_of(identity).union(OffsetSet.of_runs(runs))


def list_chains(storage: ArchiveStorage) -> list[Chain]:
    """Every partition's chain, read to its end."""
    identities: dict[str, IdentityPartition] = {}
    for path in storage.list_files(MANIFEST_FOLDER):
        folder = path.rpartition("/")[0]
        if path.endswith(".json") and folder not in identities:
            stored = _load(storage.read(path), path)
            identities[folder] = IdentityPartition(**stored["partition"])
    chains = [Chain(storage, identity) for identity in identities.values()]
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


def _number_of(path: str) -> int:
    return int(path.rpartition("/")[2].removesuffix(".json"))


def _load(content: bytes, path: str) -> dict[str, Any]:
    try:
        stored = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ManifestUnreadable(f"manifest entry {path} is damaged: {error}", path=path) from error
    if not isinstance(stored, dict) or stored.get("format") != ENTRY_FORMAT:
        raise ManifestUnreadable(f"manifest entry {path} is of another version", path=path)
    return stored


def _decode(content: bytes, path: str) -> Entry:
    stored = _load(content, path)
    try:
        return Entry(
            number=stored["number"],
            kind=EntryKind(stored["kind"]),
            writer=Writer(**stored["writer"]),
            written_at_us=stored["written_at_us"],
            next_offset=stored["next_offset"],
            forgets_offset=stored["forgets_offset"],
            files=tuple(_decode_file(file) for file in stored["files"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestUnreadable(f"manifest entry {path} lacks {error}", path=path) from error


def _decode_file(stored: dict[str, Any]) -> ListedFile:
    runs: Sequence[Sequence[int]] = stored["offsets"]
    identity = IdentityPartition(**stored["identity"])
    return ListedFile(**{**stored, "identity": identity, "offsets": tuple((run[0], run[1]) for run in runs)})
