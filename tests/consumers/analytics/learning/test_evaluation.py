"""Figures of an evaluation, worked out by hand."""

import pytest

from consumers.analytics.learning.evaluation import compare_labels


def test_figures_are_what_one_counts_by_hand() -> None:
    labels = ["a", "a", "a", "a", "b", "b"]
    said = ["a", "a", "a", "b", "b", "none"]
    found = compare_labels(labels, said, ["b", "a", "c"])
    # What is said but asked for nowhere comes last; a class without rows has no recall.
    assert found.classes == ("b", "a", "c", "none")
    assert found.confusion == ((1, 0, 0, 1), (1, 3, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    assert found.rows == 6
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.recall == {"b": 0.5, "a": 0.75, "c": None, "none": None}
    assert found.precision == {"b": 0.5, "a": 1.0, "c": None, "none": 0.0}
