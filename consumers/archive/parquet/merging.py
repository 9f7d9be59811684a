"""Several files' rows as one file's: in order of stream, then of time."""

import io
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.parquet.schema import FRAMES
from consumers.archive.parquet.storage import ArchiveStorage, StorageUnavailable

ROW_GROUP_ROWS: Final = 4096
"""What a reader of one stream can skip: a stream of 30 frames a second fills a row group in about two minutes."""
_ORDER: Final = ("stream_id", "captured_at", "offset")


def read_rows(storage: ArchiveStorage, file: ListedFile) -> pa.Table:
    """All rows of a listed file, as they lie there. Raises StorageUnavailable, also for a file that is damaged."""
    try:
        with pq.ParquetFile(io.BytesIO(storage.read(file.path))) as opened:
            rows = opened.read().cast(FRAMES)
    except (OSError, ValueError) as error:
        raise StorageUnavailable(f"{file.path} cannot be read: {error}", path=file.path) from error
    # Whoever is about to let another file take this one's place must not do it for rows that are not there.
    if len(rows) != file.rows or OffsetSet.of(rows.column("offset").to_numpy()).runs != list(file.offsets):
        raise StorageUnavailable(f"{file.path} does not hold the records it is listed with", path=file.path)
    return rows


def in_order(tables: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """The rows of the tables, at least one, by stream, capture time and offset, a row group at a time."""
    # Picked from each piece by itself: put into one piece first, all rows would be held twice.
    pieces = [piece for table in tables for piece in table.to_batches()]
    keys = pa.Table.from_batches([piece.select(list(_ORDER)) for piece in pieces])
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in _ORDER]).to_numpy().astype(np.int64)
    starts = np.cumsum([0, *map(len, pieces)])
    for first in range(0, len(order), ROW_GROUP_ROWS):
        yield _pick(pieces, starts, order[first : first + ROW_GROUP_ROWS])


def _pick(pieces: Sequence[pa.RecordBatch], starts: NDArray[np.int64], rows: NDArray[np.int64]) -> pa.Table:
    """These rows in this order; row numbers count through the pieces, which begin at `starts`."""
    piece_of_row = np.searchsorted(starts, rows, side="right") - 1
    by_piece = np.argsort(piece_of_row, kind="stable")
    picked = [
        pieces[piece].take(pa.array(rows[piece_of_row == piece] - starts[piece])) for piece in np.unique(piece_of_row)
    ]
    return pa.Table.from_batches(picked).combine_chunks().take(pa.array(np.argsort(by_piece)))
