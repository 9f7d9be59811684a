"""Hand shapes learned from labelled hands, whatever they are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumers.analytics.learning.hand_invariants import measure_invariants
from consumers.analytics.learning.linear import LinearModel, fit_linear
from consumers.analytics.learning.plane import Floats

# Of 0.001 … 0.1 the best in its worst block of rows left out.
_FREEDOM: Final = 0.01


@dataclass(frozen=True, slots=True)
class ShapeModel:
    """Tells apart the shapes it was shown. A hand that has none of them gets the likeliest all the same."""

    linear: LinearModel

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in the order of the scores' columns."""
        return self.linear.classes

    def scores(self, rows: Floats) -> Floats:
        """float64 (N, C), each row's sum 1, of hands float64 (N, 42): x, y of 21 landmarks."""
        return self.linear.scores(measure_invariants(rows.reshape(-1, 21, 2)))


def learn_shapes(rows: Floats, labels: Sequence[str]) -> ShapeModel:
    """Learn from N hands, float64 (N, 42): x, y of 21 landmarks in one unit, of any size and at any place.

    Left or right, mirrored or turned makes no difference. Raises Terminal when there is only one label.
    """
    return ShapeModel(fit_linear(measure_invariants(rows.reshape(-1, 21, 2)), labels, freedom=_FREEDOM))
