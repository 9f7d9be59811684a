"""Every decoder that faces the outside, given damaged inputs: it takes them, or says in our own words why not."""

from __future__ import annotations

import random
import time
import warnings
from pathlib import Path

import pytest

from tests.security.fuzz.all_targets import ALL
from tests.security.fuzz.mutating import mutate

SEED = 20
INPUTS = 150
"""Of each decoder; `python -m tests.security.fuzz` tries a thousand times as many, guided by what they reach."""
ONE_INPUT_S = 2.0
"""Of processor time: others share the machine."""


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_is_damaged_is_refused_in_our_own_words_and_in_no_time(name: str, tmp_path: Path) -> None:
    target = ALL[name]
    for data in mutate(target.seeds(), INPUTS, target.largest_bytes, random.Random(SEED)):
        began_s = time.process_time()
        with warnings.catch_warnings():
            # Numbers beyond all bounds are warned of, and that is not the decoder's fault.
            warnings.simplefilter("ignore", RuntimeWarning)
            target.try_out(data, tmp_path)
        assert time.process_time() - began_s < ONE_INPUT_S, data[:200]


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_inputs_that_damage_begins_from_are_good_ones(name: str, tmp_path: Path) -> None:
    target = ALL[name]
    assert any(target.try_out(seed, tmp_path) is None for seed in target.seeds())
