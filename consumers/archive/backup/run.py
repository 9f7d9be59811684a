"""Make a backup, look whether it is whole, and put it back."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from consumers.archive.backup.chains import copy_guests, was_written_to, write_chains
from consumers.archive.backup.copying import Copied, FileCopier
from consumers.archive.backup.errors import ArchiveDamaged, ArchiveTooBusy, BackupRefused
from consumers.archive.backup.record import BackupRecord, CopiedFile, SavedRecord, read_record, write_record
from consumers.archive.backup.snapshot import ArchiveSnapshot, take_snapshot
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.manifest import MANIFEST_FOLDER
from consumers.archive.parquet.partition_files import FRAMES_FOLDER
from consumers.archive.parquet.restoring import RESTORE_MARK, refuse_half_restored
from consumers.archive.parquet.storage import ArchiveStorage

_ROUNDS: Final = 10
"""After the first, each copies only what came since: files are gone when they were compacted meanwhile."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a run did. `removed` are files that the archive no longer has; `rows` are of all files."""

    files: int
    bytes: int
    rows: int
    copied_files: int
    copied_bytes: int
    removed: int
    topics: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a backup: files that are not what was copied, or not there."""

    made_at_us: int
    files: int
    bytes: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all of it can be put back."""
        return not self.damaged and not self.missing


Told = Callable[[int, int], None]
"""Is told how many bytes of how many are done."""


def _tell_nobody(_done: int, _of: int) -> None:
    pass


def make_backup(
    archive: ArchiveStorage,
    destination: ArchiveStorage,
    now_us: Callable[[], int],
    topics: Mapping[str, tuple[SavedRecord, ...]] | None = None,
    tell: Told = _tell_nobody,
) -> BackupReport:
    """Bring the destination up to what the archive is, while it goes on.

    Files first, then the manifest that lists them, then what is not listed any more is removed: killed at any step, the
    destination is what it was or what it is to be. Raises BackupRefused, ArchiveDamaged, ArchiveTooBusy,
    RestoreUnderWay and StorageUnavailable.
    """
    refuse_half_restored(archive)
    before = _begin(destination, now_us())
    _check_archive(take_snapshot(archive, now_us()), before, archive)
    snapshot, copied = _copy_files(archive, destination, before, now_us, tell)
    copy_guests(archive, destination)
    write_chains(destination, snapshot, now_us())
    saved = before.topics if topics is None else topics
    write_record(destination, BackupRecord(now_us(), snapshot.numbers, copied.files, saved))
    removed = _remove_unlisted(destination, snapshot)
    return _report(snapshot, copied, removed, {topic: len(records) for topic, records in saved.items()})


def restore_files(
    backup: ArchiveStorage, archive: ArchiveStorage, now_us: Callable[[], int], tell: Told = _tell_nobody
) -> BackupReport:
    """Make an archive out of a backup, where there is none, each file checked. Interrupted, run it again.

    Raises BackupRefused, ArchiveDamaged and StorageUnavailable.
    """
    record = require_record(backup)
    goes_on = archive.exists(RESTORE_MARK) and not was_written_to(archive)
    if archive.list_files(MANIFEST_FOLDER) and not goes_on:
        raise BackupRefused(
            f"there is an archive in {_name(archive)}",
            hint="name an empty place with --dir; nothing is ever written over an archive",
            location=_name(archive),
        )
    snapshot = take_snapshot(backup, now_us())
    _check_untouched(snapshot, record, backup)
    # Until its end it is this restore's, and nobody's.
    archive.create(RESTORE_MARK, b"")
    copied = FileCopier(backup, archive, tell).copy(snapshot.files, {}, record.files)
    if copied.gone:
        raise ArchiveDamaged(f"{copied.gone} files of the backup are gone", path=_name(backup))
    copy_guests(backup, archive)
    write_chains(archive, snapshot, now_us())
    archive.remove(RESTORE_MARK)
    return _report(snapshot, copied, 0, {})


