"""A file in the making, in memory: rows of one identity partition and one hour of capture time."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from consumers.archive.parquet.columns import ColumnGatherer
from consumers.archive.parquet.footer import FileContents
from consumers.archive.parquet.manifest import IdentityPartition, ListedFile
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.schema import FRAMES, writer_options
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES

_ROW_GROUP_ROWS: Final = 3072
"""Few enough that what waits uncompressed in every open file together stays small; compaction makes larger groups."""
_LOOSE_ROW_BYTES: Final = 4 * sum(points * values for points, values in PART_SHAPES.values())


@dataclass(frozen=True, slots=True)
class ShelfKey:
    """What the rows of a file have in common; the hour is counted since 1970."""

    identity: IdentityPartition
    hour: int


class Shelf:
    """Rows become columns of the file as soon as there are enough for a row group.

    So the work is spread over the puts, the next records are fetched and decoded beside it, and what waits takes the
    room of a file.
    """

    def __init__(self, key: ShelfKey, columns: ColumnGatherer) -> None:
        """`columns` may be shared by shelves that are used from one thread."""
        self.key = key
        self._columns = columns
        self._file = io.BytesIO()
        self._writer: pq.ParquetWriter | None = None
        self._contents = FileContents(key.identity)
        self._loose: list[FrameBatch] = []
        self._loose_rows = 0
        self._offsets = OffsetSet.of_runs([])
        self._captured_from_us: list[int] = []
        self._captured_to_us: list[int] = []

    @property
    def bytes(self) -> int:
        """Bytes held."""
        return self._file.getbuffer().nbytes + self._loose_rows * _LOOSE_ROW_BYTES

    @property
    def first_offset(self) -> int:
        """The smallest offset among the rows."""
        return int(self._offsets.firsts[0])

    def append(self, batch: FrameBatch) -> None:
        """Add rows, at least one, none of which is there."""
        self._loose.append(batch)
        self._loose_rows += len(batch)
        self._offsets = self._offsets.union(OffsetSet.of(batch.identity_offset))
        self._captured_from_us.append(int(batch.captured_at_us.min()))
        self._captured_to_us.append(int(batch.captured_at_us.max()))
        if self._loose_rows >= _ROW_GROUP_ROWS:
            self._encode()

    def holds(self, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool (N,): which of these offsets are here."""
        return self._offsets.holds(offsets)

    def seal(self) -> memoryview:
        """The file's bytes; nothing can be added from now on."""
        self._encode()
        if self._writer is not None:
            self._writer.add_key_value_metadata(self._contents.as_metadata(self._offsets.runs))
            self._writer.close()
            self._writer = None
        return self._file.getbuffer()

    def describe(self, path: str) -> ListedFile:
        """How the manifest lists the file, once it is sealed and lies at `path`."""
        return ListedFile(
            path=path,
            identity=self.key.identity,
            rows=len(self._offsets),
            bytes=self._file.getbuffer().nbytes,
            offsets=tuple(self._offsets.runs),
            captured_from_us=min(self._captured_from_us),
            captured_to_us=max(self._captured_to_us),
        )

    def _encode(self) -> None:
        """Make a row group of the loose rows, if there are any."""
        if not self._loose:
            return
        if self._writer is None:
            # Not before: a file of hundreds of columns has a costly beginning, and many hours may be open at once.
            self._writer = pq.ParquetWriter(self._file, FRAMES, **writer_options())
        rows = self._columns.gather(self._loose, self.key.identity.topic_id)
        self._writer.write_table(rows)
        self._contents.add(rows)
        self._loose.clear()
        self._loose_rows = 0
