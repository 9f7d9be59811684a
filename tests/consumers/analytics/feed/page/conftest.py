"""A Chromium, and who looks at the live page with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.consumers.analytics.feed.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str]) -> Iterator[Browser]:
    """One browser for a module: while it runs, no event loop can be run beside it."""
    from playwright.sync_api import expect, sync_playwright

    path = require_tool("chromium")
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """`visit(address, allows=(), dark=False, width=1280, height=800)`: a page in a session of its own.

    At the end the browser must not have complained of anything but what `allows` names.
    """
    with ExitStack() as opened:
        visitors: list[tuple[Visitor, tuple[str, ...]]] = []

        def enter(
            address: str, allows: tuple[str, ...] = (), dark: bool = False, width: int = 1280, height: int = 800
        ) -> Visitor:
            session = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
            )
            opened.callback(session.close)
            visitor = Visitor(session.new_page(), address)
            visitors.append((visitor, allows))
            return visitor

        yield enter
        for visitor, allows in visitors:
            assert [said for said in visitor.complaints if not any(part in said for part in allows)] == []
