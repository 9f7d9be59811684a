"""Recorded people as batches of frames."""

import struct
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keypoints import FrameBatch, HolisticFrame


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, layout: str) -> tuple[float, ...]:
        values = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def text(self) -> str:
        (length,) = self.take("H")
        start, self._at = self._at, self._at + int(length)
        return self._data[start : self._at].decode()

    def floats(self, *shape: int) -> NDArray[np.float32]:
        values = np.frombuffer(self._data, "<f4", int(np.prod(shape)), self._at).reshape(shape)
        self._at += values.nbytes
        return values


def read_pose_file(path: Path) -> FrameBatch:
    """A `.pose` file, version 0.2, of MediaPipe Holistic: every component scaled by the picture's width and height."""
    reader = _Reader(path.read_bytes())
    reader.take("f")
    width, height, _, components = (int(value) for value in reader.take("HHHH"))
    sizes: dict[str, int] = {}
    for _ in range(components):
        name, values = reader.text(), len(reader.text()) - 1
        assert values == 3
        points, limbs, colours = (int(value) for value in reader.take("HHH"))
        for _ in range(points):
            reader.text()
        reader.take("HH" * limbs + "HHH" * colours)
        sizes[name] = points
    fps, frames, _ = reader.take("fIH")
    total = sum(sizes.values())
    scaled = reader.floats(int(frames), total, 3).astype(np.float64) / (width, height, 1.0)
    points_in_file: NDArray[np.float32] = scaled.astype(np.float32)
    confidence = reader.floats(int(frames), total)
    starts = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))

    def part(frame: int, name: str) -> NDArray[np.float32] | None:
        rows = slice(starts[name], starts[name] + sizes[name])
        if not confidence[frame, rows].any():
            return None
        points = points_in_file[frame, rows]
        if not name.startswith("POSE"):
            return points
        with_visibility: NDArray[np.float32] = np.zeros((sizes[name], 4), dtype=np.float32)
        with_visibility[:, :3] = points
        with_visibility[:, 3] = confidence[frame, rows]
        return with_visibility

    return FrameBatch.from_frames(
        HolisticFrame(
            stream_id=path.stem,
            sequence=frame,
            epoch=1,
            captured_at_us=round(frame * 1e6 / fps),
            processed_at_us=round(frame * 1e6 / fps),
            width=width,
            height=height,
            pose=part(frame, "POSE_LANDMARKS"),
            pose_world=part(frame, "POSE_WORLD_LANDMARKS"),
            face=part(frame, "FACE_LANDMARKS"),
            left_hand=part(frame, "LEFT_HAND_LANDMARKS"),
            right_hand=part(frame, "RIGHT_HAND_LANDMARKS"),
        )
        for frame in range(int(frames))
    )


@cache
def extract_video(path: Path) -> FrameBatch:
    """A video through MediaPipe, as the producer does it; once in a run."""
    from producer_service.capture.captured import Captured
    from producer_service.capture.open_source import SourceOptions, open_source
    from producer_service.encode import FrameNumbering, make_frame
    from producer_service.landmarks.holistic import HolisticLandmarker

    landmarker, numbering = HolisticLandmarker(still=False), FrameNumbering(path.stem, 1)
    try:
        return FrameBatch.from_frames(
            make_frame(item, landmarker.find(item.image), numbering, 0, mirrored=False, model=landmarker.model)
            for item in open_source(path, SourceOptions(), lambda: 0).read()
            if isinstance(item, Captured)
        )
    finally:
        landmarker.close()
