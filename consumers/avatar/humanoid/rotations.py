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
    """float64[size², size]: which products, as "-zy" for minus first z times second y, make which element."""
    table = np.zeros((size * size, size))
    for column, terms in enumerate(sums):
        for term in terms.split():
            row = "xyzw".index(term[1]) * size + "xyzw".index(term[2])
            table[row, column] = 1.0 if term[0] == "+" else -1.0
    return table


IDENTITY: Final[Quaternions] = np.array([0.0, 0.0, 0.0, 1.0])
_SHORTEST: Final = 1e-9
_CROSS: Final = _tabulate(3, ("+yz -zy", "+zx -xz", "+xy -yx"))
_HAMILTON: Final = _tabulate(4, ("+wx +xw +yz -zy", "+wy -xz +yw +zx", "+wz +xy -yx +zw", "+ww -xx -yy -zz"))
_MIRROR_ACROSS_X: Final = np.array([1.0, -1.0, -1.0, 1.0])


def normalise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit length along the last axis; NaN where there is no length to speak of."""
    length = np.sqrt(np.vecdot(values, values))[..., None]
    unit: NDArray[np.float64] = values / np.where(length > _SHORTEST, length, np.nan)
    return unit


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
    return combined.reshape(*products.shape[:-1])


def invert(rotation: Quaternions) -> Quaternions:
    """The opposite rotation."""
    return np.concatenate((-rotation[..., :3], rotation[..., 3:]), axis=-1)


def rotate(rotation: Quaternions, vectors: Vectors) -> Vectors:
    """Vectors turned by the rotation: v + 2 w (u × v) + 2 u × (u × v)."""
    axis, w = rotation[..., :3], rotation[..., 3:]
    twice = 2.0 * cross(axis, vectors)
    return vectors + w * twice + cross(axis, twice)


def about_axis(axis: Vectors, angle_rad: Angles) -> Quaternions:
    """Rotation by an angle about a unit axis."""
    half = 0.5 * angle_rad[..., None]
    return np.concatenate((axis * np.sin(half), np.cos(half)), axis=-1)


def to_rotation_vector(rotation: Quaternions) -> Vectors:
    """The axis of the rotation, as long as its angle (0…π) in radians."""
    size = np.sqrt(dot(rotation[..., :3], rotation[..., :3]))
    half = np.arctan2(size, np.abs(rotation[..., 3]))
    scale = np.copysign(2.0, rotation[..., 3]) / np.sinc(half / np.pi)
    vector: Vectors = rotation[..., :3] * scale[..., None]
    return vector


def from_rotation_vector(vector: Vectors) -> Quaternions:
    """The rotation about a vector by its length in radians."""
    half = 0.5 * np.sqrt(dot(vector, vector))
    return np.concatenate((vector * (0.5 * np.sinc(half / np.pi))[..., None], np.cos(half)[..., None]), axis=-1)


def mirror(rotation: Quaternions) -> Quaternions:
    """The same rotation seen in a mirror that swaps left and right (x)."""
    mirrored: Quaternions = rotation * _MIRROR_ACROSS_X
    return mirrored


def from_basis(x: Vectors, y: Vectors, z: Vectors) -> Quaternions:
    """The rotation that takes the axes to these orthonormal directions.

    Of the four ways to read a quaternion off a matrix each row takes the one with the largest divisor (Shepperd, 1978).
    """
    xx, yy, zz = x[..., 0], y[..., 1], z[..., 2]
    sums = np.stack((1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz, 1 + xx + yy + zz), axis=-1)
    xy, xz, yz = x[..., 1] + y[..., 0], x[..., 2] + z[..., 0], y[..., 2] + z[..., 1]
    wx, wy, wz = y[..., 2] - z[..., 1], z[..., 0] - x[..., 2], x[..., 1] - y[..., 0]
    candidates = np.stack(
        (sums[..., 0], xy, xz, wx, xy, sums[..., 1], yz, wy, xz, yz, sums[..., 2], wz, wx, wy, wz, sums[..., 3]),
        axis=-1,
    ).reshape(*sums.shape, 4)
    best = np.where(np.isnan(sums), -np.inf, sums).argmax(axis=-1)
    return normalise(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])


def basis_from_x(x: Vectors, y_hint: Vectors) -> Quaternions:
    """The rotation whose x axis is exactly `x` and whose y axis is as near `y_hint` as it can be."""
    x = normalise(x)
    z = normalise(cross(x, y_hint))
    return from_basis(x, cross(z, x), z)


def shortest_arc(start: Vectors, end: Vectors) -> Quaternions:
    """The smallest rotation that turns one unit direction into the other; NaN where they are opposite."""
    return normalise(np.concatenate((cross(start, end), (1.0 + dot(start, end))[..., None]), axis=-1))


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
    upright = np.where(rotation[..., 3:] < 0.0, -rotation, rotation)
    half = np.arccos(np.minimum(upright[..., 3], 1.0))
    limited = np.minimum(half, 0.5 * most_rad)
    sine = np.sin(half)
    shrink = np.where(sine > _SHORTEST, np.sin(limited) / np.where(sine > _SHORTEST, sine, 1.0), 1.0)
    return np.concatenate((upright[..., :3] * shrink[..., None], np.cos(limited)[..., None]), axis=-1)


def slerp(start: Quaternions, end: Quaternions, share: Angles) -> Quaternions:
    """Part of the way (0…1) from one rotation to the other, along the shorter arc at an even speed (Shoemake, 1985)."""
    cosine = dot(start, end)
    end = np.where(cosine[..., None] < 0.0, -end, end)
    angle = np.arccos(np.minimum(np.abs(cosine), 1.0))
    sine = np.sin(angle)
    close = sine < 1e-6
    divisor = np.where(close, 1.0, sine)
    from_start = np.where(close, 1.0 - share, np.sin((1.0 - share) * angle) / divisor)
    from_end = np.where(close, share, np.sin(share * angle) / divisor)
    return normalise(from_start[..., None] * start + from_end[..., None] * end)


def smoothstep(values: Angles, low: float, high: float) -> Angles:
    """0 below `low`, 1 above `high`, and smooth between."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def to_euler(rotation: Quaternions) -> Angles:
    """The angles x, y, z of turns about z, then x, then y, each about an axis of the space: Unity's Quaternion.Euler.

    x lies in ±π/2, y and z in ±π. Straight up or down, y and z turn about the same axis and share what they turn.
    """
    x, y, z, w = (rotation[..., column] for column in range(4))
    pitch = np.arcsin(np.clip(2.0 * (x * w - y * z), -1.0, 1.0))
    yaw = np.arctan2(2.0 * (x * z + y * w), 1.0 - 2.0 * (x * x + y * y))
    roll = np.arctan2(2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z))
    angles: Angles = np.stack((pitch, yaw, roll), axis=-1)
    return angles
