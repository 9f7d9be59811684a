"""Rotations over time, component first: a matrix is (3, 3, …), a vector (3, …), a quaternion (4, …) as x, y, z, w.

Only element-wise arithmetic is used, never a matrix product: what comes out for one instant is the same to the last bit
whichever instants are computed beside it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_LANES: Final = 8


def turn_deg(axis: int, degrees: FloatArray) -> FloatArray:
    """(3, 3, …) rotations by `degrees` (…) about the axis 0 (x), 1 (y) or 2 (z), right-handed."""
    cos, sin = cos_sin(np.radians(degrees))
    turned = np.zeros((3, 3, *degrees.shape))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turned[axis, axis] = 1.0
    turned[first, first] = turned[second, second] = cos
    turned[first, second] = -sin
    turned[second, first] = sin
    return turned


def turn_about(axis: FloatArray, degrees: FloatArray) -> FloatArray:
    """(3, 3, …) rotations by `degrees` (…) about unit axes (3, …) that broadcast against it (Rodrigues' formula)."""
    cos, sin = cos_sin(np.radians(degrees))
    x, y, z = axis
    rest = 1.0 - cos
    return np.stack(
        [
            np.stack([cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin]),
            np.stack([y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin]),
            np.stack([z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest]),
        ]
    )


def compose(outer: FloatArray, inner: FloatArray) -> FloatArray:
    """(3, 3, …): first `inner`, then `outer`."""
    product: FloatArray = outer[:, 0, None] * inner[None, 0]
    product += outer[:, 1, None] * inner[None, 1]
    product += outer[:, 2, None] * inner[None, 2]
    return product


def rotate(rotation: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
    """(3, …): the vectors (3, …) turned by the rotations (3, 3, …)."""
    turned: NDArray[Any] = rotation[:, 0] * vector[0] + rotation[:, 1] * vector[1] + rotation[:, 2] * vector[2]
    return turned


def inverse(rotation: FloatArray) -> FloatArray:
    """(3, 3, …): the rotations undone."""
    return np.swapaxes(rotation, 0, 1)


def to_quaternion(rotation: FloatArray) -> FloatArray:
    """(4, …) unit quaternions x, y, z, w with w ≥ 0 (Shepperd's method: divides by the largest component)."""
    m = rotation
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    squares = np.stack([1 + 2 * m[0, 0] - trace, 1 + 2 * m[1, 1] - trace, 1 + 2 * m[2, 2] - trace, 1 + trace])
    candidates = np.stack(
        [
            np.stack([squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]]),
            np.stack([m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]]),
            np.stack([m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]]),
            np.stack([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]]),
        ]
    )
    largest = np.argmax(squares, axis=0)
    quaternion = np.take_along_axis(candidates, largest[None, None], axis=0)[0]
    length = np.sqrt(np.sum(quaternion * quaternion, axis=0))
    return np.asarray(quaternion / (length * np.where(quaternion[3] < 0, -1.0, 1.0)))


def from_quaternion(quaternion: FloatArray) -> FloatArray:
    """(3, 3, …) rotations of unit quaternions (4, …) x, y, z, w."""
    x, y, z, w = quaternion
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)]),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)]),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]),
        ]
    )


def cos_sin(radians: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cosine and sine, the same to the last bit for a value alone and among others.

    numpy takes whole vector registers through one polynomial and the odd ones left over through another; filling the
    last register up leaves none over.
    """
    flat = np.ravel(radians)
    padded = np.zeros(-(-flat.size // _LANES) * _LANES)
    padded[: flat.size] = flat
    shape = np.shape(radians)
    return np.cos(padded)[: flat.size].reshape(shape), np.sin(padded)[: flat.size].reshape(shape)
