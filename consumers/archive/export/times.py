"""The side file: which frame was captured when, and which record it was."""

from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from keypoints.frame import FrameBatch

IDENTITY: Final[pa.Schema] = pa.schema(
    [
        ("frame", pa.int64()),
        ("captured_at", pa.string()),
        ("epoch", pa.int64()),
        ("sequence", pa.int64()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
    ]
)


def identify_rows(batch: FrameBatch, first_frame: int) -> pa.RecordBatch:
    """Number, capture time, epoch, sequence and record of each row."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array(first_frame + np.arange(len(batch), dtype=np.int64)),
            write_times(batch.captured_at_us),
            pa.array(batch.epoch),
            pa.array(batch.sequence),
            pa.array(batch.identity_topic.tolist(), pa.string()),
            pa.array(batch.identity_partition),
            pa.array(batch.identity_offset),
        ],
        schema=IDENTITY,
    )


def write_times(microseconds: NDArray[np.int64]) -> pa.Array:
    """Times since 1970 as ISO 8601 in UTC, to the microsecond, in any year."""
    return pa.array(np.char.add(np.datetime_as_string(microseconds.astype("datetime64[us]")), "Z"), pa.string())


class TimesFile:
    """CSV with a row a frame."""

    def __init__(self, file: BinaryIO) -> None:
        self._csv = pa_csv.CSVWriter(file, IDENTITY)

    def write(self, batch: FrameBatch, first_frame: int) -> None:
        """Add the rows."""
        self._csv.write_batch(identify_rows(batch, first_frame))

    def finish(self) -> None:
        """Write what is left."""
        self._csv.close()
