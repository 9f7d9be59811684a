"""The arithmetic all features share: on columns of points, each row by itself.

Only operations IEEE 754 rounds exactly are used (+ - * / sqrt, comparison), and sums are added term by term in a fixed
order: a row's result is the same to the last bit whatever batch it came in and whatever processor computed it. So are
angles: arccos and arctan2 differ between processors, numpy's even between the places of a vector.
"""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Where a record does not say its image's size: between the phone's and the television's shape.
ASPECT_OF_UNKNOWN_IMAGE: Final = 4 / 3
_DEGREES: Final = 180.0 / np.pi
_ARCTAN_TERMS: Final = 10
"""Of its series, which is used for angles up to 11.25 degrees, where the next term is 5e-16 of the first."""


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
    one, other = one * length(other), other * length(one)
    # Kahan's: of vectors of one length their difference and sum, which is exact near 0 and 180 degrees too.
    return 2.0 * angle_of(length(one - other), length(one + other))


def angle_of(sine: Floats, cosine: Floats) -> Floats:
    """(…) degrees, -180 … 180, of which these are the sine and cosine, or multiples of them; NaN where both are 0."""
    ahead, aside = np.abs(cosine), np.abs(sine)
    angle = _find_arctan(np.minimum(ahead, aside) / np.maximum(ahead, aside))
    angle = np.where(aside > ahead, np.pi / 2 - angle, angle)
    angle = np.where(cosine < 0.0, np.pi - angle, angle)
    return np.asarray(np.where(sine < 0.0, -angle, angle) * _DEGREES)


def _find_arctan(tangent: Floats) -> Floats:
    """(…) radians for tangents from 0 to 1, within 1e-15: the angle is halved twice, and its series added."""
    for _ in range(2):
        tangent = tangent / (1.0 + np.sqrt(1.0 + tangent * tangent))
    squared = tangent * tangent
    series = np.zeros_like(tangent)
    for term in reversed(range(_ARCTAN_TERMS)):
        series = (-1.0) ** term / (2 * term + 1) + squared * series
    return np.asarray(4.0 * tangent * series)
