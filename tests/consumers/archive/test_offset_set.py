"""Sets of offsets as runs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from consumers.archive.parquet.offset_set import OffsetSet

OFFSETS = st.lists(st.integers(0, 60), max_size=80)


@given(OFFSETS, OFFSETS)
def test_runs_hold_exactly_the_offsets_they_were_made_of(ours: list[int], theirs: list[int]) -> None:
    first, second = (OffsetSet.of(np.array(offsets, dtype=np.int64)) for offsets in (ours, theirs))
    everything = np.arange(-2, 63)
    assert set(everything[first.holds(everything)].tolist()) == set(ours)
    both = first.union(second)
    assert set(everything[both.holds(everything)].tolist()) == set(ours) | set(theirs)
    assert len(both) == len(set(ours) | set(theirs))
    assert OffsetSet.of_runs(both.runs).runs == both.runs
    assert all(last + 1 < following for (_, last), (following, _) in zip(both.runs, both.runs[1:], strict=False))


@given(OFFSETS, st.integers(0, 60), st.integers(0, 60))
def test_what_is_missing_is_what_is_not_held(offsets: list[int], first: int, last: int) -> None:
    held = OffsetSet.of(np.array(offsets, dtype=np.int64))
    missing = [offset for start, end in held.missing(first, last) for offset in range(start, end + 1)]
    assert missing == [offset for offset in range(first, last + 1) if offset not in offsets]


@given(OFFSETS, OFFSETS, st.integers(0, 60), st.integers(0, 60))
def test_what_is_taken_away_is_no_longer_held(ours: list[int], theirs: list[int], first: int, last: int) -> None:
    held, taken = (OffsetSet.of(np.array(offsets, dtype=np.int64)) for offsets in (ours, theirs))
    everything = np.arange(-2, 63)
    left = held.without(taken)
    assert set(everything[left.holds(everything)].tolist()) == set(ours) - set(theirs)
    assert OffsetSet.of_runs(left.runs).runs == left.runs
    clipped = held.within(first, last)
    assert set(everything[clipped.holds(everything)].tolist()) == {one for one in ours if first <= one <= last}


@given(OFFSETS, OFFSETS)
def test_sets_overlap_when_any_offset_is_in_both(ours: list[int], theirs: list[int]) -> None:
    first, second = (OffsetSet.of(np.array(offsets, dtype=np.int64)) for offsets in (ours, theirs))
    assert first.overlaps(second) == second.overlaps(first) == bool(set(ours) & set(theirs))
