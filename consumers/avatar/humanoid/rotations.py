"""Quaternion and basis arithmetic on stacks of rotations.

Quaternions are float64[..., 4] in the order x, y, z, w (Unity's), unit length, and rotate column vectors; vectors are
float64[..., 3]. The formulas hold in left-handed and right-handed spaces alike. Every function broadcasts over leading
dimensions and passes NaN through: what cannot be measured stays NaN and is sorted out once, by the solver.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float64]
Quaternions: TypeAlias = NDArray[np.float64]
Angles: TypeAlias = NDArray[np.float64]


def _tabulate(size: int, sums: tuple[str, ...]) -> NDArray[np.float64]:
    """float64[size², S]: which products, as "-zy" for minus first z times second y, make which of S sums."""
    table = np.zeros((size * size, len(sums)))
    for column, terms in enumerate(sums):
        for term in terms.split():
            row = "xyzw".index(term[1]) * size + "xyzw".index(term[2])
            table[row, column] = 1.0 if term[0] == "+" else -1.0
    return table


def _tabulate_shepperd() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """float64[9, 16], and what to add [16]: from the elements of a matrix by columns to four times the products of each
    two components of its quaternion, row by row. Each row is the quaternion, in a length of its own."""
    of_x, of_y, of_z = np.eye(9).reshape(3, 3, 9)
    xx, yy, zz = of_x[0], of_y[1], of_z[2]
    xy, xz, yz = of_x[1] + of_y[0], of_x[2] + of_z[0], of_y[2] + of_z[1]
    wx, wy, wz = of_y[2] - of_z[1], of_z[0] - of_x[2], of_x[1] - of_y[0]
    rows = (
        (xx - yy - zz, xy, xz, wx),
        (xy, yy - xx - zz, yz, wy),
        (xz, yz, zz - xx - yy, wz),
        (wx, wy, wz, xx + yy + zz),
    )
    return np.array(rows).reshape(16, 9).T.copy(), np.eye(4).ravel()


IDENTITY: Final[Quaternions] = np.array([0.0, 0.0, 0.0, 1.0])
_SHORTEST: Final = 1e-9
_LEAST_RAD: Final = 1e-9
"""Angles are taken to be no smaller where the sine divides: of such a one the quotient is its limit already."""
_LEAST_ARC_RAD: Final = 1e-6
_CROSS: Final = _tabulate(3, ("+yz -zy", "+zx -xz", "+xy -yx"))
_HAMILTON: Final = _tabulate(4, ("+wx +xw +yz -zy", "+wy -xz +yw +zx", "+wz +xy -yx +zw", "+ww -xx -yy -zz"))
_ARC: Final = _tabulate(3, ("+yz -zy", "+zx -xz", "+xy -yx", "+xx +yy +zz"))
"""A rotation by twice the angle between two directions: their cross and their scalar product."""
_TO_MATRIX: Final = 2.0 * _tabulate(
    4, ("-yy -zz", "+xy -wz", "+xz +wy", "+xy +wz", "-xx -zz", "+yz -wx", "+xz -wy", "+yz +wx", "-xx -yy")
)
"""The rotation's matrix row by row, less the identity, from the products of the quaternion with itself."""
_UNIT_MATRIX: Final = np.eye(3).ravel()
_SHEPPERD, _SHEPPERD_ONES = _tabulate_shepperd()
_CONJUGATE: Final = np.array([-1.0, -1.0, -1.0, 1.0])
_MIRROR_ACROSS_X: Final = np.array([1.0, -1.0, -1.0, 1.0])


