"""Taught hand shapes at work: how much each hand looks like the examples of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.analytics.features.geometry import Floats, find_aspect, turn_to_rows
from consumers.analytics.taught.gesture import ShapeExamples, TaughtGesture, TaughtHand
from consumers.analytics.taught.hand_vectors import measure_apart, measure_vectors
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part

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

    @property
    def versions(self) -> Mapping[str, str]:
        """By name, which teaching each is of: what `Finding.made_by` says."""
        return self._versions

    def version_of(self, name: str) -> str | None:
        """The same of one name; None of a name that is not taught."""
        return self._versions.get(name)

    def score(self, batch: FrameBatch) -> tuple[Floats, Floats]:
        """float64 (N, len(names)), each 0 … 1, of the left and of the right hands of a batch of N rows.

        0 where a hand is absent or has a coordinate that is not finite, and for shapes of the other hand.
        """
        return self._score_side(batch, Part.LEFT_HAND), self._score_side(batch, Part.RIGHT_HAND)

    def _score_side(self, batch: FrameBatch, part: Part) -> Floats:
        scores = np.zeros((len(batch), len(self._shapes)))
        rows = np.flatnonzero(batch.present(part))
        if not self._shapes or not len(rows):
            return scores
        hands = turn_to_rows(batch.part(part)[rows], find_aspect(batch.width[rows], batch.height[rows]))
        left = part is Part.LEFT_HAND
        # A left hand looks like a right one in a mirror, and the other way round.
        hands[0] *= np.where(batch.mirrored[rows] ^ left, -1.0, 1.0)
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
            scores[rows, column] = np.where(away < 1.0 / _SCORE_AT_REACH, 1.0 - _SCORE_AT_REACH * away, 0.0)
        return scores


def turn_examples(examples: ShapeExamples) -> Floats:
    """float64 (3, 21, E): the examples as hands in rows."""
    return np.ascontiguousarray(np.array(examples.hands, dtype=np.float64).transpose(2, 1, 0))


def _prepare(gesture: TaughtGesture, examples: ShapeExamples) -> _Shape:
    vectors = measure_vectors(turn_examples(examples), flat=examples.flat, upright=examples.upright)
    space = (examples.flat, examples.upright)
    reaches = np.array(examples.reaches)[:, None]
    return _Shape(gesture.name, gesture.version, gesture.hand, space, vectors, reaches)
