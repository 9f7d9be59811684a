"""Many Avro records of our own layout into the columns of a batch at once.

All values are laid end to end and read in step: the same field of every record is one numpy operation. A record that
is not exactly as our writer writes it is left alone, for the careful reader of `keypoints.avro` to take or refuse.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keypoints.avro import FULL_PART_PREFIX, LITTLE_FLOAT, SINGLE_OBJECT_HEADER, SMALL_FACE_PREFIX
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import check_stream_id

_LONGEST_VARINT: Final = 10
_LONGEST_PREFIX: Final = max(len(prefix) for prefix in FULL_PART_PREFIX.values())
# Room behind the last record, so that a look ahead never leaves the buffer; FF is no valid tag, count or end.
_PADDING: Final = b"\xff" * max(_LONGEST_VARINT, _LONGEST_PREFIX)
_SMALLEST: Final = len(SINGLE_OBJECT_HEADER) + 14
FEW_RECORDS: Final = 4
"""Below so many records the careful reader is faster than numpy's fixed costs."""

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


def read_columns(values: Sequence[bytes], batch: FrameBatch) -> Mask:
    """Read the records it can into the same rows of `batch`, and tell which: bool (N,).

    Rows it leaves False are as they were allocated, and so is what is absent in the others.
    """
    done = np.zeros(len(values), dtype=np.bool_)
    rows = [
        row for row, value in enumerate(values) if len(value) >= _SMALLEST and value.startswith(SINGLE_OBJECT_HEADER)
    ]
    if len(rows) < FEW_RECORDS:
        return done
    _Reader(values, np.array(rows, dtype=np.int64), batch).read(done)
    return done


