"""Files in a folder of a disk."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from consumers.archive.parquet.storage import DRAFT_SUFFIX, FileMissing, StorageUnavailable, StoredFile


class LocalStorage:
    """A folder on a disk of this machine, or one mounted from elsewhere that has hard links."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        """See ArchiveStorage."""
        with _explained(path):
            target = self._root / path
            # Not synced: losing the name of what was never published loses nothing, and each sync takes milliseconds.
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())

    def publish(self, staged: str, path: str) -> None:
        """See ArchiveStorage."""
        with _explained(path):
            target = self._root / path
            self._make_folder(target.parent)
            os.link(self._root / staged, target)
            _sync_folder(target.parent)

    def create(self, path: str, content: bytes) -> bool:
        """See ArchiveStorage. A hard link, unlike a rename, fails when the name is taken."""
        with _explained(path):
            self._make_folder((self._root / path).parent)
        draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}{DRAFT_SUFFIX}"
        try:
            with self.stage(draft) as file:
                file.write(content)
            try:
                self.publish(draft, path)
            except StorageUnavailable as error:
                if isinstance(error.__cause__, FileExistsError):
                    return False
                raise
        finally:
            self.remove(draft)
        return True

    def exists(self, path: str) -> bool:
        """See ArchiveStorage."""
        with _explained(path):
            try:
                return stat.S_ISREG((self._root / path).stat().st_mode)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def read(self, path: str) -> bytes:
        """See ArchiveStorage."""
        with _explained(path):
            return (self._root / path).read_bytes()

    def read_all(self, paths: Sequence[str]) -> list[bytes]:
        """See ArchiveStorage."""
        return [self.read(path) for path in paths]

    def list_files(self, folder: str) -> list[str]:
        """See ArchiveStorage."""
        with _explained(folder):
            found = [
                (Path(parent) / name).relative_to(self._root).as_posix()
                for parent, _, names in os.walk(self._root / folder)
                for name in names
            ]
        return sorted(found)

    def describe_files(self, folder: str) -> list[StoredFile]:
        """See ArchiveStorage."""
        described: list[StoredFile] = []
        for path in self.list_files(folder):
            # One that goes while its folder is read is as good as gone before.
            with _explained(path), suppress(FileNotFoundError):
                found = (self._root / path).stat()
                described.append(StoredFile(path, found.st_size, found.st_mtime_ns // 1000))
        return described

    def remove(self, path: str) -> None:
        """See ArchiveStorage. Folders left empty go too; whoever needed one finds it gone, and tries again."""
        target = self._root / path
        with _explained(path), suppress(FileNotFoundError):
            target.unlink()
        with suppress(OSError):
            for folder in target.parents[: len(Path(path).parents) - 1]:
                folder.rmdir()

    def url(self, path: str) -> str:
        """See ArchiveStorage."""
        return str(self._root / path)

    def filesystem(self, sizes: Mapping[str, int]) -> None:
        """See ArchiveStorage."""

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing(f"{path}: {error.strerror}", path=path, errno=error.errno) from error
    except OSError as error:
        raise StorageUnavailable(
            f"{path}: {error.strerror or error}", hint="is there space on the disk?", path=path, errno=error.errno
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
