"""Data directories for stacks of the tests' own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack import stop_stack


@pytest.fixture(scope="module")
def make_data_dir() -> Iterator[Callable[[str], Path]]:
    """`make_data_dir("name")` gives a directory; a stack that is up in it is stopped at the end, its data deleted."""
    # Not below pytest's own directory, which each run closes to other accounts, and so to Postgres when run by root.
    parent = Path(tempfile.mkdtemp(prefix="holistic-stack-tests-"))
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(parent / name)
        return parent / name

    yield make
    for data_dir in made:
        stop_stack(data_dir)
    shutil.rmtree(parent)