def normalise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit length along the last axis; NaN where there is no length to speak of."""
    length = np.sqrt(np.vecdot(values, values))[..., None]
    length[length <= _SHORTEST] = np.nan
    unit: NDArray[np.float64] = values / length
    return unit


def clamp(values: Angles, low: float | Angles, high: float | Angles) -> Angles:
    """Values cut to a range, as np.clip does, at a third of what that costs for few of them."""
    clamped: Angles = np.minimum(np.maximum(values, low), high)
    return clamped


def cross(first: Vectors, second: Vectors) -> Vectors:
    """Vector product."""
    return _combine(first, second, _CROSS)


def dot(first: Vectors, second: Vectors) -> Angles:
    """Scalar product along the last axis."""
    product: Angles = np.vecdot(first, second)
    return product


def multiply(first: Quaternions, second: Quaternions) -> Quaternions:
    """The rotation that applies `second`, then `first` (Hamilton product)."""
    return _combine(first, second, _HAMILTON)


def _combine(
    first: NDArray[np.float64], second: NDArray[np.float64], table: NDArray[np.float64]
) -> NDArray[np.float64]:
    """All products of two elements, summed as `table` says: three calls of numpy, where one frame is mostly calls."""
    products = first[..., :, None] * second[..., None, :]
    combined: NDArray[np.float64] = products.reshape(-1, len(table)).dot(table)
    return combined.reshape(*products.shape[:-2], table.shape[1])


def invert(rotation: Quaternions) -> Quaternions:
    """The opposite rotation."""
    inverse: Quaternions = rotation * _CONJUGATE
    return inverse


def rotate(rotation: Quaternions, vectors: Vectors) -> Vectors:
    """Vectors turned by the rotation: v + 2 w (u × v) + 2 u × (u × v), as the matrix that is this for any v."""
    matrix = _combine(rotation, rotation, _TO_MATRIX) + _UNIT_MATRIX
    turned: Vectors = np.matvec(matrix.reshape(*rotation.shape[:-1], 3, 3), vectors)
    return turned


def about_axis(axis: Vectors, angle_rad: Angles) -> Quaternions:
    """Rotation by an angle about a unit axis."""
    half = 0.5 * angle_rad[..., None]
    return np.concatenate((axis * np.sin(half), np.cos(half)), axis=-1)


def to_rotation_vector(rotation: Quaternions) -> Vectors:
    """The axis of the rotation, as long as its angle (0…π) in radians."""
    size = np.sqrt(dot(rotation[..., :3], rotation[..., :3]))
    half = np.maximum(np.arctan2(size, np.abs(rotation[..., 3])), _LEAST_RAD)
    scale = np.copysign(2.0, rotation[..., 3]) * half / np.sin(half)
    vector: Vectors = rotation[..., :3] * scale[..., None]
    return vector


def from_rotation_vector(vector: Vectors) -> Quaternions:
    """The rotation about a vector by its length in radians."""
    half = np.maximum(0.5 * np.sqrt(dot(vector, vector)), _LEAST_RAD)[..., None]
    return np.concatenate((vector * (0.5 * np.sin(half) / half), np.cos(half)), axis=-1)


def mirror(rotation: Quaternions) -> Quaternions:
    """The same rotation seen in a mirror that swaps left and right (x)."""
    mirrored: Quaternions = rotation * _MIRROR_ACROSS_X
    return mirrored


def from_basis(x: Vectors, y: Vectors, z: Vectors) -> Quaternions:
    """The rotation that takes the axes to these orthonormal directions.

    Of the four ways to read a quaternion off a matrix each row takes the one with the largest divisor (Shepperd, 1978).
    """
    elements = np.concatenate((x, y, z), axis=-1).reshape(-1, 9)
    candidates = (elements.dot(_SHEPPERD) + _SHEPPERD_ONES).reshape(-1, 4, 4)
    best = candidates.diagonal(axis1=-2, axis2=-1).argmax(axis=-1)
    return normalise(candidates[np.arange(len(best)), best].reshape(*x.shape[:-1], 4))


def basis_from_x(x: Vectors, y_hint: Vectors) -> Quaternions:
    """The rotation whose x axis is exactly `x` and whose y axis is as near `y_hint` as it can be."""
    x = normalise(x)
    z = normalise(cross(x, y_hint))
    return from_basis(x, cross(z, x), z)


def shortest_arc(start: Vectors, end: Vectors) -> Quaternions:
    """The smallest rotation that turns one unit direction into the other; NaN where they are opposite."""
    return normalise(_combine(start, end, _ARC) + IDENTITY)


def twist_about(rotation: Quaternions, axis: Vectors) -> Angles:
    """The angle (−π…π) a rotation turns about an axis, of its swing-twist decomposition."""
    along = dot(rotation[..., :3], axis)
    angle = 2.0 * np.arctan2(along, rotation[..., 3])
    wrapped: Angles = np.remainder(angle + np.pi, 2.0 * np.pi)
    return wrapped - np.pi


def angle_between(first: Quaternions, second: Quaternions) -> Angles:
    """The angle (0…π) of the rotation from one to the other."""
    cosine = np.minimum(np.abs(dot(first, second)), 1.0)
    angle: Angles = 2.0 * np.arccos(cosine)
    return angle


def limit_angle(rotation: Quaternions, most_rad: float | Angles) -> Quaternions:
    """The same rotation, its angle cut to at most `most_rad`."""
    upright = rotation * np.copysign(1.0, rotation[..., 3:])
    half = np.arccos(np.minimum(upright[..., 3], 1.0))
    limited = np.minimum(half, 0.5 * most_rad)
    sine = np.sin(half)
    shrink = np.divide(np.sin(limited), sine, out=np.ones_like(sine), where=sine > _SHORTEST)
    return np.concatenate((upright[..., :3] * shrink[..., None], np.cos(limited)[..., None]), axis=-1)


def slerp(start: Quaternions, end: Quaternions, share: Angles) -> Quaternions:
    """Part of the way (0…1) from one rotation to the other, along the shorter arc at an even speed (Shoemake, 1985)."""
    cosine = dot(start, end)[..., None]
    angle = np.maximum(np.arccos(np.minimum(np.abs(cosine), 1.0)), _LEAST_ARC_RAD)
    share = share[..., None]
    from_start, from_end = np.sin((1.0 - share) * angle), np.copysign(np.sin(share * angle), cosine)
    return normalise((from_start * start + from_end * end) / np.sin(angle))


def smoothstep(values: Angles, low: float, high: float) -> Angles:
    """0 below `low`, 1 above `high`, and smooth between."""
    share = clamp((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def to_euler(rotation: Quaternions) -> Angles:
    """The angles x, y, z of turns about z, then x, then y, each about an axis of the space: Unity's Quaternion.Euler.

    x lies in ±π/2, y and z in ±π. Straight up or down, y and z turn about the same axis and share what they turn.
    """
    x, y, z, w = (rotation[..., column] for column in range(4))
    pitch = np.arcsin(clamp(2.0 * (x * w - y * z), -1.0, 1.0))
    yaw = np.arctan2(2.0 * (x * z + y * w), 1.0 - 2.0 * (x * x + y * y))
    roll = np.arctan2(2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z))
    angles: Angles = np.stack((pitch, yaw, roll), axis=-1)
    return angles