def verify_backup(backup: ArchiveStorage, tell: Told = _tell_nobody) -> Verdict:
    """Read every file of a backup again. Raises BackupRefused where there is none, ArchiveDamaged and
    StorageUnavailable.
    """
    record = require_record(backup)
    damaged, missing, done = [], [], 0
    in_all = sum(file.bytes for file in record.files.values())
    listed = {file.path for chain in list_chains(backup) for file in chain.files}
    there = {file.path for file in backup.describe_files(FRAMES_FOLDER)}
    for path, file in record.files.items():
        if path not in there or path not in listed:
            missing.append(path)
        elif not _is_same(backup.read(path), file):
            damaged.append(path)
        done += file.bytes
        tell(done, in_all)
    missing += sorted(listed - set(record.files))
    return Verdict(record.made_at_us, len(record.files), in_all, tuple(damaged), tuple(missing))


def require_record(storage: ArchiveStorage) -> BackupRecord:
    """What the backup says of itself. Raises BackupRefused where there is none that was finished."""
    record = read_record(storage)
    if record is None or not record.is_finished:
        raise BackupRefused(
            f"{_name(storage)} is no backup, or none that was finished",
            hint="`holistic backup make` makes one",
            location=_name(storage),
        )
    return record


def _copy_files(
    source: ArchiveStorage,
    target: ArchiveStorage,
    before: BackupRecord,
    now_us: Callable[[], int],
    tell: Told,
) -> tuple[ArchiveSnapshot, Copied]:
    known: dict[str, CopiedFile] = dict(before.files)
    copier = FileCopier(source, target, tell)
    copied_files = copied_bytes = 0
    for _ in range(_ROUNDS):
        snapshot = take_snapshot(source, now_us())
        copied = copier.copy(snapshot.files, known, {})
        known |= copied.files
        copied_files += copied.copied
        copied_bytes += copied.copied_bytes
        if not copied.gone:
            return snapshot, Copied(copied.files, copied_files, copied_bytes)
    raise ArchiveTooBusy(
        f"in each of {_ROUNDS} rounds files were replaced before they were copied",
        hint="run `holistic compact` with a longer --grace than a backup takes",
    )


def _begin(target: ArchiveStorage, now_us: int) -> BackupRecord:
    """What the backup there says of itself; an empty place becomes one. Raises BackupRefused for an archive in use."""
    before = read_record(target)
    if (before is None and target.list_files(MANIFEST_FOLDER)) or was_written_to(target):
        raise BackupRefused(
            f"{_name(target)} holds an archive that somebody uses, and no backup",
            hint="name an empty place, or the one of an earlier backup",
            location=_name(target),
        )
    if before is None:
        before = BackupRecord(now_us, {}, {}, is_finished=False)
        write_record(target, before)
    return before


def _check_archive(snapshot: ArchiveSnapshot, before: BackupRecord, archive: ArchiveStorage) -> None:
    """A backup is never made poorer by an archive that is not the one it is of, or has lost something."""
    numbers = snapshot.numbers
    behind = [folder for folder, number in before.chains.items() if numbers.get(folder, -1) < number]
    if behind:
        raise BackupRefused(
            f"{_name(archive)} lacks what the backup has: {', '.join(sorted(behind)[:3])}",
            hint="is it the right archive? If it was lost, `holistic backup restore`; else back up to another place",
            location=_name(archive),
        )


def _check_untouched(snapshot: ArchiveSnapshot, record: BackupRecord, backup: ArchiveStorage) -> None:
    if snapshot.numbers != record.chains:
        raise BackupRefused(
            f"{_name(backup)} was written to since it was made, or its last run was interrupted",
            hint="run `holistic backup make` again where the archive still is; used as an archive, it is one",
            location=_name(backup),
        )


def _remove_unlisted(target: ArchiveStorage, snapshot: ArchiveSnapshot) -> int:
    listed = {file.path for file in snapshot.files}
    unlisted = [path for path in target.list_files(FRAMES_FOLDER) if path not in listed]
    for path in unlisted:
        target.remove(path)
    return len(unlisted)


def _name(storage: ArchiveStorage) -> str:
    return storage.url("").rstrip("/")


def _is_same(content: bytes, file: CopiedFile) -> bool:
    return len(content) == file.bytes and hashlib.sha256(content).hexdigest() == file.sha256


def _report(snapshot: ArchiveSnapshot, copied: Copied, removed: int, topics: Mapping[str, int]) -> BackupReport:
    return BackupReport(
        files=len(snapshot.files),
        bytes=sum(file.bytes for file in snapshot.files),
        rows=sum(file.rows for file in snapshot.files),
        copied_files=copied.copied,
        copied_bytes=copied.copied_bytes,
        removed=removed,
        topics=topics,
    )
