"""Binary .pose files, version 0.2, as `pose-format` reads them.

The body is all coordinates of all frames and after them all confidences, float32. Coordinates wait on disk too, not in
memory: confidences go to a scratch file, and are put behind the coordinates at the end.
"""

import os
import shutil
import struct
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from consumers.archive.export.pose_header import PART_ORDER, encode_header, holistic_components
from consumers.archive.export.source import Survey
from keypoints.frame import Float32Array, FrameBatch
from keypoints.landmarks import PART_SHAPES, Part

_AXES: Final = 3
_UNKNOWN_SIDE: Final = 1000
"""Pixels: what `pose-format` takes a side to be when nobody says."""
_COPY_BYTES: Final = 1 << 20
_COUNTS: Final = struct.Struct("<fIH")


class PoseFile:
    """Rows become frames of one person.

    x and y are pixels (the world pose's too, metres times the image's sides, as `pose-format` writes them); z stays as
    it is. Confidence is the visibility of the body's points and 1 of others; 0, and all coordinates 0, where a part is
    absent or a coordinate no number.
    """

    def __init__(self, file: BinaryIO, scratch: BinaryIO, survey: Survey, face_points: int) -> None:
        self._file = file
        self._face_points = face_points
        self._width = survey.width if survey.width > 0 else _UNKNOWN_SIDE
        self._height = survey.height if survey.height > 0 else _UNKNOWN_SIDE
        self._fps = 1e6 / survey.median_interval_us if survey.median_interval_us else 1.0
        self._confidences = scratch
        self._frames = 0
        self._file.write(encode_header(self._width, self._height, holistic_components(face_points)))
        self._counts_at = self._file.tell()
        self._file.write(_COUNTS.pack(self._fps, 0, 1))

    def write(self, batch: FrameBatch, first_frame: int) -> None:  # noqa: ARG002 - frames are numbered by their place
        """Add the rows."""
        width = np.where(batch.width > 0, batch.width, self._width).astype(np.float32)
        height = np.where(batch.height > 0, batch.height, self._height).astype(np.float32)
        points, confidences = zip(*(self._read_part(batch, part) for part in PART_ORDER), strict=True)
        in_pixels = np.concatenate(points, axis=1)
        # A coordinate too large for pixels is no number either.
        with np.errstate(over="ignore", invalid="ignore"):
            in_pixels[:, :, 0] *= width[:, None]
            in_pixels[:, :, 1] *= height[:, None]
        confidence = np.concatenate(confidences, axis=1)
        usable = np.isfinite(in_pixels).all(axis=2) & np.isfinite(confidence) & (confidence > 0)
        in_pixels[~usable] = 0
        self._file.write(in_pixels.astype("<f4", copy=False).data)
        self._confidences.write(np.where(usable, confidence, 0).astype("<f4", copy=False).data)
        self._frames += len(batch)

    def finish(self) -> None:
        """Put the confidences behind the coordinates, and say how many frames there are."""
        self._confidences.seek(0)
        shutil.copyfileobj(self._confidences, self._file, _COPY_BYTES)
        self._file.seek(self._counts_at)
        self._file.write(_COUNTS.pack(self._fps, self._frames, 1))
        self._file.seek(0, os.SEEK_END)

    def _read_part(self, batch: FrameBatch, part: Part) -> tuple[Float32Array, Float32Array]:
        """Copies of a part's points (N, points, 3) and how sure they are (N, points), NaN or 0 where it is absent."""
        count = self._face_points if part is Part.FACE else PART_SHAPES[part][0]
        values = batch.part(part)[:, :count]
        seen = batch.present(part)[:, None]
        if PART_SHAPES[part][1] > _AXES:
            sure: NDArray[np.float32] = np.where(seen, values[:, :, _AXES], np.float32(0))
        else:
            sure = np.broadcast_to(seen, (len(batch), count)).astype(np.float32)
        return values[:, :, :_AXES].copy(), sure
