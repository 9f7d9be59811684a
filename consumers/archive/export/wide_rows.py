"""CSV with a row a frame and a column for each coordinate, named part_landmark_axis."""

from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from consumers.archive.export.times import IDENTITY, identify_rows, write_times
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES, Part, landmark_names

_AXES: Final = ("x", "y", "z", "visibility")
_ABOUT: Final = [
    ("processed_at", pa.string()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("mirrored", pa.bool_()),
    ("model", pa.string()),
]
SCHEMA: Final[pa.Schema] = pa.schema(
    [
        *IDENTITY,
        *_ABOUT,
        *(
            (f"{part.value}_{name}_{axis}", pa.float32())
            for part, (_, values) in PART_SHAPES.items()
            for name in landmark_names(part)
            for axis in _AXES[:values]
        ),
    ]
)


class WideCsvFile:
    """What is absent is an empty cell; a coordinate that is there and no number is `nan` or `inf`."""

    def __init__(self, file: BinaryIO) -> None:
        self._csv = pa_csv.CSVWriter(file, SCHEMA)

    def write(self, batch: FrameBatch, first_frame: int) -> None:
        """Add the rows."""
        columns = [
            *identify_rows(batch, first_frame).columns,
            write_times(batch.processed_at_us),
            pa.array(batch.width),
            pa.array(batch.height),
            pa.array(batch.mirrored),
            pa.array(batch.model.tolist(), pa.string()),
        ]
        for part, (points, values) in PART_SHAPES.items():
            # One copy lays every coordinate out as a run of its own.
            coordinates = np.ascontiguousarray(batch.part(part).transpose(1, 2, 0))
            for point in range(points):
                absent = batch.face_points <= point if part is Part.FACE else ~batch.present(part)
                columns += [
                    pa.array(coordinates[point, axis], mask=absent, from_pandas=False) for axis in range(values)
                ]
        self._csv.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))

    def finish(self) -> None:
        """Write what is left."""
        self._csv.close()
