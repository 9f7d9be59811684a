"""Hand shapes that were learned are told in the next session too, however a hand is turned."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.learning.rows import read_rows
from consumers.analytics.learning.shape_model import ShapeModel, learn_shapes
from keypoints.errors import Terminal
from tests.consumers.analytics.learning.made_rows import Floats, cut_blocks, make_hands, pick

SHAPES = ["open", "closed", "pointing", "ok"]


def tell_share(model: ShapeModel, values: Floats, labels: Sequence[str]) -> float:
    said = [model.classes[place] for place in model.scores(values).argmax(axis=1)]
    return float(np.mean([one == other for one, other in zip(said, labels, strict=True)]))


def test_the_last_quarter_of_each_recorded_shape_is_told_from_the_first_three(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "static_train.csv")
    *_, (train, test) = cut_blocks(rows.labels, 4)
    model = learn_shapes(rows.values[train], pick(rows.labels, train))
    assert tell_share(model, rows.values[test], pick(rows.labels, test)) >= 0.96


def test_no_part_of_the_recording_depends_on_having_been_learned(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "static_train.csv")
    shares = [
        tell_share(
            learn_shapes(rows.values[train], pick(rows.labels, train)), rows.values[test], pick(rows.labels, test)
        )
        for train, test in cut_blocks(rows.labels, 8)
    ]
    assert np.mean(shares) >= 0.965
    assert min(shares) >= 0.92


def test_what_was_learned_of_recorded_hands_holds_for_made_ones(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "static_train.csv")
    made = make_hands(SHAPES, 50, seed=3)
    assert tell_share(learn_shapes(rows.values, rows.labels), made.values, made.labels) >= 0.95


def test_shapes_of_any_name_are_told_apart() -> None:
    shapes = ["rock", "victory", "three", "i_love_you"]
    taught, asked = make_hands(shapes, 20, seed=1), make_hands(shapes, 50, seed=2)
    assert tell_share(learn_shapes(taught.values, taught.labels), asked.values, asked.labels) >= 0.98


def test_a_hand_turned_mirrored_or_nearer_is_the_same_hand() -> None:
    taught, asked = make_hands(SHAPES, 10, seed=1), make_hands(SHAPES, 5, seed=2)
    model = learn_shapes(taught.values, taught.labels)
    hands = asked.values.reshape(-1, 21, 2)
    quarter = np.stack([-hands[..., 1], hands[..., 0]], axis=-1)
    expected = model.scores(asked.values)
    for other in (quarter, hands * (-1.0, 1.0), hands * 0.2 + 3.0):
        np.testing.assert_allclose(model.scores(other.reshape(-1, 42)), expected, atol=1e-6)


def test_two_shapes_are_enough_and_one_is_not() -> None:
    taught = make_hands(["open", "closed"], 10, seed=1)
    model = learn_shapes(taught.values, taught.labels)
    assert tell_share(model, taught.values, taught.labels) == 1.0
    np.testing.assert_allclose(model.scores(taught.values).sum(axis=1), 1.0)
    with pytest.raises(Terminal, match="labelled 'open'"):
        learn_shapes(taught.values[:10], taught.labels[:10])


def test_a_hand_without_size_still_gets_scores() -> None:
    taught = make_hands(SHAPES, 5, seed=1)
    assert np.isfinite(learn_shapes(taught.values, taught.labels).scores(np.zeros((1, 42)))).all()
