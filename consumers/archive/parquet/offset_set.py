"""A set of offsets, held as the runs it is made of."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Run = tuple[int, int]
"""First and last offset, both in the set."""


@dataclass(frozen=True, slots=True, eq=False)
class OffsetSet:
    """Runs in order, apart from each other: `firsts` and `lasts` are int64 (runs,)."""

    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]

    @classmethod
    def of(cls, offsets: NDArray[np.int64]) -> "OffsetSet":
        """The set of these offsets, in any order, also repeated."""
        ordered = offsets if (np.diff(offsets) > 0).all() else np.unique(offsets)
        breaks = np.flatnonzero(np.diff(ordered) != 1)
        if not len(ordered):
            return cls(ordered, ordered)
        return cls(ordered[np.concatenate([[0], breaks + 1])], ordered[np.concatenate([breaks, [len(ordered) - 1]])])

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> "OffsetSet":
        """The set these runs cover, in any order, also overlapping."""
        return _join(*np.array(list(runs), dtype=np.int64).reshape(-1, 2).T)

    @property
    def runs(self) -> list[Run]:
        """The runs in order."""
        return list(zip(self.firsts.tolist(), self.lasts.tolist(), strict=True))

    def __len__(self) -> int:
        return int((self.lasts - self.firsts + 1).sum())

    def holds(self, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool (N,): which of these offsets are in the set."""
        if not len(self.firsts):
            return np.zeros(len(offsets), dtype=np.bool_)
        run = np.searchsorted(self.firsts, offsets, side="right") - 1
        held: NDArray[np.bool_] = (run >= 0) & (offsets <= self.lasts[np.maximum(run, 0)])
        return held

    def overlaps(self, other: "OffsetSet") -> bool:
        """Whether any offset is in both."""
        if not len(self.firsts) or not len(other.firsts):
            return False
        run = np.searchsorted(self.firsts, other.lasts, side="right") - 1
        return bool(((run >= 0) & (self.lasts[np.maximum(run, 0)] >= other.firsts)).any())

    def union(self, other: "OffsetSet") -> "OffsetSet":
        """What is in either."""
        return _join(np.concatenate([self.firsts, other.firsts]), np.concatenate([self.lasts, other.lasts]))

    def without(self, other: "OffsetSet") -> "OffsetSet":
        """What is in this one and not in the other."""
        # Offsets are cut where a run of either begins or ends; each piece is wholly in or out of each.
        begins = np.union1d(
            np.concatenate([self.firsts, self.lasts + 1]), np.concatenate([other.firsts, other.lasts + 1])
        )
        kept = self.holds(begins[:-1]) & ~other.holds(begins[:-1])
        return _join(begins[:-1][kept], begins[1:][kept] - 1)

    def within(self, first: int, last: int) -> "OffsetSet":
        """What is in it from `first` to `last`."""
        begin, end = np.searchsorted(self.lasts, first), np.searchsorted(self.firsts, last, side="right")
        if first > last:
            return OffsetSet(self.firsts[:0], self.lasts[:0])
        return OffsetSet(np.maximum(self.firsts[begin:end], first), np.minimum(self.lasts[begin:end], last))

    def missing(self, first: int, last: int) -> list[Run]:
        """The runs of [first, last] that are not in the set."""
        gaps: list[Run] = []
        next_expected = first
        for run_first, run_last in self.runs:
            if run_last < first or run_first > last:
                continue
            if run_first > next_expected:
                gaps.append((next_expected, run_first - 1))
            next_expected = max(next_expected, run_last + 1)
        if next_expected <= last:
            gaps.append((next_expected, last))
        return gaps


def _join(firsts: NDArray[np.int64], lasts: NDArray[np.int64]) -> OffsetSet:
    """The set of these runs, in any order, also overlapping."""
    if not len(firsts):
        return OffsetSet(firsts, lasts)
    # Mostly two sets, each in order already: a stable sort merges them.
    order = np.argsort(firsts, kind="stable")
    firsts, reached = firsts[order], np.maximum.accumulate(lasts[order])
    starts = np.flatnonzero(np.concatenate([[True], firsts[1:] > reached[:-1] + 1]))
    ends = np.concatenate([starts[1:], [len(firsts)]]) - 1
    return OffsetSet(firsts[starts], reached[ends])
