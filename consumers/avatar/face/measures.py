"""Signed distances of the face by name, in its own frame and size.

The frame is an affine fit over points that the muscles of the face hardly move, by weighted least squares in closed
form: a fixed matrix times those points gives three axes and an origin. In the frame of these axes a face measures the
same however it is turned, near, or foreshortened, and also where the detector's depth has another scale than its width.
Every measure is a sum of coordinates with fixed weights: another fixed matrix. What is measured follows the action
units of FACS (Ekman, Friesen and Hager, 2002) and ARKit's description of each blend shape location.
"""

from collections.abc import Iterable
from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face import mesh
from consumers.avatar.humanoid.rotations import Vectors, clamp, cross, dot, normalise
from keypoints.landmarks import FaceLandmark

Measures = NDArray[np.float64]


class Measure(IntEnum):
    """What is measured; the value is the measure's column. Millimetres of an adult's face, but for the head's angles.

    `_X` is outwards from the nose, or to the person's right of what lies in the middle and of the irises; `_Z` is
    forwards; everything else is upwards. Where no other place is named, it counts from the corners of the eyes.
    """

    EYE_OPENING_LEFT = 0
    """From the lower lid to the upper one, the numerator of the eye aspect ratio (Soukupová and Čech, 2016)."""
    EYE_OPENING_RIGHT = auto()
    UPPER_LID_LEFT = auto()
    UPPER_LID_RIGHT = auto()
    LOWER_LID_LEFT = auto()
    LOWER_LID_RIGHT = auto()
    INNER_BROW_LEFT = auto()
    INNER_BROW_RIGHT = auto()
    OUTER_BROW_LEFT = auto()
    OUTER_BROW_RIGHT = auto()
    BROW_HEAD_X_LEFT = auto()
    BROW_HEAD_X_RIGHT = auto()
    CHEEKBONE_LEFT = auto()
    CHEEKBONE_RIGHT = auto()
    CHEEK_X_LEFT = auto()
    CHEEK_X_RIGHT = auto()
    CHEEK_Z_LEFT = auto()
    CHEEK_Z_RIGHT = auto()
    NOSE_WING_LEFT = auto()
    NOSE_WING_RIGHT = auto()
    CORNER_LEFT = auto()
    """The mouth's corner."""
    CORNER_RIGHT = auto()
    CORNER_X_LEFT = auto()
    CORNER_X_RIGHT = auto()
    CORNER_Z_LEFT = auto()
    CORNER_Z_RIGHT = auto()
    UPPER_LIP_LEFT = auto()
    UPPER_LIP_RIGHT = auto()
    LOWER_LIP_LEFT = auto()
    """From the chin, as far as the lower lip stands above it."""
    LOWER_LIP_RIGHT = auto()
    LIP_GAP = auto()
    """From the lower lip to the upper one, inside."""
    UPPER_LIP_RED = auto()
    """How high the visible red of the upper lip is."""
    LOWER_LIP_RED = auto()
    UPPER_LIP_Z = auto()
    LOWER_LIP_Z = auto()
    LIPS_X = auto()
    CHIN = auto()
    CHIN_X = auto()
    CHIN_Z = auto()
    HEAD_YAW_DEG = auto()
    """Where the face points in Unity's space: to the person's right is positive."""
    HEAD_PITCH_DEG = auto()
    """Down is positive."""
    IRIS_X_LEFT = auto()
    """From the middle between the eye's corners to the iris, as the next three; NaN where a mesh has no irises."""
    IRIS_X_RIGHT = auto()
    IRIS_LEFT = auto()
    IRIS_RIGHT = auto()


MEASURE_COUNT: Final = len(Measure)

_Terms = tuple[tuple[mesh.Points, float], ...]
_X, _Y, _Z = range(3)
_EYES: Final = (*mesh.EYE_CORNERS, *mesh.mirror_points(mesh.EYE_CORNERS))
_UPPER: Final[_Terms] = ((mesh.UPPER_LID, 0.8), (mesh.UPPER_LID_SIDES, 0.2))
_LOWER: Final[_Terms] = ((mesh.LOWER_LID, 0.8), (mesh.LOWER_LID_SIDES, 0.2))


def _minus(terms: Iterable[tuple[mesh.Points, float]]) -> _Terms:
    return tuple((points, -weight) for points, weight in terms)


def _from_eyes(points: mesh.Points) -> _Terms:
    return ((points, 1.0), (_EYES, -1.0))


