"""The pictures of the page that the documentation shows. HOLISTIC_WRITE_SCREENSHOTS=1 writes them to docs/pictures.

Nobody is in them: the picture is hidden, and what is seen are points alone.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from skimage import data

from tests.conftest import REPOSITORY
from tests.producer_service.page.films import look_around, read_video, write_camera
from tests.producer_service.page.serving import Served
from tests.producer_service.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe]

LARGEST_BYTES = 300_000
WRITES = os.environ.get("HOLISTIC_WRITE_SCREENSHOTS", "") not in ("", "0")
# Figures settle within a second or two, and nobody waits for that whose pictures are thrown away.
FRAMES_BEFORE = 50 if WRITES else 5


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return REPOSITORY / "docs" / "pictures" if WRITES else tmp_path


def write_picture(visitor: Visitor, path: Path) -> Image.Image:
    """What the visitor sees, in 256 colours."""
    seen = Image.open(io.BytesIO(visitor.page.screenshot())).convert("RGB")
    seen.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size <= LARGEST_BYTES
    return seen


def test_the_page_on_a_desk(
    mediapipe_producer: Served,
    open_browser: Callable[..., Browser],
    visit: Callable[..., Visitor],
    pictures: Path,
    tmp_path: Path,
) -> None:
    film = write_camera(tmp_path / "astronaut.y4m", look_around(data.astronaut(), 640, 480, 60), 30)
    visitor = visit(open_browser(film=film), mediapipe_producer.address, dark=True)
    visitor.agree()
    visitor.page.click("#hide")
    visitor.await_acknowledged(FRAMES_BEFORE)
    visitor.wait_until(lambda: visitor.text("found") == "body, face")
    visitor.page.evaluate("() => document.activeElement.blur()")
    assert write_picture(visitor, pictures / "capture-desktop.png").size == (1280, 800)


def test_the_page_on_a_phone(
    mediapipe_producer: Served,
    open_browser: Callable[..., Browser],
    visit: Callable[..., Visitor],
    pictures: Path,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    signer = read_video(shared_data / "videos" / "hoy_001.mp4", 960, 540)
    film = write_camera(tmp_path / "signer.y4m", (frame[:, 240:740] for frame in signer), 30)
    visitor = visit(open_browser(film=film), mediapipe_producer.address)
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.agree()
    visitor.page.click("#hide")
    visitor.await_acknowledged(FRAMES_BEFORE)
    visitor.wait_until(lambda: "hand" in visitor.text("found"))
    visitor.page.evaluate("() => document.activeElement.blur()")
    assert write_picture(visitor, pictures / "capture-phone.png").size == (390, 844)
    assert not visitor.is_wider_than_its_window()
