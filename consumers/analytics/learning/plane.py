"""Vectors in the image's plane: float64 (..., 2)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def measure_length(vectors: Floats) -> Floats:
    """(...) lengths."""
    lengths: Floats = np.sqrt(dot(vectors, vectors))
    return lengths


def dot(one: Floats, other: Floats) -> Floats:
    """(...) the lengths' product times the cosine between them."""
    return one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1]


def cross(one: Floats, other: Floats) -> Floats:
    """(...) the lengths' product times the sine from one to the other; > 0 clockwise in an image."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