def _between(upper: mesh.Points, lower: mesh.Points) -> _Terms:
    return ((upper, 1.0), (lower, -1.0))


_SIDED: Final[dict[str, tuple[int, _Terms]]] = {
    "EYE_OPENING": (_Y, _UPPER + _minus(_LOWER)),
    "UPPER_LID": (_Y, (*_UPPER, (mesh.EYE_CORNERS, -1.0))),
    "LOWER_LID": (_Y, (*_LOWER, (mesh.EYE_CORNERS, -1.0))),
    "INNER_BROW": (_Y, _from_eyes(mesh.INNER_BROW)),
    "OUTER_BROW": (_Y, _from_eyes(mesh.OUTER_BROW)),
    "BROW_HEAD_X": (_X, _from_eyes(mesh.BROW_HEADS)),
    "CHEEKBONE": (_Y, _from_eyes(mesh.CHEEKBONE)),
    "CHEEK_X": (_X, _from_eyes(mesh.CHEEK_HOLLOW)),
    "CHEEK_Z": (_Z, _from_eyes(mesh.CHEEK_HOLLOW)),
    "NOSE_WING": (_Y, _from_eyes(mesh.NOSE_WING)),
    "CORNER": (_Y, _from_eyes(mesh.MOUTH_CORNER)),
    "CORNER_X": (_X, _from_eyes(mesh.MOUTH_CORNER)),
    "CORNER_Z": (_Z, _from_eyes(mesh.MOUTH_CORNER)),
    "UPPER_LIP": (_Y, ((mesh.UPPER_LIP_EDGE, 0.5), (mesh.UPPER_LIP_SEAM, 0.5), (_EYES, -1.0))),
    "LOWER_LIP": (_Y, ((mesh.LOWER_LIP_EDGE, 0.5), (mesh.LOWER_LIP_SEAM, 0.5), (mesh.CHIN, -1.0))),
}
_MIDDLE: Final[dict[Measure, tuple[int, _Terms]]] = {
    Measure.LIP_GAP: (_Y, _between(mesh.UPPER_LIP_BOTTOM, mesh.LOWER_LIP_TOP)),
    Measure.UPPER_LIP_RED: (_Y, _between(mesh.UPPER_LIP_TOP, mesh.UPPER_LIP_BOTTOM)),
    Measure.LOWER_LIP_RED: (_Y, _between(mesh.LOWER_LIP_TOP, mesh.LOWER_LIP_BOTTOM)),
    Measure.UPPER_LIP_Z: (_Z, ((mesh.UPPER_LIP_TOP, 0.5), (mesh.UPPER_LIP_BOTTOM, 0.5), (_EYES, -1.0))),
    Measure.LOWER_LIP_Z: (_Z, ((mesh.LOWER_LIP_TOP, 0.5), (mesh.LOWER_LIP_BOTTOM, 0.5), (_EYES, -1.0))),
    Measure.LIPS_X: (_X, ((mesh.UPPER_LIP_TOP, 0.5), (mesh.LOWER_LIP_BOTTOM, 0.5), (_EYES, -1.0))),
    Measure.CHIN: (_Y, _from_eyes(mesh.CHIN)),
    Measure.CHIN_X: (_X, _from_eyes(mesh.CHIN)),
    Measure.CHIN_Z: (_Z, _from_eyes(mesh.CHIN)),
}
_LINEAR: Final = Measure.HEAD_YAW_DEG
"""Measures before this one are sums of coordinates of the mesh."""


def _collect_terms() -> dict[Measure, tuple[int, dict[int, float]]]:
    collected: dict[Measure, tuple[int, dict[int, float]]] = {}
    for name, (axis, terms) in _SIDED.items():
        mirrored = tuple((mesh.mirror_points(points), weight) for points, weight in terms)
        collected[Measure[f"{name}_RIGHT"]] = (axis, _weigh(terms))
        collected[Measure[f"{name}_LEFT"]] = (axis, _weigh(_minus(mirrored) if axis == _X else mirrored))
    return collected | {measure: (axis, _weigh(terms)) for measure, (axis, terms) in _MIDDLE.items()}


def _weigh(terms: _Terms) -> dict[int, float]:
    weights: dict[int, float] = {}
    for points, weight in terms:
        for point in points:
            weights[point] = weights.get(point, 0.0) + weight / len(points)
    return weights


