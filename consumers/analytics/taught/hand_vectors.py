"""The space in which taught shapes are compared: distances within a hand, which no turn and no mirror changes."""

from itertools import pairwise
from typing import Final

import numpy as np

from consumers.analytics.features.geometry import Floats, length
from keypoints.landmarks import HandLandmark

_TIPS: Final = (
    HandLandmark.THUMB_TIP,
    HandLandmark.INDEX_FINGER_TIP,
    HandLandmark.MIDDLE_FINGER_TIP,
    HandLandmark.RING_FINGER_TIP,
    HandLandmark.PINKY_TIP,
)
_ROOTS: Final = (
    HandLandmark.THUMB_CMC,
    HandLandmark.INDEX_FINGER_MCP,
    HandLandmark.MIDDLE_FINGER_MCP,
    HandLandmark.RING_FINGER_MCP,
    HandLandmark.PINKY_MCP,
)
_THUMB: Final = HandLandmark.THUMB_TIP
# How far each finger reaches and is folded, how far neighbours are spread, and where the thumb lies.
_PAIRS: Final = (
    *((tip, HandLandmark.WRIST) for tip in _TIPS),
    *zip(_TIPS, _ROOTS, strict=True),
    *pairwise(_TIPS[1:]),
    *((_THUMB, tip) for tip in _TIPS[1:]),
    (_THUMB, HandLandmark.INDEX_FINGER_MCP),
    (_THUMB, HandLandmark.PINKY_MCP),
    (_THUMB, HandLandmark.MIDDLE_FINGER_PIP),
)
_ENDS: Final = np.array(_PAIRS).T
_DIRECTIONS: Final = np.array(
    [
        (HandLandmark.WRIST, HandLandmark.MIDDLE_FINGER_MCP),
        (HandLandmark.PINKY_MCP, HandLandmark.INDEX_FINGER_MCP),
    ]
).T


def measure_scale(hands: Floats) -> Floats:
    """(N,): the hand lengths of hands (2 or 3, 21, N), in their unit: wrist to index or middle knuckle, the longer."""
    wrist = hands[:, HandLandmark.WRIST]
    return np.maximum(
        length(hands[:, HandLandmark.INDEX_FINGER_MCP] - wrist),
        length(hands[:, HandLandmark.MIDDLE_FINGER_MCP] - wrist),
    )


def measure_vectors(hands: Floats, *, flat: bool, upright: bool) -> Floats:
    """(F, N) of hands (3, 21, N) of x, y, z in any one unit: 20 distances in hand lengths, each row by itself.

    `flat` leaves the depth out. `upright` adds where the hand and its palm's breadth point in the image, four numbers
    from -1 to 1; mirror a left hand's x first. NaN where a hand has no size or a coordinate is not finite.
    """
    seen = hands[:2] if flat else hands
    with np.errstate(all="ignore"):
        vectors = length(seen[:, _ENDS[0]] - seen[:, _ENDS[1]]) / measure_scale(seen)
        if not upright:
            return vectors
        along = hands[:2, _DIRECTIONS[1]] - hands[:2, _DIRECTIONS[0]]
        turned = along / length(along)
    return np.concatenate([vectors, turned[0], turned[1]])


def measure_apart(vectors: Floats, examples: Floats) -> Floats:
    """(E, N): the distance of each of vectors (F, N) from each of examples (F, E); NaN stays NaN.

    The squares are added feature by feature, so that a row's distance depends on nothing but the row.
    """
    squares = np.zeros((examples.shape[1], vectors.shape[1]))
    with np.errstate(all="ignore"):
        for row, wanted in zip(vectors, examples, strict=True):
            apart = row - wanted[:, None]
            squares += apart * apart
        return np.asarray(np.sqrt(squares))
