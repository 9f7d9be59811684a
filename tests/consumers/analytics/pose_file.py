"""Hands out of a .pose file, version 0.2 (source: sign-language-processing/pose, docs/specs/v0.2)."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import HolisticFrame
from keypoints.landmarks import HandLandmark


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str) -> tuple[float, ...]:
        values = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def count(self, form: str = "H") -> int:
        return int(self.take(form)[0])

    def text(self) -> str:
        length = self.count()
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def floats(self, *shape: int) -> NDArray[np.float32]:
        values = np.frombuffer(self._data, "<f4", int(np.prod(shape)), self._at).reshape(shape)
        self._at += values.nbytes
        return values


def read_hands(path: Path) -> list[HolisticFrame]:
    """Frames with the hands of the first person; a hand of which every point has confidence 0 is absent."""
    reader = _Reader(path.read_bytes())
    reader.take("f")
    width, height, depth, components = (int(value) for value in reader.take("4H"))
    first_point: dict[str, int] = {}
    points, values = 0, 0
    for _ in range(components):
        name, form = reader.text(), reader.text()
        count, limbs, colors = (int(value) for value in reader.take("3H"))
        for _ in range(count):
            reader.text()
        reader.take(f"{2 * limbs + 3 * colors}H")
        first_point[name], points, values = points, points + count, max(values, len(form) - 1)
    frames_per_s, frames, people = reader.take("fIH")
    places = reader.floats(int(frames), int(people), points, values)
    confidence = reader.floats(int(frames), int(people), points)

    size = np.array([width, height, depth or width], dtype=np.float32)

    def hand(frame: int, name: str) -> NDArray[np.float32] | None:
        rows = slice(first_point[name], first_point[name] + len(HandLandmark))
        if not confidence[frame, 0, rows].any():
            return None
        return np.asarray(places[frame, 0, rows] / size, dtype=np.float32)

    return [
        HolisticFrame(
            stream_id=path.stem,
            sequence=frame,
            epoch=1,
            captured_at_us=round(frame * 1_000_000 / frames_per_s),
            processed_at_us=0,
            width=width,
            height=height,
            left_hand=hand(frame, "LEFT_HAND_LANDMARKS"),
            right_hand=hand(frame, "RIGHT_HAND_LANDMARKS"),
        )
        for frame in range(int(frames))
    ]
