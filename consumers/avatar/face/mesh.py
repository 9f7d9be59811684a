"""Points of MediaPipe's face mesh by what they lie on, on the person's right side; `mirror_points` gives the left ones.

Numbering: MediaPipe's face mesh, whose outlines of lids, brows and lips are `keypoints.landmarks.FACE_CONTOURS`; the
others by their place on the canonical face. The face's frame: x to the person's right, y up, z forward, in millimetres
of an adult whose outer corners of the eyes are 90 mm apart (Farkas, Anthropometry of the Head and Face, 1994).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import FACE_MIRROR
from keypoints.landmarks import FaceLandmark as Face

Points = tuple[int, ...]

EYE_CORNERS: Final[Points] = (Face.RIGHT_EYE_OUTER, Face.RIGHT_EYE_INNER)
UPPER_LID: Final[Points] = (160, Face.RIGHT_EYE_UPPER, 158)
UPPER_LID_SIDES: Final[Points] = (161, 157)
LOWER_LID: Final[Points] = (144, Face.RIGHT_EYE_LOWER, 153)
LOWER_LID_SIDES: Final[Points] = (163, 154)
INNER_BROW: Final[Points] = (107, 66, 55, 65)
OUTER_BROW: Final[Points] = (70, 63, 46, 53)
BROW_HEADS: Final[Points] = (107, 55)
"""The brow's ends beside the nose."""
CHEEKBONE: Final[Points] = (117, 118, 119, 50, 101, 205)
CHEEK_HOLLOW: Final[Points] = (187, 207, 192, 205, 50)
NOSE_WING: Final[Points] = (129, 98, 64, 48)
MOUTH_CORNER: Final[Points] = (Face.MOUTH_RIGHT, Face.MOUTH_RIGHT_INNER)
UPPER_LIP_EDGE: Final[Points] = (39, 37, 40)
"""Where the upper lip's red begins, as the next three are each edge of a lip beside its middle."""
UPPER_LIP_SEAM: Final[Points] = (81, 82, 80)
LOWER_LIP_SEAM: Final[Points] = (87, 178, 88)
LOWER_LIP_EDGE: Final[Points] = (84, 181, 91)
CHIN: Final[Points] = (Face.CHIN, 148, 377, 175)

UPPER_LIP_TOP: Final[Points] = (Face.UPPER_LIP_OUTER, 37, 267)
"""The middle of each edge of the lips, from above."""
UPPER_LIP_BOTTOM: Final[Points] = (Face.UPPER_LIP_INNER, 82, 312)
LOWER_LIP_TOP: Final[Points] = (Face.LOWER_LIP_INNER, 87, 317)
LOWER_LIP_BOTTOM: Final[Points] = (Face.LOWER_LIP_OUTER, 84, 314)

RIGHT_IRIS: Final = tuple(range(Face.RIGHT_IRIS_CENTER, Face.RIGHT_IRIS_BOTTOM + 1))
LEFT_IRIS: Final = tuple(range(Face.LEFT_IRIS_CENTER, Face.LEFT_IRIS_BOTTOM + 1))

# fmt: off
_STABLE: Final[dict[int, tuple[float, float, float, float]]] = {
    33: (45.0, 0.5, -2.5, 1),
    133: (17.5, -0.5, 2.5, 1),
    168: (0.0, 5.8, 19.1, 1),
    6: (0.0, -1.3, 24.4, 1),
    197: (0.0, -8.0, 30.0, 0.7),
    195: (0.0, -14.3, 36.1, 0.7),
    5: (0.0, -21.0, 42.5, 0.5),
    4: (0.0, -29.3, 45.6, 0.5),
    2: (0.0, -42.3, 29.2, 0.5),
    10: (0.0, 52.5, 9.4, 0.7),
    151: (0.0, 37.4, 14.4, 0.3),
    109: (19.1, 51.9, 7.8, 0.5),
    67: (35.1, 48.7, 1.8, 0.5),
    103: (49.9, 42.2, -8.5, 0.5),
    21: (65.0, 21.3, -30.7, 0.4),
    162: (68.0, 9.1, -41.9, 0.4),
    127: (69.1, -5.9, -50.1, 0.5),
    234: (68.7, -20.1, -53.2, 0.4),
}
# fmt: on
"""Points that the muscles of the face hardly move: x, y, z in millimetres, and their weight in the fit.

Corners of the eyes, bridge of the nose, forehead and temples: the mean of four recorded faces, made symmetric.
The outline's points weigh less, for MediaPipe slides them along the turned head's outline.
"""


def mirror_points(points: Points) -> Points:
    """The same points of the other side; those of the middle are their own mirror."""
    return tuple(int(FACE_MIRROR[point]) for point in points)


def list_stable_points() -> tuple[Points, NDArray[np.float64], NDArray[np.float64]]:
    """The stable points of both sides, where they lie float64[P, 3] in millimetres, and their weights float64[P]."""
    points: list[int] = []
    places: list[tuple[float, float, float]] = []
    weights: list[float] = []
    for point, (x, y, z, weight) in _STABLE.items():
        for side, sign in dict.fromkeys(((point, 1.0), (int(FACE_MIRROR[point]), -1.0 if x else 1.0))):
            points.append(side)
            places.append((sign * x, y, z))
            weights.append(weight)
    return tuple(points), np.array(places), np.array(weights)
