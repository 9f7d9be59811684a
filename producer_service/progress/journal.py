"""What a run notes of a file while it publishes it: enough to go on under the same epochs after a kill -9."""

import errno
import fcntl
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import orjson

_VERSION: Final = 1
_OWNER_ONLY: Final = 0o600
SUFFIX: Final = ".journal"


class JournalInUse(Exception):
    """Another process publishes the same file at this moment."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """When the (first) picture was taken (µs), and where on the topic the first frame may be at the earliest."""

    started_at_us: int
    partition: int
    offset: int


class Journal:
    """One file's journal: how it began, each epoch with the picture it began at, and, in the end, how many there were.

    Lines of JSON, appended; numbers only. It is locked while it is open, and the lock goes with its process. An epoch
    is on disk before its first frame is published, so that none is on the topic that a journal does not know.
    """

    def __init__(self, path: Path) -> None:
        """Open or make it, and take up what it says. Raises JournalInUse or OSError."""
        self.path = path
        self.beginning: Beginning | None = None
        self.epochs: dict[int, int] = {}
        """First picture of an epoch → the epoch."""
        self.pictures: int | None = None
        """How many there are, once the file was read to its end and all of it could be read."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise JournalInUse(str(path)) from error
            if os.fstat(self._descriptor).st_nlink == 0:
                # Its run ended well between our opening and our locking it.
                raise JournalInUse(str(path))
            self._read()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def written_at_s(self) -> float:
        """When something was noted last (s since 1970)."""
        return os.fstat(self._descriptor).st_mtime

    def begin(self, beginning: Beginning) -> None:
        """Forget what it said, and begin. Raises OSError."""
        os.ftruncate(self._descriptor, 0)
        self.beginning, self.epochs, self.pictures = beginning, {}, None
        self._append({"version": _VERSION, **asdict(beginning)})

    def begin_epoch(self, epoch: int, picture: int) -> None:
        """Note an epoch and the number of its first picture, on disk when this returns. Raises OSError."""
        self.epochs[picture] = epoch
        self._append({"epoch": epoch, "picture": picture})
        os.fsync(self._descriptor)
        if len(self.epochs) == 1:
            _sync_directory(self.path.parent)

    def end(self, pictures: int) -> None:
        """Note that the file was read to its end. Raises OSError."""
        self.pictures = pictures
        self._append({"pictures": pictures})

    def close(self) -> None:
        """Let go of it; it stays. A second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, entry: dict[str, Any]) -> None:
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        if os.write(self._descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _read(self) -> None:
        """Take up its whole lines; what is torn, or of a version that is not ours, is cut off."""
        with open(self._descriptor, "rb", closefd=False) as file:
            lines = file.read().splitlines(keepends=True)
        whole_bytes = 0
        for line in lines:
            if not line.endswith(b"\n") or not self._take(line):
                os.ftruncate(self._descriptor, whole_bytes)
                return
            whole_bytes += len(line)

    def _take(self, line: bytes) -> bool:
        try:
            entry = orjson.loads(line)
            if self.beginning is None:
                if entry.pop("version") != _VERSION:
                    return False
                self.beginning = Beginning(**entry)
            elif "epoch" in entry:
                self.epochs[int(entry["picture"])] = int(entry["epoch"])
            else:
                self.pictures = int(entry["pictures"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_state_dir(configured: Path | None) -> Path:
    """The directory that was set, else the user's own for state (XDG_STATE_HOME), made where it is missing.

    Readable by its owner only. Raises OSError where it cannot be made; a home that is not there is not made.
    """
    if configured is None:
        own = os.environ.get("XDG_STATE_HOME")
        configured = (Path(own) if own else _find_home() / ".local" / "state") / "holistic"
    directory = configured / "produce"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _find_home() -> Path:
    try:
        home = Path.home()
    except RuntimeError as error:
        raise OSError(errno.ENOENT, "there is no home directory") from error
    if not home.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(home))
    return home
