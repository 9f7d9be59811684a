"""The live page's pictures for the documentation. HOLISTIC_WRITE_SCREENSHOTS=1 writes them to docs/pictures.

Nobody is in them: the performers are synthetic.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.consumers.analytics.feed.page.scene import made_frames, made_scene
from tests.consumers.analytics.feed.page.visitor import Visitor
from tests.consumers.analytics.feed.serving import Publisher

pytestmark = pytest.mark.servers

LARGEST_BYTES = 300_000
WRITES = os.environ.get("HOLISTIC_WRITE_SCREENSHOTS", "") not in ("", "0")


@pytest.fixture(scope="module")
def scene(address: str, publisher: Publisher) -> str:
    """A feed that has a minute of three streams to tell of."""
    publisher.events(*made_scene())
    publisher.frames(made_frames())
    return address


@pytest.mark.parametrize(
    ("name", "dark", "width", "height"), [("live-desktop", True, 1280, 800), ("live-phone", False, 390, 844)]
)
def test_the_page_in_the_documentation(
    scene: str,
    publisher: Publisher,
    visit: Callable[..., Visitor],
    tmp_path: Path,
    name: str,
    dark: bool,
    width: int,
    height: int,
) -> None:
    visitor = visit(scene, dark=dark, width=width, height=height)
    visitor.wait_until(lambda: visitor.count("#events li") == 16 and visitor.count(".row-of-stream") == 3)
    publisher.frames(made_frames()[-3:])
    visitor.wait_until(lambda: visitor.lit_pixels() > 500)
    assert not visitor.is_wider_than_its_window()
    controls = visitor.page.locator("button:visible, select:visible")
    assert min(controls.evaluate_all("all => all.map((one) => one.offsetHeight)")) >= (40 if width < 900 else 32)
    path = (REPOSITORY / "docs" / "pictures" if WRITES else tmp_path) / f"{name}.png"
    seen = Image.open(io.BytesIO(visitor.page.screenshot())).convert("RGB")
    # In fewer colours those of the categories would not be told apart.
    seen.save(path, optimize=True)
    assert seen.size == (width, height)
    assert path.stat().st_size <= LARGEST_BYTES
