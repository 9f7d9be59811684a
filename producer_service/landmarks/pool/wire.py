"""Landmarks between a worker and the service: which parts there are, and their numbers as raw float32."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keypoints.landmarks import PART_SHAPES, Part
from producer_service.landmarks.landmarker import Landmarks


def pack_landmarks(found: Landmarks) -> tuple[list[tuple[str, int]], bytes]:
    """Each part that was found with its number of points, and their values one after another."""
    parts = [(part.value, values) for part in Part if (values := getattr(found, part.value)) is not None]
    return [(name, len(values)) for name, values in parts], b"".join(values.tobytes() for _, values in parts)


def unpack_landmarks(parts: Sequence[Sequence[Any]], body: bytes) -> Landmarks:
    """The landmarks again. Raises ValueError for a body that is none."""
    found, start = {}, 0
    for name, points in parts:
        width = PART_SHAPES[Part(name)][1]
        values = np.frombuffer(body, np.float32, int(points) * width, start)
        found[Part(name).value] = values.reshape(int(points), width)
        start += values.nbytes
    return Landmarks(**found)
