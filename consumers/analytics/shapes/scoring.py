"""How well each shape fits a hand: it is a few conditions that must all hold, and its score the weakest of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.features.geometry import Floats
from consumers.analytics.features.hands import HandFeatures, measure_hands, ramp
from consumers.analytics.shapes.hand_shape import SHAPES, HandShape

# Reaches of a finger.
_FOLDED_WHOLLY: Final = 1.15
_FOLDED_FROM: Final = 1.36
_STRAIGHT_FROM: Final = 1.25
_STRAIGHT_WHOLLY: Final = 1.55


def score_hands(
    hands_in_image: NDArray[np.float32], width: NDArray[np.int32], height: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], Floats]:
    """(measured, scores) of N hands, float32 (N, 21, 3) in fractions of the image; sizes (N,) in pixels.

    `measured` bool (N,) is False for a hand with coordinates that are not finite. `scores` is as `score_shapes` has it.
    """
    features = measure_hands(hands_in_image, width, height)
    return features.measured, score_shapes(features)


def score_shapes(hand: HandFeatures) -> Floats:
    """float64 (N, len(SHAPES)) of N hands, each 0 … 1; above 0.5 all conditions of the shape hold.

    Rows not measured score 0.
    """
    with np.errstate(invalid="ignore"):
        scores = np.where(hand.measured, _score_each(hand), 0.0)
    return np.ascontiguousarray(scores.T)


def _score_each(hand: HandFeatures) -> Floats:
    """float64 (len(SHAPES), N). Only a thumb held out of a fist is asked for its direction in the image."""
    reaches = (hand.index_reach, hand.middle_reach, hand.ring_reach, hand.pinky_reach)
    # Between the two a finger is neither: a hand that hangs relaxed has no shape.
    index, middle, ring, pinky = (ramp(reach, _STRAIGHT_FROM, _STRAIGHT_WHOLLY) for reach in reaches)
    folded_index, folded_middle, folded_ring, folded_pinky = (
        ramp(reach, _FOLDED_FROM, _FOLDED_WHOLLY) for reach in reaches
    )
    fist = _weakest(folded_index, folded_middle, folded_ring, folded_pinky)
    stretched = _weakest(index, middle, ring, pinky)
    apart = ramp(hand.pinch, 0.25, 0.45)
    # Tips meet in a fist too; in a pinch the index finger comes to the thumb away from palm and middle finger.
    pinching = _weakest(
        ramp(hand.pinch, 0.25, 0.1),
        ramp(hand.index_rise, 0.45, 0.65),
        ramp(hand.index_lead, 0.1, 0.3),
        ramp(hand.index_reach, 0.95, 1.1),
    )
    # A thumb sticks out when its tip is clear of the fingers and it points away from them across the palm. A hand that
    # hangs relaxed has the first, not the second.
    thumb_out = np.minimum(ramp(hand.thumb_clearance, 0.3, 0.6), ramp(hand.thumb_abduction, 0.3, 0.7))
    thumb_on_palm = np.minimum(ramp(hand.thumb_to_little, 0.95, 0.65), ramp(hand.thumb_abduction, 0.3, -0.3))
    thumb_held = np.minimum(fist, thumb_out)
    horns = _weakest(index, folded_middle, folded_ring, pinky)
    scores = {
        HandShape.OPEN: _weakest(stretched, ramp(hand.openness, 0.77, 0.95), apart, 1.0 - thumb_on_palm),
        HandShape.CLOSED: _weakest(fist, ramp(hand.openness, 0.5, 0.3), 1.0 - thumb_out, 1.0 - pinching),
        HandShape.POINTING: _weakest(index, folded_middle, folded_ring, folded_pinky),
        HandShape.THUMBS_UP: np.minimum(thumb_held, ramp(hand.thumb_upwards, 0.3, 0.95)),
        HandShape.THUMBS_DOWN: np.minimum(thumb_held, ramp(-hand.thumb_upwards, 0.3, 0.95)),
        HandShape.THUMBS_SIDEWAYS: np.minimum(thumb_held, ramp(np.abs(hand.thumb_upwards), 0.95, 0.3)),
        HandShape.VICTORY: _weakest(index, middle, folded_ring, folded_pinky, ramp(hand.victory_gap, 0.25, 0.45)),
        HandShape.THREE: _weakest(index, middle, ring, folded_pinky),
        HandShape.FOUR: np.minimum(stretched, thumb_on_palm),
        HandShape.OK: _weakest(middle, ring, pinky, ramp(hand.pinch, 0.35, 0.2), ramp(hand.index_reach, 1.5, 1.4)),
        HandShape.PINCH: _weakest(pinching, folded_middle, folded_ring, folded_pinky),
        HandShape.ROCK: np.minimum(horns, 1.0 - thumb_out),
        HandShape.I_LOVE_YOU: np.minimum(horns, thumb_out),
    }
    return np.stack([scores[shape] for shape in SHAPES])


def _weakest(*conditions: Floats) -> Floats:
    weakest = conditions[0]
    for condition in conditions[1:]:
        weakest = np.minimum(weakest, condition)
    return weakest
