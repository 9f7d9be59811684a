"""What a stream has shown so far, held against which what it shows next is usual or not: plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumers.analytics.anomalies.half_space_trees import NODES, WINDOW, plant_forest


@dataclass(slots=True)
class Past:
    """How many observations fell into which cell of each tree, of this window and of the one before.

    Where the trees are cut depends on the names of the values alone, so one forest serves all streams.
    """

    observations: int = 0
    """Of the window that goes on."""
    windows: int = 0
    recent: list[int] = field(default_factory=lambda: [0] * NODES)
    reference: list[int] = field(default_factory=lambda: [0] * NODES)

    def score_and_learn(self, values: Mapping[str, float]) -> float:
        """How unlike the past the values (0 … 1 each, always of the same names) are, 0 … 1; and remember them.

        0 as long as there is too little past.
        """
        forest = plant_forest(tuple(sorted(values)))
        score = forest.score(values, self.reference) if self.windows else 0.0
        forest.learn(values, self.recent)
        self.observations += 1
        if self.observations == WINDOW:
            self.reference, self.recent = self.recent, [0] * NODES
            self.observations = 0
            self.windows += 1
        return score
