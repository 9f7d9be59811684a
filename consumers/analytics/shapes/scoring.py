"""Which shape a hand has: each shape is a few conditions that must all hold, and its score is the weakest of them."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.features.hands import Floats, HandFeatures, measure_hands, ramp


class HandShape(StrEnum):
    """The shapes that are told apart; the order is that of the score columns."""

    OPEN = "open"
    CLOSED = "closed"
    POINTING = "pointing"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    VICTORY = "victory"
    OK = "ok"


SHAPES: Final = tuple(HandShape)

# Reaches of a finger.
_FOLDED_WHOLLY: Final = 1.15
_FOLDED_FROM: Final = 1.36
_STRAIGHT_FROM: Final = 1.25
_STRAIGHT_WHOLLY: Final = 1.55


def score_hands(
    hands_in_image: NDArray[np.float32], width: NDArray[np.int32], height: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], Floats]:
    """(measured, scores) of N hands, float32 (N, 21, 3) in fractions of the image; sizes (N,) in pixels.

    `measured` bool (N,) is False for a hand with coordinates that are not finite. `scores` float64 (N, len(SHAPES)),
    each 0 … 1; above 0.5 all conditions of the shape hold. Rows not measured score 0.
    """
    features = measure_hands(hands_in_image, width, height)
    with np.errstate(invalid="ignore"):
        scores = np.where(features.measured, _score_shapes(features), 0.0)
    return features.measured, np.ascontiguousarray(scores.T)


def _score_shapes(hand: HandFeatures) -> Floats:
    """float64 (len(SHAPES), N). Only thumbs up and down ask for a direction in the image."""
    reaches = (hand.index_reach, hand.middle_reach, hand.ring_reach, hand.pinky_reach)
    # Between the two a finger is neither: a hand that hangs relaxed has no shape.
    index, middle, ring, pinky = (ramp(reach, _STRAIGHT_FROM, _STRAIGHT_WHOLLY) for reach in reaches)
    folded_index, folded_middle, folded_ring, folded_pinky = (
        ramp(reach, _FOLDED_FROM, _FOLDED_WHOLLY) for reach in reaches
    )
    fist = _weakest(folded_index, folded_middle, folded_ring, folded_pinky)
    apart = ramp(hand.pinch, 0.25, 0.45)
    # A thumb sticks out when its tip is clear of the fingers and it points away from them across the palm. A hand that
    # hangs relaxed has the first, not the second.
    thumb_out = np.minimum(ramp(hand.thumb_clearance, 0.3, 0.6), ramp(hand.thumb_abduction, 0.3, 0.7))
    scores = {
        HandShape.OPEN: _weakest(index, middle, ring, pinky, apart),
        HandShape.CLOSED: _weakest(fist, 1.0 - thumb_out),
        HandShape.POINTING: _weakest(index, folded_middle, folded_ring, folded_pinky),
        HandShape.THUMBS_UP: _weakest(fist, thumb_out, ramp(hand.thumb_upwards, 0.3, 0.95)),
        HandShape.THUMBS_DOWN: _weakest(fist, thumb_out, ramp(-hand.thumb_upwards, 0.3, 0.95)),
        HandShape.VICTORY: _weakest(index, middle, folded_ring, folded_pinky, ramp(hand.victory_gap, 0.25, 0.45)),
        HandShape.OK: _weakest(middle, ring, pinky, 1.0 - apart),
    }
    return np.stack([scores[shape] for shape in SHAPES])


def _weakest(*conditions: Floats) -> Floats:
    weakest = conditions[0]
    for condition in conditions[1:]:
        weakest = np.minimum(weakest, condition)
    return weakest
