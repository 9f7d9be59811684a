"""Objects as a file system for DuckDB, whose own way to S3 would be downloaded when first used."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem  # type: ignore[import-untyped]

ReadRange = Callable[[str, int, int], bytes]
"""Reads bytes [start, end) of a path."""

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ObjectFilesystem(AbstractFileSystem):  # type: ignore[misc]
    """Files that are known by URL, read a range at a time. They never change, so the store is asked nothing else."""

    protocol = "s3"
    cachable = False

    def __init__(self, read_range: ReadRange, files: Mapping[str, tuple[str, int]]) -> None:
        """`files`: URL → path and bytes."""
        super().__init__()
        self.read_range = read_range
        self._files = files

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size of a file. Raises FileNotFoundError."""
        url = self.unstrip_protocol(path)
        if url not in self._files:
            raise FileNotFoundError(url)
        return {"name": url, "size": self._files[url][1], "type": "file", "path": self._files[url][0]}

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file itself, if it is known."""
        url = self.unstrip_protocol(path)
        return [url] if url in self._files else []

    def modified(self, path: str) -> datetime:  # noqa: ARG002
        """Always the same."""
        return _LONG_AGO

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "_ObjectFile":
        return _ObjectFile(self, path, mode, cache_type="none")


class _ObjectFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.read_range(self.details["path"], start, end)
        return content
