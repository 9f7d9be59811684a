"""The workshop, once for all tests of this room."""

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.filled_workshop import fill
from tests.docs.workshop import Workshop

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kept:
    """The workshop that is open, and what closes it."""

    workshop: Workshop
    closing: ExitStack


KEPT = pytest.StashKey[Kept]()


@pytest.fixture
def workshop(request: pytest.FixtureRequest) -> Workshop:
    """A stack, services and samples, and ada, who performs all the while."""
    stash = request.session.stash
    if KEPT not in stash:
        with ExitStack() as opening:
            # Not pytest's own directory: the account of Postgres could not pass through it.
            root = Path(tempfile.mkdtemp(prefix="holistic-docs-"))
            opening.callback(shutil.rmtree, root, ignore_errors=True)
            opened = opening.enter_context(Workshop(root))
            fill(opened)
            stash[KEPT] = Kept(opened, opening.pop_all())
        request.config.add_cleanup(stash[KEPT].closing.close)
    return stash[KEPT].workshop


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Close it behind the room's last test: at work, its services take half a processor from everybody else's."""
    kept = item.session.stash.get(KEPT, None)
    if kept is not None and (nextitem is None or HERE not in nextitem.path.parents):
        del item.session.stash[KEPT]
        kept.closing.close()
