"""Learning a hand shape from a few hands: which of them to keep, and how far from them it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.features.geometry import Floats
from consumers.analytics.features.hands import measure_hands
from consumers.analytics.shapes.hand_shape import SHAPES
from consumers.analytics.shapes.scoring import score_shapes
from consumers.analytics.taught.counterexamples import AT_REST
from consumers.analytics.taught.gesture import ShapeExamples
from consumers.analytics.taught.hand_vectors import measure_apart, measure_scale, measure_vectors
from consumers.analytics.taught.lesson import FEWEST_HANDS, Lesson, TeachingRefused, describe_consistency
from consumers.analytics.taught.shapes import turn_examples

_MOST_KEPT: Final = 24
_MOST_LOOKED_AT: Final = 600
_COVERED: Final = 0.2
_USUAL_REACH: Final = 0.8
"""What another body, side and view change of a performer's shape is up to 0.35, between unlike shapes is 0.9 and more;
of 252 recorded OK hands 95 % are within 0.6 of the nearest of 24."""
_OWN_SPREADS: Final = 1.5
_WIDEST_REACH: Final = 1.2
_WAY_TO_ANOTHER: Final = 0.6
"""The reach ends this share of the way to the nearest hand of another shape: then both are told apart for sure."""
_LEAST_REACH: Final = 0.2
"""What a hand that keeps still varies by."""
_ALIKE: Final = 0.7
_ALIKE_SHARE: Final = 0.35
"""A shape that is as near as this to so many of the examples is the same shape, and cannot be told apart."""
_AS_AT_REST: Final = 0.45
_SHOWN: Final = 0.5
_IMAGE_HAND_LENGTHS: Final = 8
_STRAY: Final = 0.9
_STRAY_SPREADS: Final = 3.0
_DEPTH: Final = 1e-6
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsShown:
    """Hands to learn from, as right ones (a left hand's x mirrored), float64 (3, 21, N) in any unit, x and y alike."""

    hands: Floats
    believed: bool
    """Somebody labelled each: none is left out for being unlike the rest."""


def learn_shape(
    shown: HandsShown,
    others: Mapping[str, Floats],
    earlier: ShapeExamples | None = None,
    *,
    upright: bool = False,
) -> Lesson[ShapeExamples]:
    """The shape of the hands shown and of the `earlier` examples, apart from `others` (by name, as `shown`).

    Raises TeachingRefused when there is no hand, or when it is the shape of a hand at rest.
    """
    hands = _normalise(shown.hands)
    taken = hands.shape[2]
    if not taken:
        raise TeachingRefused("no hand was seen in the examples", hint="choose another part of the source, or --hand")
    flat = bool(np.abs(hands[2]).max() < _DEPTH) or (earlier is not None and earlier.flat)
    upright = upright or (earlier is not None and earlier.upright)
    vectors = measure_vectors(hands, flat=flat, upright=upright)
    strays = np.zeros(taken, np.bool_) if shown.believed else _find_strays(vectors)
    hands, vectors = hands[:, :, ~strays], vectors[:, ~strays]
    if earlier is not None:
        before = turn_examples(earlier)
        hands = np.concatenate([before, hands], axis=2)
        vectors = np.concatenate([measure_vectors(before, flat=flat, upright=upright), vectors], axis=1)
    if vectors.shape[1] > _MOST_LOOKED_AT:
        spaced = np.linspace(0, vectors.shape[1] - 1, _MOST_LOOKED_AT).astype(np.intp)
        hands, vectors = hands[:, :, spaced], vectors[:, spaced]
    kept = _pick_typical(vectors)
    spread = float(np.quantile(_nearest(vectors, vectors[:, kept]), 0.95))
    wanted = min(max(_USUAL_REACH, _OWN_SPREADS * spread), _WIDEST_REACH)
    # (K,) from each kept example to the nearest hand of another shape.
    distances = {
        name: _nearest(vectors[:, kept], measure_vectors(other, flat=flat, upright=upright))
        for name, other in others.items()
        if other.shape[2]
    }
    middles = {name: float(np.quantile(away, _ALIKE_SHARE)) for name, away in distances.items()}
    if middles.get(AT_REST, np.inf) < _AS_AT_REST:
        raise TeachingRefused(
            "the hand in the examples hangs relaxed: everybody's would be taken for it",
            hint="choose the seconds in which the shape is shown, with --start and --end, or the hand, with --hand",
        )
    built_in = _find_built_in(hands)
    alike = sorted(
        (name for name, away in middles.items() if away < _ALIKE or name in built_in), key=middles.__getitem__
    )
    reaches = np.full(len(kept), wanted)
    for name, away in distances.items():
        if name not in alike:
            reaches = np.minimum(reaches, np.maximum(_WAY_TO_ANOTHER * away, _LEAST_REACH))
    examples = ShapeExamples(
        hands=np.round(hands[:, :, kept], _DECIMALS).transpose(2, 1, 0).tolist(),
        reaches=np.round(reaches, _DECIMALS).tolist(),
        flat=flat,
        upright=upright,
    )
    return Lesson(
        examples=examples,
        taken=taken - int(strays.sum()),
        left_out=int(strays.sum()),
        kept=len(kept),
        consistency=describe_consistency(spread / _USUAL_REACH),
        spread=round(spread, _DECIMALS),
        resembles=tuple(alike),
        missing=_list_missing(hands.shape[2], flat=flat),
    )


def _normalise(hands: Floats) -> Floats:
    """(3, 21, N) hand lengths from the wrist; hands that cannot be measured left out."""
    with np.errstate(all="ignore"):
        scale = measure_scale(hands)
        measured = np.isfinite(hands).all(axis=(0, 1)) & (scale > 0)
        return np.asarray(((hands - hands[:, :1]) / scale)[:, :, measured])


def _find_strays(vectors: Floats) -> NDArray[np.bool_]:
    """(N,): the vectors far from the one in the middle of all, as a hand on its way into the shape is."""
    middle = np.median(vectors, axis=1, keepdims=True)
    centre = int(np.argmin(_nearest(vectors, middle)))
    away = _nearest(vectors, vectors[:, [centre]])
    return np.asarray(away > max(_STRAY, _STRAY_SPREADS * float(np.median(away))))


def _pick_typical(vectors: Floats) -> list[int]:
    """Each time the one that is near most of those not yet near a picked one, until all are; few, and seldom strays.

    Of examples that are all near each other as many as are asked for, those farthest apart.
    """
    near = measure_apart(vectors, vectors) <= _COVERED
    open_yet = np.ones(vectors.shape[1], dtype=np.bool_)
    picked: list[int] = []
    while len(picked) < _MOST_KEPT and open_yet.any():
        picked.append(int(np.argmax((near & open_yet).sum(axis=1))))
        open_yet &= ~near[picked[-1]]
    while len(picked) < min(FEWEST_HANDS, vectors.shape[1]):
        picked.append(int(np.argmax(_nearest(vectors, vectors[:, picked]))))
    return picked


def _nearest(vectors: Floats, examples: Floats) -> Floats:
    """(N,): from each of vectors (F, N) to the nearest of examples (F, E), of those that could be measured."""
    return np.asarray(np.nanmin(measure_apart(vectors, examples), axis=0))


def _find_built_in(hands: Floats) -> set[str]:
    """The built-in shapes that many of hands (3, 21, N), in hand lengths, are taken for."""
    image = np.full(hands.shape[2], _IMAGE_HAND_LENGTHS, dtype=np.int32)
    in_image = (hands / _IMAGE_HAND_LENGTHS).transpose(2, 1, 0).astype(np.float32)
    scores = score_shapes(measure_hands(in_image, image, image))
    return {SHAPES[column].value for column in np.flatnonzero((scores >= _SHOWN).mean(axis=0) >= _ALIKE_SHARE)}


def _list_missing(hands: int, *, flat: bool) -> tuple[str, ...]:
    missing = []
    if hands < FEWEST_HANDS:
        missing.append(f"{FEWEST_HANDS - hands} more: {FEWEST_HANDS} examples at least, turned a little each")
    if flat:
        missing.append("depth: hands are compared as seen in the image, so show all the sides they are seen from")
    return tuple(missing)
