"""The arithmetic all features share: on columns of points, each row by itself.

Only operations IEEE 754 rounds exactly are used in columns (+ - * / sqrt, comparison), and sums are added term by term
in a fixed order, so that a row's result is the same to the last bit whatever batch it came in. Angles are taken one
value at a time through `math`, for vectorised arccos and arctan2 differ between processors and within a vector.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import starmap
from math import acos, atan2, pi
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Where a record does not say its image's size: between the phone's and the television's shape.
ASPECT_OF_UNKNOWN_IMAGE: Final = 4 / 3
_DEGREES: Final = 180.0 / pi


def find_aspect(width: NDArray[np.int32], height: NDArray[np.int32]) -> Floats:
    """float64 (N,): widths by heights of images in pixels (N,); that of an unknown image where one says 0."""
    known = (width > 0) & (height > 0)
    return np.asarray(np.where(known, width.astype(np.float64), ASPECT_OF_UNKNOWN_IMAGE) / np.where(known, height, 1))


def turn_to_rows(points: NDArray[np.float32], aspect: Floats | None = None) -> Floats:
    """float64 (3, P, N) of x, y, z of points (N, P, 3 or more): one landmark's coordinate is one contiguous row.

    With an aspect (N,) the points are fractions of an image, and become image heights; z has the scale of x.
    """
    rows = np.ascontiguousarray(points[:, :, :3].transpose(2, 1, 0), dtype=np.float64)
    if aspect is not None:
        rows[0] *= aspect
        rows[2] *= aspect
    return rows


def add_up(terms: Iterable[Floats]) -> Floats:
    """The terms added in their order; a reduction by numpy would choose one by the shape."""
    return reduce(add, terms)


def dot(one: Floats, other: Floats) -> Floats:
    """(…): the products of vectors (2 or 3, …)."""
    return add_up(one * other)


def length(vectors: Floats) -> Floats:
    """(…): the lengths of vectors (2 or 3, …)."""
    return np.asarray(np.sqrt(dot(vectors, vectors)))


def cross(one: Floats, other: Floats) -> Floats:
    """(3, …): the vectors at right angles to both."""
    return np.stack(
        [
            one[1] * other[2] - one[2] * other[1],
            one[2] * other[0] - one[0] * other[2],
            one[0] * other[1] - one[1] * other[0],
        ]
    )


def angle_between(one: Floats, other: Floats) -> Floats:
    """(…) degrees, 0 … 180, between vectors (2 or 3, …); NaN where one has no length."""
    cosine = dot(one, other) / np.sqrt(dot(one, one) * dot(other, other))
    return _map_to_degrees(acos, np.minimum(np.maximum(cosine, -1.0), 1.0))


def angle_of(sine: Floats, cosine: Floats) -> Floats:
    """(N,) degrees, -180 … 180, of which these are the sine and the cosine, or multiples of them."""
    return np.array(list(starmap(atan2, zip(sine.tolist(), cosine.tolist(), strict=True)))) * _DEGREES


def _map_to_degrees(function: Callable[[float], float], values: Floats) -> Floats:
    return np.array(list(map(function, values.ravel().tolist()))).reshape(values.shape) * _DEGREES
