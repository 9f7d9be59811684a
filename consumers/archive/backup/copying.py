"""Files of frames from one archive to another place, each checked on its way."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from consumers.archive.backup.errors import ArchiveDamaged
from consumers.archive.backup.record import CopiedFile
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.partition_files import FRAMES_FOLDER
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing

COPYING_FOLDER: Final = "copying"
"""What is under way; nothing else of an archive looks there."""
_AT_ONCE: Final = 4
"""Whole files are held in memory, of 128 MB unless compaction was told otherwise."""
_MAGIC: Final = b"PAR1"


@dataclass(slots=True)
class Copied:
    """What was done: files that are there now, and those that were gone when they were to be read."""

    files: dict[str, CopiedFile]
    copied: int = 0
    copied_bytes: int = 0
    gone: int = 0


class FileCopier:
    """Copies what a place lacks. Several runs do no harm: a file is whole or not there, and never changes."""

    def __init__(
        self,
        source: ArchiveStorage,
        target: ArchiveStorage,
        tell: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        """`tell` is told how many bytes of how many are there."""
        self._source = source
        self._target = target
        self._tell = tell

    def copy(
        self,
        files: Sequence[ListedFile],
        known: Mapping[str, CopiedFile],
        expected: Mapping[str, CopiedFile],
    ) -> Copied:
        """Copy the files that are not there. `known` are those of former runs; `expected` is what files must be.

        Raises ArchiveDamaged, also where a file is not what was expected, and StorageUnavailable.
        """
        for path in self._target.list_files(COPYING_FOLDER):
            self._target.remove(path)
        there = {file.path: file.bytes for file in self._target.describe_files(FRAMES_FOLDER)}
        result = Copied({})
        in_all, done = sum(file.bytes for file in files), 0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copying") as pool:
            # Few at a time, for each waits with its whole content.
            for start in range(0, len(files), _AT_ONCE):
                some = files[start : start + _AT_ONCE]
                for file in some:
                    # What is removed takes its folder along: not while another one is made there.
                    if there.get(file.path, file.bytes) != file.bytes:
                        self._target.remove(file.path)
                        del there[file.path]
                jobs = [
                    pool.submit(self._describe_there, file, known.get(file.path))
                    if file.path in there
                    else pool.submit(self._bring, file, expected.get(file.path))
                    for file in some
                ]
                for file, copied in zip(some, [job.result() for job in jobs], strict=True):
                    if copied is None:
                        result.gone += 1
                        continue
                    result.files[file.path] = copied
                    if file.path not in there:
                        self._target.remove(_staged(file))
                        result.copied += 1
                        result.copied_bytes += file.bytes
                    done += file.bytes
                    self._tell(done, in_all)
        return result

    def _describe_there(self, file: ListedFile, known: CopiedFile | None) -> CopiedFile:
        """What an earlier run has copied."""
        return known or _describe(self._target.read(file.path), file)

    def _bring(self, file: ListedFile, expected: CopiedFile | None) -> CopiedFile | None:
        """Copy it; None when the source has it no more. What was staged stays until all of its neighbours are there."""
        try:
            content = self._source.read(file.path)
        except FileMissing:
            return None
        copied = _describe(content, file)
        if expected is not None and copied != expected:
            raise ArchiveDamaged(f"{file.path} is not what was copied", path=file.path)
        with self._target.stage(_staged(file)) as out:
            out.write(content)
        self._target.publish(_staged(file), file.path)
        return copied


def _staged(file: ListedFile) -> str:
    return f"{COPYING_FOLDER}/{file.path}"


def _describe(content: bytes, file: ListedFile) -> CopiedFile:
    """Raises ArchiveDamaged for what is not the file the manifest tells of."""
    if len(content) != file.bytes or content[:4] != _MAGIC or content[-4:] != _MAGIC:
        raise ArchiveDamaged(
            f"{file.path} has {len(content)} bytes and the manifest says {file.bytes}, or it is no Parquet file",
            hint="`holistic audit` says which records it held; a replay with --rewrite makes it anew",
            path=file.path,
        )
    return CopiedFile(len(content), hashlib.sha256(content).hexdigest())
