"""Numbers of a left and a right side, of which either may not be known."""

from typing import Final

NAN: Final = float("nan")


def mean_known(left: float, right: float) -> float:
    """The mean of two sides, or the one that is known; NaN when neither is."""
    if left != left:
        return right
    return left if right != right else 0.5 * (left + right)
