"""The workshop, once a run."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.filled_workshop import fill
from tests.docs.workshop import Workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    """A stack, services and samples, and ada, who performs all the while."""
    # Not pytest's own directory: the account of Postgres could not pass through it.
    root = Path(tempfile.mkdtemp(prefix="holistic-docs-"))
    try:
        with Workshop(root) as opened:
            fill(opened)
            yield opened
    finally:
        shutil.rmtree(root, ignore_errors=True)
