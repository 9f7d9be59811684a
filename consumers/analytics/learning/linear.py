"""A linear model of features: few numbers, so that what it learned in one room still holds in the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from consumers.analytics.learning.plane import Floats
from keypoints.errors import Terminal


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights of F standardised features for each of C classes: plain numbers, which can be stored as they are."""

    classes: tuple[str, ...]
    mean: Floats
    """(F,)"""
    spread: Floats
    """(F,), > 0"""
    weights: Floats
    """(C, F)"""
    bias: Floats
    """(C,)"""

    def scores(self, features: Floats) -> Floats:
        """float64 (N, C) of float64 (N, F): how likely each class is, 0 … 1; a row's sum is 1."""
        lines: Floats = (features - self.mean) / self.spread @ self.weights.T + self.bias
        likely = np.exp(lines - lines.max(axis=1, keepdims=True))
        shares: Floats = likely / likely.sum(axis=1, keepdims=True)
        return shares


def fit_linear(features: Floats, labels: Sequence[str], *, freedom: float) -> LinearModel:
    """Fit a multinomial logistic regression to float64 (N, F) and N labels.

    `freedom` > 0: how far weights may go from nothing; the smaller, the less it follows the rows it learns from. Raises
    Terminal when there is only one label.
    """
    # What was learned is applied without it: a service that only scores does not load it.
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    names = [str(label) for label in labels]
    classes = sorted(set(names))
    if len(classes) < 2:
        raise Terminal(
            f"every row to learn from is labelled {classes[0]!r}" if classes else "there is no row to learn from",
            hint="Give rows of at least two labels: what is learned is to tell them apart.",
        )
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    # So small a product gains nothing from threads, waits for them on a busy machine, and sums in their order.
    with threadpool_limits(1):
        fitted = LogisticRegression(C=freedom, max_iter=1000).fit((features - mean) / spread, np.asarray(names))
    weights, bias = np.asarray(fitted.coef_), np.asarray(fitted.intercept_)
    if len(classes) == 2:
        # Of two it gives the second's alone.
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.concatenate([np.zeros_like(bias), bias])
    return LinearModel(tuple(classes), mean, spread, weights, bias)
