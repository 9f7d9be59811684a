"""What a stream has shown so far, as a forest of half-space trees (river's) that keeps plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import local
from typing import Any, Final

from river.anomaly import HalfSpaceTrees

_TREES: Final = 6
_HEIGHT: Final = 4
_SEED: Final = 20_261
WINDOW: Final = 60
"""So many observations are the past the next are held against."""
_NODES: Final = _TREES * (2 ** (_HEIGHT + 1) - 1)

_forests = local()


@dataclass(slots=True)
class Past:
    """How many observations fell into which cell of each tree, of this window and of the one before.

    Where the trees are cut depends on the seed and the names of the values alone, so one forest serves all streams of
    a thread: it is given a stream's counts, asked, and they are taken out again.
    """

    observations: int = 0
    """Of the window that goes on."""
    windows: int = 0
    recent: list[int] = field(default_factory=lambda: [0] * _NODES)
    reference: list[int] = field(default_factory=lambda: [0] * _NODES)

    def score_and_learn(self, values: Mapping[str, float]) -> float:
        """How unlike the past the values (0 … 1 each, always of the same names) are, 0 … 1; and remember them.

        0 as long as there is too little past.
        """
        forest = _find_forest(values)
        nodes = [node for tree in forest.trees for node in tree.iter_dfs()]
        for node, recent, reference in zip(nodes, self.recent, self.reference, strict=True):
            node.l_mass, node.r_mass = recent, reference
        forest.counter = self.observations
        score = float(forest.score_one(values)) if self.windows else 0.0
        forest.learn_one(values)
        self.recent = [node.l_mass for node in nodes]
        self.observations = forest.counter
        if self.observations == 0:
            self.windows += 1
            self.reference = [node.r_mass for node in nodes]
        return score


def _find_forest(values: Mapping[str, float]) -> Any:
    forest: Any = getattr(_forests, "forest", None)
    if forest is None:
        forest = HalfSpaceTrees(n_trees=_TREES, height=_HEIGHT, window_size=WINDOW, seed=_SEED)
        # It scores once it has seen a window; whose does not matter.
        for _ in range(WINDOW):
            forest.learn_one(values)
        _forests.forest = forest
    return forest
