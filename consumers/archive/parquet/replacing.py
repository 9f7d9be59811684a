"""Files that take the place of others of a chain: staged, published, and listed by one entry.

Whoever tends the archive owns no chain. What it publishes is marked under `staging/replacing/<chain>/<a name of its
own>/` until its entry exists; the marks of one that died say what to sweep up.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from consumers.archive.parquet.chain import Chain, Overtaken
from consumers.archive.parquet.footer import FileContents
from consumers.archive.parquet.manifest import IdentityOffsets, IdentityPartition, ListedFile, Writer
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.partition_files import STAGING_FOLDER, name_file
from consumers.archive.parquet.schema import FRAMES, writer_options
from consumers.archive.parquet.shelf import ShelfKey
from consumers.archive.parquet.storage import ArchiveStorage, StoredFile

# No chain's folder is called so: those have an @.
REPLACING_FOLDER: Final = f"{STAGING_FOLDER}/replacing"


class Replacement:
    """One swap of files in the making, see `replacing`."""

    def __init__(self, storage: ArchiveStorage, chain: Chain, writer: Writer, now_us: Callable[[], int]) -> None:
        self._storage = storage
        self._chain = chain
        self._writer = writer
        self._now_us = now_us
        self._begun_at = chain.next_number
        self._staging = f"{_marks_folder(chain.identity)}/{uuid.uuid4().hex}"
        self._paths: list[str] = []
        self.files: list[ListedFile] = []
        self.may_be_listed = False

    def add_file(self, key: ShelfKey, offsets: OffsetSet, rows: Iterable[pa.Table], *, sorted_by_stream: bool) -> None:
        """Publish a file of these rows, which have the columns of `schema.FRAMES`; each table becomes a row group.

        Raises StorageUnavailable.
        """
        path = name_file(key, int(offsets.firsts[0]))
        self._paths.append(path)
        contents = FileContents(key.identity)
        with self._storage.stage(self._mark(path)) as file:
            with pq.ParquetWriter(file, FRAMES, **writer_options()) as writer:
                for group in rows:
                    writer.write_table(group, row_group_size=len(group))
                    contents.add(group)
                writer.add_key_value_metadata(contents.as_metadata(offsets.runs, sorted_by_stream=sorted_by_stream))
            size = file.tell()
        self._storage.publish(self._mark(path), path)
        self.files.append(
            ListedFile(
                path=path,
                identity=key.identity,
                rows=contents.rows,
                bytes=size,
                offsets=tuple(offsets.runs),
                captured_from_us=contents.captured_from_us,
                captured_to_us=contents.captured_to_us,
                sorted_by_stream=sorted_by_stream,
            )
        )

    def replace(self, removes: Collection[str], erased: Sequence[IdentityOffsets] = ()) -> None:
        """Let the files added take the place of those at `removes`.

        Raises Overtaken when somebody else was first, and StorageUnavailable: then the entry may have been made.
        """
        self.may_be_listed = True
        try:
            self._chain.replace_files(removes, self.files, self._writer, self._now_us(), erased, self._begun_at)
        except Overtaken:
            self.may_be_listed = False
            raise
        self._remove_marks()

    def discard(self) -> None:
        """Remove what was published and is not listed."""
        for path in self._paths:
            self._storage.remove(path)
        self._remove_marks()

    def _remove_marks(self) -> None:
        for path in self._paths:
            self._storage.remove(self._mark(path))

    def _mark(self, path: str) -> str:
        return f"{self._staging}/{path}"


@contextmanager
def replacing(
    storage: ArchiveStorage, chain: Chain, writer: Writer, now_us: Callable[[], int]
) -> Iterator[Replacement]:
    """Replace files of a chain that has been read, beside its owner: in the block, add files and then replace.

    What was published is removed again when the block fails before there is an entry; when it cannot be known whether
    there is one, it is left to `sweep_replacements`.
    """
    replacement = Replacement(storage, chain, writer, now_us)
    try:
        yield replacement
    except BaseException:
        if not replacement.may_be_listed:
            replacement.discard()
        raise


def sweep_replacements(storage: ArchiveStorage, writer: Writer, older_than_us: int, now_us: int) -> int:
    """Remove what replacements begun before `older_than_us` left without an entry: how many files that were.

    One that is still on its way, however slowly, finds itself overtaken. Raises StorageUnavailable.
    """
    removed = 0
    for identity, marks in _marks_by_chain(storage, older_than_us):
        chain = Chain(storage, identity)
        chain.refresh()
        # Before it is read what is listed: from here on nothing of these can be.
        chain.mark_swept(writer, now_us)
        listed = {file.path for file in chain.files}
        for mark in marks:
            path = _path_of(mark.path)
            if path not in listed and path not in chain.replaced:
                storage.remove(path)
                removed += 1
            storage.remove(mark.path)
    return removed


def _marks_folder(identity: IdentityPartition) -> str:
    return f"{REPLACING_FOLDER}/{identity.folder}"


def _marks_by_chain(
    storage: ArchiveStorage, older_than_us: int
) -> Iterator[tuple[IdentityPartition, list[StoredFile]]]:
    by_folder: dict[str, list[StoredFile]] = {}
    for mark in storage.describe_files(REPLACING_FOLDER):
        if mark.modified_at_us < older_than_us:
            by_folder.setdefault("/".join(_parts_of(mark.path)[:2]), []).append(mark)
    for folder, marks in by_folder.items():
        yield IdentityPartition.of_folder(folder), marks


def _path_of(mark: str) -> str:
    """The file a mark is of: what follows the chain's folder and the replacement's own name."""
    return _parts_of(mark)[3]


def _parts_of(mark: str) -> list[str]:
    return mark.removeprefix(f"{REPLACING_FOLDER}/").split("/", 3)
