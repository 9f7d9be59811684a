"""Where files live: what the archive needs of a file system or an object store."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from keypoints.errors import Transient

DRAFT_SUFFIX: Final = ".draft"
"""What the names of files end in that a storage makes beside their place first."""
PROBES_FOLDER: Final = "probes"
"""Where a storage tries what it can do."""


class StorageUnavailable(Transient):
    """The disk is full, the store is away, or it refuses: nothing that was there before is touched.

    Fields: path, and errno where the operating system gave one.
    """


class FileMissing(StorageUnavailable):
    """There is no such file (any more): its folder may have to be listed again. Fields: path."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as its storage describes it; `modified_at_us` is when its bytes came, in microseconds since 1970."""

    path: str
    bytes: int
    modified_at_us: int


class ArchiveStorage(Protocol):
    """Paths are relative to the archive's root, with forward slashes. Every call raises StorageUnavailable."""

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        """Open a file no reader sees. When the block ends well, something durable says under `path` that it was begun.

        Its bytes are durable once it is published, which only the one who staged it can do.
        """

    def publish(self, staged: str, path: str) -> None:
        """Give a staged file its final name, never used before, durably; the staged name stays until removed."""

    def create(self, path: str, content: bytes) -> bool:
        """Make a file with this content, durably and all at once, unless there is one: then False."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def read(self, path: str) -> bytes:
        """A file's content. Raises FileMissing."""

    def read_all(self, paths: Sequence[str]) -> list[bytes]:
        """The files' contents, in order, at once where asking takes longer than reading. Raises FileMissing."""

    def list_files(self, folder: str) -> list[str]:
        """Paths of all files below a folder, sorted; none when there is no such folder."""

    def describe_files(self, folder: str) -> list[StoredFile]:
        """All files below a folder, sorted by path."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""

    def url(self, path: str) -> str:
        """What query engines call the file."""

    def filesystem(self, sizes: Mapping[str, int]) -> object | None:
        """The fsspec file system DuckDB reads the URLs of these files by (path → bytes), None where it needs none."""
