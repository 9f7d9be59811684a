"""The trees are river's, which is asked for the same scores."""

from typing import Any

import numpy as np
import pytest
from river.anomaly import HalfSpaceTrees

from consumers.analytics.anomalies.half_space_trees import NODES, WINDOW, plant_forest
from consumers.analytics.anomalies.past import Past

NAMES = ("activity", "hand", "other_hand", "hips", "lean")


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_scores_and_counts_are_rivers_to_the_last_bit(spread: float) -> None:
    theirs: Any = HalfSpaceTrees(n_trees=6, height=4, window_size=WINDOW, seed=20_261)
    ours = Past()
    seconds = np.random.default_rng(7).random((5 * WINDOW + 20, len(NAMES))) * spread
    seconds[-10:] = 1.0 - seconds[-10:]
    for row in seconds.tolist():
        values = dict(zip(NAMES, row, strict=True))
        expected = theirs.score_one(values)
        theirs.learn_one(values)
        assert ours.score_and_learn(values) == expected
    nodes = [node for tree in theirs.trees for node in tree.iter_dfs()]
    assert ours.recent == [node.l_mass for node in nodes]
    assert ours.reference == [node.r_mass for node in nodes]
    assert ours.observations == theirs.counter


def test_what_never_was_is_less_like_the_past_than_what_always_was() -> None:
    forest, passed = plant_forest(NAMES), [0] * NODES
    usual, other = dict.fromkeys(NAMES, 0.1), dict.fromkeys(NAMES, 0.9)
    for _ in range(WINDOW):
        forest.learn(usual, passed)
    assert forest.score(usual, passed) == 0.0
    assert forest.score(other, passed) > 0.9
