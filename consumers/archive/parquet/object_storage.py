"""Files as objects of S3, or of a store that speaks its language."""

import io
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO, Final, cast

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store
from typing_extensions import Buffer

from connect_runtime.sink import SinkFailed
from consumers.archive.parquet.object_errors import explain_object_error
from consumers.archive.parquet.object_filesystem import ObjectFilesystem
from consumers.archive.parquet.storage import PROBES_FOLDER, StorageUnavailable, StoredFile

_MAKER: Final = "holistic-maker"
"""Metadata of what `create` makes: one value for each call."""
_WHOLE_BYTES: Final = 16 * 1024 * 1024
_PART_BYTES: Final = 8 * 1024 * 1024
_PARTS_AT_ONCE: Final = 4
_READS_AT_ONCE: Final = 16
_CONNECT_TIMEOUT: Final = timedelta(seconds=5)
_REQUEST_TIMEOUT: Final = timedelta(seconds=30)
# Little: whoever calls tries again for much longer, and shows that it does.
_RETRIES: Final = 3
_RETRY_TIMEOUT: Final = timedelta(seconds=10)


def open_bucket(url: str) -> "ObjectStorage":
    """The objects below `s3://bucket/prefix`.

    Credentials, region and endpoint are those of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL), or of the machine it runs on. Asks the store nothing yet.
    """
    bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
    store = S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            # Not encrypted where the endpoint says so itself.
            "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),
            "connect_timeout": _CONNECT_TIMEOUT,
            "timeout": _REQUEST_TIMEOUT,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
    )
    return ObjectStorage(store, f"s3://{bucket}/{prefix}".rstrip("/"))


class ObjectStorage:
    """Objects below `root_url`. An object appears whole or not at all, so nothing is ever written beside its place.

    A staged file is an empty object that says what was begun; the bytes wait in memory, and go to the final name at
    once. Raises SinkFailed besides StorageUnavailable: for what no waiting mends, as a bucket that is not there.
    """

    def __init__(self, store: S3Store, root_url: str) -> None:
        self._store = store
        self._root_url = root_url
        self._staged: dict[str, list[bytes]] = {}
        self._is_exclusive = False

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        """See ArchiveStorage."""
        written = _Parts()
        yield cast(BinaryIO, written)
        with _explained(path):
            obstore.put(self._store, path, b"", use_multipart=False)
        self._staged[path] = written.parts

    def publish(self, staged: str, path: str) -> None:
        """See ArchiveStorage."""
        parts = self._staged.pop(staged, None)
        if parts is None:
            raise StorageUnavailable(f"{staged} was not staged by this process, or is published already", path=staged)
        with _explained(path):
            if sum(map(len, parts)) <= _WHOLE_BYTES:
                obstore.put(self._store, path, b"".join(parts), use_multipart=False)
            else:
                obstore.put(self._store, path, parts, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

    def create(self, path: str, content: bytes) -> bool:
        """See ArchiveStorage."""
        if not self._is_exclusive:
            self._check_exclusive()
            self._is_exclusive = True
        return self._create(path, content)

    def exists(self, path: str) -> bool:
        """See ArchiveStorage."""
        with _explained(path):
            try:
                obstore.head(self._store, path)
            except FileNotFoundError:
                return False
        return True

    def read(self, path: str) -> bytes:
        """See ArchiveStorage."""
        with _explained(path):
            return bytes(obstore.get(self._store, path).bytes())

    def read_all(self, paths: Sequence[str]) -> list[bytes]:
        """See ArchiveStorage."""
        if len(paths) < 2:
            return [self.read(path) for path in paths]
        with ThreadPoolExecutor(_READS_AT_ONCE, thread_name_prefix="reading-objects") as pool:
            return list(pool.map(self.read, paths))

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of a file. Raises FileMissing."""
        with _explained(path):
            return bytes(obstore.get_range(self._store, path, start=start, end=end))

    def list_files(self, folder: str) -> list[str]:
        """See ArchiveStorage."""
        return [file.path for file in self.describe_files(folder)]

    def describe_files(self, folder: str) -> list[StoredFile]:
        """See ArchiveStorage."""
        with _explained(folder):
            found = [
                StoredFile(meta["path"], meta["size"], int(meta["last_modified"].timestamp() * 1e6))
                for page in obstore.list(self._store, folder or None)
                for meta in page
            ]
        return sorted(found, key=lambda file: file.path)

    def remove(self, path: str) -> None:
        """See ArchiveStorage."""
        self._staged.pop(path, None)
        with _explained(path):
            obstore.delete(self._store, path)

    def url(self, path: str) -> str:
        """See ArchiveStorage."""
        return f"{self._root_url}/{path}"

    def filesystem(self, sizes: Mapping[str, int]) -> ObjectFilesystem:
        """See ArchiveStorage."""
        return ObjectFilesystem(self.read_range, {self.url(path): (path, size) for path, size in sizes.items()})

    def _create(self, path: str, content: bytes) -> bool:
        maker = uuid.uuid4().hex
        with _explained(path):
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False, attributes={_MAKER: maker})
            except AlreadyExistsError:
                # The store was asked again because its first answer was lost: then this call's own object is there.
                return obstore.get(self._store, path).attributes.get(_MAKER) == maker
        return True

    def _check_exclusive(self) -> None:
        """Make the same object twice. Raises SinkFailed when the store lets it: owners could not be fenced there."""
        probe = f"{PROBES_FOLDER}/{uuid.uuid4().hex}"
        try:
            if self._create(probe, b"") and self._create(probe, b""):
                raise SinkFailed(
                    f"the store of {self._root_url} overwrites objects it was asked not to",
                    hint="it must honour `If-None-Match: *` when it is put an object",
                    path=self._root_url,
                )
        finally:
            self.remove(probe)


class _Parts(io.RawIOBase):
    """A file in memory that keeps what is written as it came, uncopied where it can."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer) -> int:
        part = bytes(content)
        self.parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        # Not chained: the client's own words may quote credentials that were refused.
        raise explain_object_error(error, path) from None
