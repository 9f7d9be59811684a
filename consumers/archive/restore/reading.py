"""A partition's records out of its files, in the order they were published, some thousand in memory at a time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from consumers.archive.parquet.footer import open_parquet
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.rows_from_files import from_file_columns
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.restore.survey import ArchivedPartition
from keypoints.frame import FrameBatch

ROWS_AT_ONCE: Final = 8192
"""About 8 kB each."""


def read_in_order(
    storage: ArchiveStorage, partition: ArchivedPartition, rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[FrameBatch]:
    """The records at the partition's offsets, each once, ascending.

    Where files overlap (late data, compacted hours), each is read in as many pieces as there are batches it has rows
    of: what is held does not grow with the files. Raises StorageUnavailable.
    """
    with _OpenFiles(storage) as opened:
        for first in range(0, len(partition.offsets), rows_at_once):
            offsets = partition.offsets[first : first + rows_at_once]
            pieces = [
                from_file_columns(rows)
                for file in partition.files
                if _overlaps(file, offsets)
                for rows in opened.read(file, offsets)
            ]
            opened.close_those_before(int(offsets[-1]))
            batch = FrameBatch.concat(pieces)
            # A record that two files hold is published once.
            _, order = np.unique(batch.offset, return_index=True)
            yield batch.take(order) if len(pieces) > 1 or len(order) < len(batch) else batch


def _overlaps(file: ListedFile, offsets: NDArray[np.int64]) -> bool:
    return bool(file.offsets[0][0] <= offsets[-1] and file.offsets[-1][1] >= offsets[0])


@dataclass(frozen=True, slots=True)
class _OpenFile:
    file: ListedFile
    opened: pq.ParquetFile
    closing: ExitStack


class _OpenFiles:
    """Files stay open while there is more to come of them: their footers are large."""

    def __init__(self, storage: ArchiveStorage) -> None:
        self._storage = storage
        self._open: dict[str, _OpenFile] = {}

    def __enter__(self) -> "_OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._close(list(self._open.values()))

    def read(self, file: ListedFile, offsets: NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows at these offsets, by row group; none that is empty."""
        opened = self._find(file)
        place = opened.schema_arrow.names.index("offset")
        for number in range(opened.num_row_groups):
            stored = opened.metadata.row_group(number).column(place).statistics
            if stored is not None and (stored.min > offsets[-1] or stored.max < offsets[0]):
                continue
            here = np.isin(opened.read_row_group(number, columns=["offset"]).column(0).to_numpy(), offsets)
            if here.any():
                rows = opened.read_row_group(number)
                yield rows if here.all() else rows.filter(pa.array(here))

    def close_those_before(self, offset: int) -> None:
        """Close the files that have nothing beyond this offset."""
        self._close([one for one in self._open.values() if one.file.offsets[-1][1] <= offset])

    def _find(self, file: ListedFile) -> pq.ParquetFile:
        if file.path not in self._open:
            closing = ExitStack()
            opened = closing.enter_context(open_parquet(self._storage, file))
            self._open[file.path] = _OpenFile(file, opened, closing)
        return self._open[file.path].opened

    def _close(self, files: list[_OpenFile]) -> None:
        for one in files:
            one.closing.close()
            del self._open[one.file.path]
