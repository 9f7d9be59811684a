"""The rotation of flat things: a plane at rest laid on measured points by least squares."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors, normalise

_FLATTEST: Final = 1e-6
"""Points whose spread one way is less than this share of that the other way stand in a line, and show no plane."""


def weigh_plane(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[2, K]: the weights `fit_plane` wants, of points at rest float64[K, 2] in the plane's two axes."""
    weights: NDArray[np.float64] = (rest - rest.mean(axis=0)).T
    return weights


def fit_plane(points: Vectors, weights: NDArray[np.float64]) -> tuple[Vectors, Vectors]:
    """The plane's two axes float64[..., 3], after the rotation (and size, and place) that lays it nearest to the points
    float64[..., K, 3]; NaN where they stand in a line.

    Least squares over rotations (Kabsch, 1976) of something flat need no decomposition: with the 3×2 matrix M of the
    sums of point times place at rest, the axes are M (MᵀM)^-½, and the root of a 2×2 matrix has a closed form
    (Levinger, 1980).
    """
    sums = weights @ points
    first, second = sums[..., 0, :], sums[..., 1, :]
    products = sums @ np.swapaxes(sums, -1, -2)
    aa, ab, bb = products[..., 0, 0, None], products[..., 0, 1, None], products[..., 1, 1, None]
    area = np.sqrt(np.maximum(aa * bb - ab * ab, 0.0))
    area = np.where(area > _FLATTEST * (aa + bb), area, np.nan)
    return normalise((bb + area) * first - ab * second), normalise((aa + area) * second - ab * first)
