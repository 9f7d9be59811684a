"""The long layout of Kaggle's Google Isolated Sign Language Recognition: a row for each of 543 points of a frame."""

from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part

_PARTS: Final = (Part.FACE, Part.LEFT_HAND, Part.POSE, Part.RIGHT_HAND)
"""In the order they have within a frame there."""
_AXES: Final = ("x", "y", "z")


def _count(part: Part) -> int:
    return FACE_POINTS_WITHOUT_IRIS if part is Part.FACE else PART_SHAPES[part][0]


POINTS_A_FRAME: Final = sum(_count(part) for part in _PARTS)

SCHEMA: Final[pa.Schema] = pa.schema(
    [
        ("frame", pa.int32()),
        ("row_id", pa.string()),
        ("type", pa.string()),
        ("landmark_index", pa.int16()),
        *((axis, pa.float32()) for axis in _AXES),
    ]
)

_TYPES: Final = [part.value for part in _PARTS for _ in range(_count(part))]
_INDICES: Final = np.concatenate([np.arange(_count(part), dtype=np.int16) for part in _PARTS])
_ROW_ENDS: Final = [f"{kind}-{index}" for kind, index in zip(_TYPES, _INDICES.tolist(), strict=True)]


class LongLayoutFile:
    """543 rows a frame; a point whose part is absent has null coordinates. Irises and visibility have no place."""

    def __init__(self, file: BinaryIO, *, as_csv: bool) -> None:
        self._writer = pa_csv.CSVWriter(file, SCHEMA) if as_csv else pq.ParquetWriter(file, SCHEMA, compression="zstd")

    def write(self, batch: FrameBatch, first_frame: int) -> None:
        """Add the rows of each frame."""
        frames = pa.array(np.repeat(np.arange(first_frame, first_frame + len(batch), dtype=np.int32), POINTS_A_FRAME))
        repeated = np.tile(np.arange(POINTS_A_FRAME), len(batch))
        points = np.concatenate([batch.part(part)[:, : _count(part), :3] for part in _PARTS], axis=1).reshape(-1, 3)
        absent = ~np.concatenate(
            [np.repeat(batch.present(part)[:, None], _count(part), axis=1) for part in _PARTS], axis=1
        ).reshape(-1)
        self._writer.write_table(
            pa.Table.from_arrays(
                [
                    frames,
                    pc.binary_join_element_wise(frames.cast(pa.string()), pa.array(_ROW_ENDS).take(repeated), "-"),
                    pa.array(_TYPES).take(repeated),
                    pa.array(np.tile(_INDICES, len(batch))),
                    *(pa.array(points[:, axis], mask=absent, from_pandas=False) for axis in range(len(_AXES))),
                ],
                schema=SCHEMA,
            )
        )

    def finish(self) -> None:
        """Write what is left."""
        self._writer.close()
