"""Chains written to a copy: as one checkpoint each, which stands for all the entries before it."""

from consumers.archive.backup.snapshot import ArchiveSnapshot
from consumers.archive.parquet.guests import GUESTS_FOLDER
from consumers.archive.parquet.manifest import (
    MANIFEST_FOLDER,
    Checkpoint,
    Entry,
    EntryKind,
    IdentityPartition,
    Writer,
    checkpoint_name,
    encode,
    entry_name,
    read_number,
)
from consumers.archive.parquet.storage import DRAFT_SUFFIX, ArchiveStorage

_WRITER = Writer.outside_group("backup")


def copy_guests(source: ArchiveStorage, target: ArchiveStorage) -> None:
    """The markers of which chains list whose records: made before such an entry is, so they are copied after it."""
    there = set(target.list_files(GUESTS_FOLDER))
    for path in source.list_files(GUESTS_FOLDER):
        if path not in there and not path.endswith(DRAFT_SUFFIX):
            target.create(path, b"")


def write_chains(target: ArchiveStorage, snapshot: ArchiveSnapshot, now_us: int) -> None:
    """Make the copied files exist. Killed in between, some chains are older than others, and the next run goes on."""
    for identity, checkpoint in snapshot.chains.items():
        _write_chain(target, identity, checkpoint, now_us)


def _write_chain(target: ArchiveStorage, identity: IdentityPartition, checkpoint: Checkpoint, now_us: int) -> None:
    folder = f"{MANIFEST_FOLDER}/{identity.folder}"
    number = checkpoint.number
    target.create(f"{folder}/{checkpoint_name(number)}", encode(identity, checkpoint))
    # Whoever makes the next entry looks for the one before it; nobody reads it, for the checkpoint holds all.
    last = Entry(number, EntryKind.REPLACED, _WRITER, now_us)
    target.create(f"{folder}/{entry_name(number)}", encode(identity, last))
    kept = {f"{folder}/{checkpoint_name(number)}", f"{folder}/{entry_name(number)}"}
    # Entries before their checkpoints, see `was_written_to`.
    for path in sorted(target.list_files(folder), key=lambda path: read_number(path) is None):
        if path not in kept:
            target.remove(path)


def was_written_to(target: ArchiveStorage) -> bool:
    """Whether anybody made entries since the chains were written: all of ours have a checkpoint of the same number."""
    paths = set(target.list_files(MANIFEST_FOLDER))
    entries = {path: number for path in paths if (number := read_number(path)) is not None}
    return any(f"{path.rpartition('/')[0]}/{checkpoint_name(number)}" not in paths for path, number in entries.items())
