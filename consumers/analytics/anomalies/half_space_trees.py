"""Half-space trees: how unlike the observations of the window before another one is.

Tan, Ting, Liu: "Fast anomaly detection for streaming data", IJCAI 2011. Each tree cuts the room of the values (0 … 1
each) at random, in half after half; what falls into a cell that held few of the past's observations is unlike it.
The trees are those of river's `HalfSpaceTrees` of the same seed, and so are the scores: what was saved with the one is
gone on with by the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final

_TREES: Final = 6
_HEIGHT: Final = 4
_SEED: Final = 20_261
_MARGIN: Final = 0.15
"""No cut is nearer than this to the borders of the cell it cuts, in parts of the cell."""
WINDOW: Final = 60
"""So many observations are the past the next are held against."""
_TOO_FEW: Final = 0.1 * WINDOW
"""A cell of the past with fewer observations is not looked into any further; the paper's value."""
_TREE_NODES: Final = 2 ** (_HEIGHT + 1) - 1
NODES: Final = _TREES * _TREE_NODES
_HIGHEST: Final = _TREES * WINDOW * _TREE_NODES

Cut = tuple[str, float]
"""Which value is looked at, and the border: below it the way goes to the first child, else to the second."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Where the trees are cut: a value's name and a border for each node but the leaves, in depth-first order."""

    trees: tuple[tuple[Cut | None, ...], ...]

    def score(self, values: Mapping[str, float], past: Sequence[int]) -> float:
        """0 (as nearly everything before) … 1 (as nothing before), from how often each node was passed (`NODES`)."""
        likeness = 0
        for tree, cuts in enumerate(self.trees):
            for depth, node in enumerate(_walk(cuts, values)):
                passed = past[tree * _TREE_NODES + node]
                likeness += passed << depth
                if passed < _TOO_FEW:
                    break
        return 1 - likeness / _HIGHEST

    def learn(self, values: Mapping[str, float], passed: list[int]) -> None:
        """Counts the observation at each node it passes."""
        for tree, cuts in enumerate(self.trees):
            for node in _walk(cuts, values):
                passed[tree * _TREE_NODES + node] += 1


@cache
def plant_forest(names: tuple[str, ...]) -> Forest:
    """The forest for values of these names, which are sorted. It depends on nothing else: every stream has the same."""
    dice = Random(_SEED)  # noqa: S311  nobody's secret: the cuts must be the same ones each time
    return Forest(tuple(tuple(_cut(dict.fromkeys(names, (0.0, 1.0)), _HEIGHT, dice)) for _ in range(_TREES)))


def _cut(cell: Mapping[str, tuple[float, float]], height: int, dice: Random) -> Iterator[Cut | None]:
    """The nodes of the tree below a cell, each before its children; a leaf is None. Wide sides are cut more often."""
    if height == 0:
        yield None
        return
    [name] = dice.choices(list(cell), weights=[high - low for low, high in cell.values()])
    low, high = cell[name]
    margin = _MARGIN * (high - low)
    border = dice.uniform(low + margin, high - margin)
    yield name, border
    yield from _cut({**cell, name: (low, border)}, height - 1, dice)
    yield from _cut({**cell, name: (border, high)}, height - 1, dice)


def _walk(cuts: Sequence[Cut | None], values: Mapping[str, float]) -> Iterator[int]:
    """The nodes that an observation passes, from the root to its leaf."""
    node, below = 0, len(cuts)
    while (cut := cuts[node]) is not None:
        yield node
        name, border = cut
        below //= 2
        node += 1 if values[name] < border else 1 + below
    yield node
