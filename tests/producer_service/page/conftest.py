"""Chromium, and who looks at the page with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kafka_io.admin import create_topics, delete_topic
from keypoints.topics import TopicSpec
from producer_service.landmarks.pool.options import PoolOptions
from tests.producer_service.page.serving import HOST, NAME, Served, serve_producer
from tests.producer_service.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from kafka_io.settings import KafkaSettings

FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def open_browser(require_tool: Callable[[str], str]) -> Iterator[Callable[..., Browser]]:
    """`open_browser(*flags, film=None)`: a Chromium, with a film as its camera where one is given."""
    from playwright.sync_api import expect, sync_playwright

    path = require_tool("chromium")
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright, ExitStack() as opened:

        def launch(*flags: str, film: Path | None = None) -> Browser:
            arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {NAME} {HOST}", *flags]
            if film is not None:
                arguments += [*FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}"]
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            opened.callback(browser.close)
            return browser

        yield launch


@pytest.fixture
def visit() -> Iterator[Callable[..., Visitor]]:
    """`visit(browser, address, allows=(), dark=False)`: a page in a session of its own.

    At the end the browser must not have complained of anything but what `allows` names.
    """
    with ExitStack() as opened:
        visitors: list[tuple[Visitor, tuple[str, ...]]] = []

        def enter(browser: Browser, address: str, allows: tuple[str, ...] = (), dark: bool = False) -> Visitor:
            session = browser.new_context(
                viewport={"width": 1280, "height": 800}, color_scheme="dark" if dark else "light"
            )
            opened.callback(session.close)
            visitor = Visitor(session.new_page(), address)
            visitors.append((visitor, allows))
            return visitor

        yield enter
        for visitor, allows in visitors:
            assert [said for said in visitor.complaints if not any(part in said for part in allows)] == []


@pytest.fixture(scope="package")
def mediapipe_producer(kafka_settings: KafkaSettings, page_topic: str) -> Iterator[Served]:
    """The whole service, with one worker that runs MediaPipe."""
    with serve_producer(kafka_settings, page_topic, PoolOptions(workers=1, standby=0)) as served:
        yield served


@pytest.fixture(scope="package")
def page_topic(kafka_settings: KafkaSettings) -> Iterator[str]:
    """A topic of these tests' own, of three partitions."""
    topic = f"page-{uuid.uuid4().hex[:12]}"
    create_topics(kafka_settings, [TopicSpec(topic, 3)])
    yield topic
    delete_topic(kafka_settings, topic)