class _Reader:
    """A position in each record, moved over one field after the other; `good` drops the records that are unusual."""

    def __init__(self, values: Sequence[bytes], rows: Positions, batch: FrameBatch) -> None:
        chosen = [values[row] for row in rows.tolist()]
        self.bytes = b"".join((*chosen, _PADDING))
        self.buffer = np.frombuffer(self.bytes, np.uint8)
        self.ends = np.cumsum(np.fromiter(map(len, chosen), np.int64, len(chosen)))
        self.position: Positions = np.concatenate(([0], self.ends[:-1])) + len(SINGLE_OBJECT_HEADER)
        self.good: Mask = np.ones(len(rows), dtype=np.bool_)
        self.rows = rows
        self.batch = batch

    def read(self, done: Mask) -> None:
        streams = self._read_strings(check=True)
        numbers = [self._read_longs() for _ in range(6)]
        mirrored = self._read_byte()
        self.good &= mirrored <= 1
        models = self._read_strings(check=False)
        parts = {part: self._find_part(part) for part in PART_SHAPES}
        self.good &= self.position == self.ends
        self._write(streams, numbers, mirrored == 1, models, parts)
        done[self.rows[self.good]] = True

    def _look(self, ahead: int) -> Positions:
        # Positions of unusual records may have run away; they are read somewhere harmless and ignored.
        return np.minimum(self.position + ahead, len(self.bytes) - 1)

    def _read_byte(self) -> NDArray[np.uint8]:
        byte = self.buffer[self._look(0)]
        self.position = self.position + 1
        return byte

    def _read_longs(self) -> NDArray[np.int64]:
        byte = self.buffer[self._look(0)].astype(np.uint64)
        number = byte & np.uint64(0x7F)
        more = byte >= 0x80
        length = np.ones(len(byte), dtype=np.int64)
        for index in range(1, _LONGEST_VARINT):
            if not more.any():
                break
            byte = np.where(more, self.buffer[self._look(index)], 0).astype(np.uint64)
            number |= (byte & np.uint64(0x7F)) << np.uint64(7 * index)
            length += more
            more = byte >= 0x80
        self.good &= ~more
        self.position = self.position + length
        return (number >> np.uint64(1)).astype(np.int64) ^ -(number & np.uint64(1)).astype(np.int64)

    def _read_strings(self, *, check: bool) -> NDArray[np.object_]:
        lengths = self._read_longs()
        self.good &= (lengths >= 0) & (lengths <= self.ends - self.position)
        lengths = np.where(self.good, lengths, 0)
        texts = np.empty(len(lengths), dtype=np.object_)
        known: dict[bytes, str | None] = {}
        for row, (start, length) in enumerate(zip(self.position.tolist(), lengths.tolist(), strict=True)):
            encoded = self.bytes[start : start + length]
            if encoded not in known:
                known[encoded] = _as_text(encoded, check=check)
            texts[row] = known[encoded]
        self.good &= np.fromiter((text is not None for text in texts), np.bool_, len(texts))
        self.position = self.position + lengths
        return texts

    def _find_part(self, part: Part) -> tuple[Positions, NDArray[np.int64]]:
        """Where each record's floats of a part start, and how many points there are: 0 where it is absent."""
        points, width = PART_SHAPES[part]
        absent = self.buffer[self._look(0)] == 0
        full = self._matches(FULL_PART_PREFIX[part])
        count: Positions = full.astype(np.int64) * points
        known = absent | full
        if part is Part.FACE:
            small = self._matches(SMALL_FACE_PREFIX)
            count[small] = FACE_POINTS_WITHOUT_IRIS
            known |= small
        starts = self.position + len(FULL_PART_PREFIX[part])
        self.position = np.where(absent, self.position, starts + count * width * LITTLE_FLOAT.itemsize)
        # The byte here is the array's end, or the null branch itself.
        self.good &= known & (self.position < self.ends) & (self.buffer[self._look(0)] == 0)
        self.position = self.position + 1
        return starts, count

    def _matches(self, prefix: bytes) -> Mask:
        matches: Mask = np.ones(len(self.position), dtype=np.bool_)
        for index in range(len(prefix)):
            matches &= self.buffer[self._look(index)] == prefix[index]
        return matches

    def _write(
        self,
        streams: NDArray[np.object_],
        numbers: list[NDArray[np.int64]],
        mirrored: Mask,
        models: NDArray[np.object_],
        parts: dict[Part, tuple[Positions, NDArray[np.int64]]],
    ) -> None:
        batch, good = self.batch, self.good
        rows = self.rows[good]
        batch.stream_id[rows] = streams[good]
        columns: tuple[NDArray[Any], ...] = (
            batch.sequence,
            batch.epoch,
            batch.captured_at_us,
            batch.processed_at_us,
            batch.width,
            batch.height,
        )
        for column, values in zip(columns, numbers, strict=True):
            column[rows] = values[good]
        batch.mirrored[rows] = mirrored[good]
        batch.model[rows] = models[good]
        for part, (starts, count) in parts.items():
            there = good & (count > 0)
            self._copy_floats(part, self.rows[there], starts[there], count[there])
            if part is Part.FACE:
                batch.face_points[rows] = count[good]
            else:
                batch.present(part)[rows] = count[good] > 0

    def _copy_floats(self, part: Part, rows: Positions, starts: Positions, count: NDArray[np.int64]) -> None:
        column = self.batch.part(part)
        points, width = PART_SHAPES[part]
        row_bytes = points * width * LITTLE_FLOAT.itemsize
        target = column.reshape(-1).view(np.uint8).data
        source = memoryview(self.bytes)
        for row, start, size in zip(
            (rows * row_bytes).tolist(),
            starts.tolist(),
            (count * width * LITTLE_FLOAT.itemsize).tolist(),
            strict=True,
        ):
            target[row : row + size] = source[start : start + size]


def _as_text(encoded: bytes, *, check: bool) -> str | None:
    try:
        text = encoded.decode()
        return check_stream_id(text) if check else text
    except (UnicodeDecodeError, Terminal):
        return None
