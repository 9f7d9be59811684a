"""A Chromium that draws with WebGL in software, a theatre, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from consumers.avatar.viewer.page_files import PAGE_DIRECTORY
from tests.conftest import in_ci
from tests.consumers.avatar.page.acting import dance
from tests.consumers.avatar.page.theatre import Theatre, make_model, open_theatre
from tests.consumers.avatar.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_SOFTWARE_GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="session")
def _built_page() -> None:
    if (PAGE_DIRECTORY / "main.js").is_file():
        return
    if in_ci():
        pytest.fail("the avatars' page is not built, and CI needs it: make setup")
    pytest.skip("needs the avatars' page, which is not built: make setup")


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str], _built_page: None) -> Iterator[Browser]:
    """One browser for a module: while it runs, no event loop can be run beside it."""
    from playwright.sync_api import expect, sync_playwright

    path = require_tool("chromium")
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *_SOFTWARE_GL])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def theatre(_built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Its replays show a minute of Ada and Ben, and roles may name one model."""
    models = tmp_path_factory.mktemp("models")
    (models / "another.vrm").write_bytes(make_model())
    with open_theatre({"ada": dance(), "ben": dance(1)}, models=models) as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, theatre: Theatre) -> Iterator[Callable[..., Visitor]]:
    """`visit(query="", allows=(), width=320, height=240, …)`: a page in a session of its own.

    At the end the browser must not have complained of anything but what `allows` names, nor asked another place, nor
    sent anything unless it `sends`. `prepare` is called with the page before it is opened.
    """
    with ExitStack() as opened:
        visitors: list[tuple[Visitor, tuple[str, ...], bool]] = []

        def enter(
            query: str = "",
            allows: tuple[str, ...] = (),
            dark: bool = True,
            width: int = 320,
            height: int = 240,
            address: str | None = None,
            sends: bool = False,
            smooth: bool = False,
            prepare: Callable[[Page], None] = lambda page: None,
        ) -> Visitor:
            session = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                # So that the camera is where it goes at once.
                reduced_motion="reduce",
            )
            opened.callback(session.close)
            page = session.new_page()
            prepare(page)
            # Without a graphics processor smooth edges take two thirds of the time.
            asked = query if smooth else f"{query or '?'}&smooth=0"
            visitor = Visitor(page, address or theatre.address, asked)
            visitors.append((visitor, allows, sends))
            return visitor

        yield enter
        for visitor, allows, sends in visitors:
            assert [said for said in visitor.complaints if not any(part in said for part in allows)] == []
            assert visitor.foreign_requests() == []
            assert sends or visitor.sent() == []