def _tabulate() -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """The points read int[P]; rows float64[3 + L, P] that give the frame's axes, then each linear measure as a vector
    of the picture; and float64[L, 3]: which axis of the frame counts."""
    terms = _collect_terms()
    stable, places, weights = mesh.list_stable_points()
    points = sorted(set(stable).union(*(row for _, row in terms.values())))
    column = {point: index for index, point in enumerate(points)}
    root = np.sqrt(weights)
    fit = np.linalg.pinv(np.column_stack((places, np.ones(len(places)))) * root[:, None]) * root
    rows, axes = np.zeros((3 + _LINEAR, len(points))), np.zeros((_LINEAR, 3))
    rows[:3, [column[point] for point in stable]] = fit[:3]
    for measure, (axis, row) in terms.items():
        axes[measure, axis] = 1.0
        rows[3 + measure, [column[point] for point in row]] = list(row.values())
    return np.array(points, dtype=np.intp), rows, axes


_POINTS, _ROWS, _AXES = _tabulate()
_IRIS_POINTS: Final = np.array(
    [[*mesh.mirror_points(mesh.EYE_CORNERS), *mesh.LEFT_IRIS], [*mesh.EYE_CORNERS, *mesh.RIGHT_IRIS]]
)
_IRIS_WEIGHTS: Final = np.array([-0.5, -0.5, 0.2, 0.2, 0.2, 0.2, 0.2])
_FLATTEST: Final = 0.02
"""The frame's smallest volume, as a share of the product of its sides: less is no face."""


def measure_face(face: Vectors, focal: NDArray[np.float64] | None = None) -> Measures:
    """float64[N, K] in order of Measure, from face points float64[N, 478, 3] in Unity's space, in any unit.

    `focal` float64[N]: each camera's focal length in the same unit (pixels), to take its perspective out again; None is
    a camera far away. NaN where a face, or the irises, were not seen, and where the points have no depth or lie on one
    another.
    """
    points, in_eyes = face.take(_POINTS, axis=1), face.take(_IRIS_POINTS, axis=1)
    if focal is not None:
        per_depth, origin = 1.0 / focal, face[:, FaceLandmark.NOSE_BRIDGE]
        points = _straighten(points, origin[:, None], per_depth[:, None])
        in_eyes = _straighten(in_eyes, origin[:, None, None], per_depth[:, None, None])
    vectors = _ROWS @ points
    irises = _IRIS_WEIGHTS @ in_eyes
    frame, forward = _invert_axes(vectors[:, :3])
    measures = np.empty((len(face), MEASURE_COUNT))
    measures[:, :_LINEAR] = ((vectors[:, 3:] @ frame) * _AXES).sum(axis=-1)
    measures[:, Measure.HEAD_YAW_DEG] = np.degrees(np.arctan2(forward[:, 0], forward[:, 2]))
    measures[:, Measure.HEAD_PITCH_DEG] = -np.degrees(np.arcsin(clamp(forward[:, 1], -1.0, 1.0)))
    within_eyes = irises @ frame
    measures[:, Measure.IRIS_X_LEFT : Measure.IRIS_X_RIGHT + 1] = within_eyes[..., _X]
    measures[:, Measure.IRIS_LEFT : Measure.IRIS_RIGHT + 1] = within_eyes[..., _Y]
    return measures


def _straighten(points: Vectors, origin: Vectors, per_depth: NDArray[np.float64]) -> Vectors:
    """Points as seen from far away.

    In pixels at the face a focal length is as long as the face is far: what is nearer by a share of it looks larger by
    that share. Where the picture's middle lies does not matter: that shears the face, which its frame makes good.
    """
    from_origin = points - origin
    from_origin[..., :2] *= (1.0 - from_origin[..., 2] * per_depth)[..., None]
    return from_origin


def _invert_axes(axes: Vectors) -> tuple[Vectors, Vectors]:
    """float64[N, 3, 3]: vectors times this are in the frame of the axes; and the direction [N, 3] the face looks in."""
    crosses = cross(axes[:, [1, 2, 0]], axes[:, [2, 0, 1]])
    volume = dot(axes[:, 0], crosses[:, 0])
    lengths = np.sqrt(dot(axes, axes))
    size = lengths[:, 0] * lengths[:, 1] * lengths[:, 2]
    inverse = crosses / np.where(volume > _FLATTEST * size, volume, np.nan)[:, None, None]
    return inverse.transpose(0, 2, 1), normalise(crosses[:, 2])
