"""Taught hand shapes at work: how much each hand looks like the examples of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.features.geometry import Floats, find_aspect, turn_to_rows
from consumers.analytics.taught.gesture import ShapeExamples, TaughtGesture, TaughtHand
from consumers.analytics.taught.hand_vectors import measure_apart, measure_vectors

_SCORE_AT_REACH: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Shape:
    name: str
    version: str
    hand: TaughtHand
    space: tuple[bool, bool]
    """Flat, and upright."""
    examples: Floats
    """(F, E)."""
    reaches: Floats
    """(E, 1)."""


class TaughtShapes:
    """Few examples, open set: what is far from all examples of a shape is none of it.

    A score is 1 on an example, 0.5 at its reach and 0 at twice that. Only exactly rounded operations are used, each row
    by itself.
    """

    def __init__(self, gestures: Iterable[TaughtGesture] = ()) -> None:
        self._shapes = tuple(
            _prepare(gesture, gesture.examples)
            for gesture in sorted(gestures, key=lambda gesture: gesture.name)
            if isinstance(gesture.examples, ShapeExamples)
        )
        self.names: tuple[str, ...] = tuple(shape.name for shape in self._shapes)
        self._versions = {shape.name: shape.version for shape in self._shapes}

    @classmethod
    def none(cls) -> Self:
        """Nothing is taught."""
        return cls()

    def version_of(self, name: str) -> str | None:
        """What `Finding.made_by` says of a taught shape; None of a name that is not taught."""
        return self._versions.get(name)

    def score(
        self, hands_in_image: NDArray[np.float32], width: NDArray[np.int32], height: NDArray[np.int32], *, left: bool
    ) -> Floats:
        """float64 (N, len(names)), each 0 … 1, of N left or right hands, float32 (N, 21, 3) in fractions of the image.

        0 where a coordinate is not finite, and for shapes of the other hand.
        """
        scores = np.zeros((len(hands_in_image), len(self._shapes)))
        if not self._shapes or not len(hands_in_image):
            return scores
        hands = turn_to_rows(hands_in_image, find_aspect(width, height))
        if left:
            hands[0] = -hands[0]
        other = TaughtHand.RIGHT if left else TaughtHand.LEFT
        spaces: dict[tuple[bool, bool], Floats] = {}
        for column, shape in enumerate(self._shapes):
            if shape.hand is other:
                continue
            if shape.space not in spaces:
                flat, upright = shape.space
                spaces[shape.space] = measure_vectors(hands, flat=flat, upright=upright)
            away = (measure_apart(spaces[shape.space], shape.examples) / shape.reaches).min(axis=0)
            # A comparison with NaN is False: a hand that cannot be measured has no taught shape.
            scores[:, column] = np.where(away < 1.0 / _SCORE_AT_REACH, 1.0 - _SCORE_AT_REACH * away, 0.0)
        return scores


def turn_examples(examples: ShapeExamples) -> Floats:
    """float64 (3, 21, E): the examples as hands in rows."""
    return np.ascontiguousarray(np.array(examples.hands, dtype=np.float64).transpose(2, 1, 0))


def _prepare(gesture: TaughtGesture, examples: ShapeExamples) -> _Shape:
    vectors = measure_vectors(turn_examples(examples), flat=examples.flat, upright=examples.upright)
    space = (examples.flat, examples.upright)
    reaches = np.array(examples.reaches)[:, None]
    return _Shape(gesture.name, gesture.version, gesture.hand, space, vectors, reaches)
