"""The tutorial is followed from its first page to its last, before any other page, and shows what it says.

It is the first of these tests by its name: a stranger begins with it, and what other pages teach is not known yet.
"""

import re
import time
from collections.abc import Callable
from typing import Final

import pytest

from tests.conftest import REPOSITORY
from tests.docs.fenced import Block, read_blocks
from tests.docs.stand_ins import find_reason
from tests.docs.workshop import Folder, Workshop

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe, pytest.mark.timeout(400)]

PAGES: Final = ("first-stream", "first-question", "first-gesture", "first-avatar")
SEEN_WITHIN_S: Final = 40.0
ASKS: Final = ("holistic sql", "holistic streams")
"""What may be asked again until the services have caught up, which a reader takes a moment for too."""


def read_steps(block: Block) -> list[tuple[str, set[str]]]:
    """Each command, and the words that are shown under it."""
    if block.language != "console":
        return [(command, set()) for command in block.commands]
    parts = [part.partition("\n") for part in f"\n{block.text}".split("\n$ ")[1:]]
    return [(command, set(re.findall(r"[\w-]{3,}", shown))) for command, _, shown in parts]


def follow(folder: Folder, command: str, shown: set[str]) -> None:
    deadline_s = time.monotonic() + (SEEN_WITHIN_S if command.startswith(ASKS) else 0.0)
    while True:
        printed = folder.run(command)
        missing = shown - set(re.findall(r"[\w-]{3,}", printed))
        if not missing:
            return
        assert time.monotonic() < deadline_s, f"{command}\n  shows no {sorted(missing)}:\n{printed}"
        time.sleep(0.5)


def test_the_tutorial_shows_what_it_says(workshop: Workshop, require_tool: Callable[[str], str]) -> None:
    require_tool("curl")
    folder = workshop.open_folder("tutorial")
    steps = 0
    for name in PAGES:
        for block in read_blocks(REPOSITORY / "docs" / "tutorial" / f"{name}.md"):
            for command, shown in read_steps(block):
                if find_reason(command) is None:
                    follow(folder, command, shown)
                    steps += 1
    assert steps > 15


def test_the_tutorial_has_no_other_pages() -> None:
    assert {path.stem for path in (REPOSITORY / "docs" / "tutorial").glob("*.md")} == set(PAGES)
