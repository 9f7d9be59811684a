"""Blendshapes from the face mesh: blinks from the lids' gap, vowels from how far and how wide the mouth opens.

The lids' gap over the eye's width is the eye aspect ratio (Soukupová and Čech, 2016), the mean of three gaps. Names are
VRM 0's presets, which receivers of VMC expect by default. All ratios are of distances in three dimensions, so that they
hold for a turned head.
"""

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face import arkit
from consumers.avatar.humanoid.rotations import Vectors, smoothstep
from keypoints.landmarks import FaceLandmark as Face

Ratios = NDArray[np.float64]


class Blendshape(IntEnum):
    """The shapes sent; the value is the shape's column."""

    A = 0
    I = auto()  # noqa: E741  the vowel's own name
    U = auto()
    E = auto()
    O = auto()  # noqa: E741
    BLINK_L = auto()
    BLINK_R = auto()

    @property
    def vrm0_name(self) -> str:
        """The name on the wire: `Blink_L`."""
        return self.name.title()


SHAPE_COUNT: Final = len(Blendshape)

_ARKIT_COLUMNS: Final = np.array(
    [
        arkit.Blendshape.JAW_OPEN,
        arkit.Blendshape.MOUTH_STRETCH_LEFT,
        arkit.Blendshape.MOUTH_PUCKER,
        arkit.Blendshape.MOUTH_STRETCH_RIGHT,
        arkit.Blendshape.MOUTH_FUNNEL,
        arkit.Blendshape.EYE_BLINK_LEFT,
        arkit.Blendshape.EYE_BLINK_RIGHT,
    ]
)
"""The ARKit shape that each expression is nearest to."""

_EYE_OPEN: Final = 0.27
_EYE_CLOSED: Final = 0.11
_LIPS_CLOSED: Final = 0.02
_MOUTH_OPEN: Final = 0.16
_MOUTH_NARROW: Final = (0.48, 0.36)
_MOUTH_WIDE: Final = (0.62, 0.84)


@dataclass(frozen=True, slots=True)
class _Eye:
    corners: tuple[Face, Face]
    lids: tuple[tuple[Face, Face], ...]


_LEFT_EYE: Final = _Eye(
    corners=(Face.LEFT_EYE_OUTER, Face.LEFT_EYE_INNER),
    lids=(
        (Face.LEFT_EYE_UPPER_OUTER, Face.LEFT_EYE_LOWER_OUTER),
        (Face.LEFT_EYE_UPPER, Face.LEFT_EYE_LOWER),
        (Face.LEFT_EYE_UPPER_INNER, Face.LEFT_EYE_LOWER_INNER),
    ),
)
_RIGHT_EYE: Final = _Eye(
    corners=(Face.RIGHT_EYE_OUTER, Face.RIGHT_EYE_INNER),
    lids=(
        (Face.RIGHT_EYE_UPPER_OUTER, Face.RIGHT_EYE_LOWER_OUTER),
        (Face.RIGHT_EYE_UPPER, Face.RIGHT_EYE_LOWER),
        (Face.RIGHT_EYE_UPPER_INNER, Face.RIGHT_EYE_LOWER_INNER),
    ),
)


def read_expressions(face: Vectors) -> Ratios:
    """float64[N, 7] in 0…1, in order of Blendshape, from face points float64[N, 478, 3] in the same unit on all axes.

    NaN without a face.
    """
    lips, height = _gap(face, Face.UPPER_LIP_INNER, Face.LOWER_LIP_INNER), _gap(face, Face.FOREHEAD_TOP, Face.CHIN)
    corners, eyes = _gap(face, Face.MOUTH_LEFT, Face.MOUTH_RIGHT), _gap(face, Face.LEFT_EYE_OUTER, Face.RIGHT_EYE_OUTER)
    opened, width = _between(_divide(lips, height), _LIPS_CLOSED, _MOUTH_OPEN), _divide(corners, eyes)
    narrow, wide = _between(width, *_MOUTH_NARROW), _between(width, *_MOUTH_WIDE)
    parted = smoothstep(opened, 0.0, 0.15)
    shapes = np.empty((len(face), SHAPE_COUNT))
    shapes[:, Blendshape.A] = opened * (1.0 - narrow) * (1.0 - 0.5 * wide)
    shapes[:, Blendshape.I] = wide * (1.0 - opened) * parted
    shapes[:, Blendshape.U] = narrow * (1.0 - opened)
    shapes[:, Blendshape.E] = 0.5 * wide * opened
    shapes[:, Blendshape.O] = narrow * opened
    shapes[:, Blendshape.BLINK_L] = _between(_measure_eye(face, _LEFT_EYE), _EYE_OPEN, _EYE_CLOSED)
    shapes[:, Blendshape.BLINK_R] = _between(_measure_eye(face, _RIGHT_EYE), _EYE_OPEN, _EYE_CLOSED)
    return shapes


def to_arkit(expressions: Ratios) -> Ratios:
    """float64[N, 51] in order of the ARKit shapes, the others NaN, from float64[N, 7]."""
    shapes = np.full((len(expressions), arkit.SHAPE_COUNT), np.nan)
    shapes[:, _ARKIT_COLUMNS] = expressions
    return shapes


def from_arkit(shapes: Ratios) -> Ratios:
    """float64[..., 7] expressions, as `to_arkit` wrote them."""
    return shapes[..., _ARKIT_COLUMNS]


def _gap(face: Vectors, start: Face, end: Face) -> Ratios:
    across = face[:, start] - face[:, end]
    distance: Ratios = np.sqrt((across * across).sum(axis=-1))
    return distance


def _divide(numerator: Ratios, denominator: Ratios) -> Ratios:
    ratio: Ratios = np.divide(numerator, np.where(denominator > 0.0, denominator, np.nan))
    return ratio


def _between(values: Ratios, start: float, end: float) -> Ratios:
    """0 at `start` and before, 1 at `end` and beyond; `end` may be the smaller."""
    share: Ratios = np.clip((values - start) / (end - start), 0.0, 1.0)
    return share


def _measure_eye(face: Vectors, eye: _Eye) -> Ratios:
    lids = [_gap(face, upper, lower) for upper, lower in eye.lids]
    return _divide((lids[0] + lids[1] + lids[2]) / 3.0, _gap(face, *eye.corners))
