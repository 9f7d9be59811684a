"""What the manifest says: numbered entries, one chain of them for each partition.

An entry is a small JSON file, `manifest/<topic>@<topic id>/<partition>/<number>.json`. A file no entry lists does not
exist, nor does one that a later entry took the place of. `<number>.checkpoint.json` sums all entries up to a number up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from connect_runtime.sink import Assignment, SinkFailed
from consumers.archive.parquet.offset_set import Run

MANIFEST_FOLDER: Final = "manifest"
LONGEST_TOPIC: Final = 180
"""Characters. File systems do not take the names of files and folders that are called after longer ones."""
ENTRY_FORMAT: Final = 2
"""2 is 1 with files that take the place of others."""
_KNOWN_FORMATS: Final = frozenset({1, 2})
_ENTRY_SUFFIX: Final = ".json"
_CHECKPOINT_SUFFIX: Final = ".checkpoint.json"


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

    @classmethod
    def of_folder(cls, folder: str) -> "IdentityPartition":
        """The partition whose `folder` this is."""
        topic, _, partition = folder.rpartition("/")
        name, _, topic_id = topic.rpartition("@")
        return cls(unquote(name), unquote(topic_id), int(partition))


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that exists, holding rows of one identity partition. Times in microseconds since 1970.

    `sorted_by_stream`: rows are in order of stream, capture time and offset, not as they came.
    """

    path: str
    identity: IdentityPartition
    rows: int
    bytes: int
    offsets: tuple[Run, ...]
    captured_from_us: int
    captured_to_us: int
    sorted_by_stream: bool = False


@dataclass(frozen=True, slots=True)
class IdentityOffsets:
    """Records of one identity partition."""

    identity: IdentityPartition
    offsets: tuple[Run, ...]


class EntryKind(StrEnum):
    """Why an entry is there."""

    CLAIM = "claim"
    """A new owner: all earlier owners are fenced."""
    FILES = "files"
    """Files became visible."""
    MOVED = "moved"
    """A user moved the offset to go on from; files stay."""
    REPLACED = "replaced"
    """Files took the place of others. Anyone may add it, owner or not: it moves no offset."""
    SWEPT = "swept"
    """What was begun and is not listed before this entry never will be: it is removed. Anyone may add it."""


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

    @classmethod
    def outside_group(cls, purpose: str) -> "Writer":
        """Somebody who tends the archive and reads no topic."""
        return cls(purpose, generation=-1, member_id=purpose)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a chain. `next_offset` is where to go on reading, None where the entry does not say.

    `removes` are paths of files that no longer exist from here on; `erased` are records whose rows went with them for
    good. They still count as archived, so that nothing brings them back.
    """

    number: int
    kind: EntryKind
    writer: Writer
    written_at_us: int
    next_offset: int | None = None
    forgets_offset: bool = False
    files: tuple[ListedFile, ...] = field(default=())
    removes: tuple[str, ...] = field(default=())
    erased: tuple[IdentityOffsets, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A chain after its entry `number`: what all entries up to there amount to.

    `offsets` are all that were ever archived, also in files that were replaced since. `replaced` says when each file
    that was taken out lately was: a reader may still be at it.
    """

    number: int
    last_claim: int | None
    last_sweep: int | None
    next_offset: int | None
    files: tuple[ListedFile, ...]
    offsets: tuple[IdentityOffsets, ...]
    erased: tuple[IdentityOffsets, ...]
    replaced: Mapping[str, int]


def entry_name(number: int) -> str:
    """File name of an entry."""
    return f"{number:020d}{_ENTRY_SUFFIX}"


def checkpoint_name(number: int) -> str:
    """File name of a checkpoint."""
    return f"{number:020d}{_CHECKPOINT_SUFFIX}"


def read_number(path: str, *, checkpoint: bool = False) -> int | None:
    """The number in the path of an entry (or of a checkpoint), None when the path is of something else."""
    name = path.rpartition("/")[2]
    suffix = _CHECKPOINT_SUFFIX if checkpoint else _ENTRY_SUFFIX
    digits = name.removesuffix(suffix)
    return int(digits) if name.endswith(suffix) and digits.isdecimal() else None


def encode(identity: IdentityPartition, content: Entry | Checkpoint) -> bytes:
    """An entry or a checkpoint as its file's bytes."""
    return orjson.dumps({"format": ENTRY_FORMAT, "partition": asdict(identity), **asdict(content)})


def decode_identity(content: bytes, path: str) -> IdentityPartition:
    """Whose entry (or checkpoint) it is. Raises ManifestUnreadable."""
    stored = _load(content, path)
    try:
        identity = IdentityPartition(**stored["partition"])
        if not isinstance(identity.topic, str) or not isinstance(identity.topic_id, str):
            raise TypeError("names of its topic")
        if not isinstance(identity.partition, int):
            raise TypeError("the number of its partition")
        return identity
    except (KeyError, TypeError) as error:
        raise ManifestUnreadable(f"manifest entry {path} lacks {error}", path=path) from error


def decode_entry(content: bytes, path: str) -> Entry:
    """An entry from its file's bytes. Raises ManifestUnreadable."""
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
            removes=tuple(stored.get("removes", ())),
            erased=tuple(_decode_offsets(erased) for erased in stored.get("erased", ())),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ManifestUnreadable(f"manifest entry {path} lacks {error}", path=path) from error


def decode_checkpoint(content: bytes, path: str) -> Checkpoint:
    """A checkpoint from its file's bytes. Raises ManifestUnreadable."""
    stored = _load(content, path)
    try:
        return Checkpoint(
            number=stored["number"],
            last_claim=stored["last_claim"],
            last_sweep=stored["last_sweep"],
            next_offset=stored["next_offset"],
            files=tuple(_decode_file(file) for file in stored["files"]),
            offsets=tuple(_decode_offsets(known) for known in stored["offsets"]),
            erased=tuple(_decode_offsets(erased) for erased in stored["erased"]),
            replaced=stored["replaced"],
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ManifestUnreadable(f"checkpoint {path} lacks {error}", path=path) from error


def _load(content: bytes, path: str) -> dict[str, Any]:
    try:
        stored = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ManifestUnreadable(f"manifest entry {path} is damaged: {error}", path=path) from error
    # A list of them, for what stands there may be anything, and not everything can be looked up in a set.
    if not isinstance(stored, dict) or stored.get("format") not in list(_KNOWN_FORMATS):
        raise ManifestUnreadable(f"manifest entry {path} is of another version", path=path)
    return stored


def _decode_file(stored: dict[str, Any]) -> ListedFile:
    return ListedFile(
        **{**stored, "identity": IdentityPartition(**stored["identity"]), "offsets": _decode_runs(stored)}
    )


def _decode_offsets(stored: dict[str, Any]) -> IdentityOffsets:
    return IdentityOffsets(IdentityPartition(**stored["identity"]), _decode_runs(stored))


def _decode_runs(stored: dict[str, Any]) -> tuple[Run, ...]:
    runs: Sequence[Sequence[int]] = stored["offsets"]
    return tuple((run[0], run[1]) for run in runs)
