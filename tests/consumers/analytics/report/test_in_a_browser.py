"""The page as Chromium shows it: on a screen, a phone, and paper, in light and dark."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from consumers.analytics.report.page import write_page
from tests.consumers.analytics.report.made_reports import make_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE, SCREEN, PAPER = 390, 1280, 690
ONE_LONG_WORD = "x" * 300


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str]) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    path = require_tool("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def show(browser: "Browser", tmp_path: Path) -> Iterator[Callable[..., "Page"]]:
    """`show(width, colours)`: a report in a window; what the browser complains of, or fetches, fails the test."""
    file = tmp_path / "report.html"
    file.write_text(write_page(make_report(stream_id=ONE_LONG_WORD)), encoding="utf-8")
    heard: list[str] = []

    def enter(width: int, colours: Literal["light", "dark"] = "light") -> "Page":
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=colours)
        page.on("console", lambda message: heard.append(message.text))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(file.as_uri())
        return page

    yield enter
    assert set(heard) == {file.as_uri()}


@pytest.mark.parametrize(("width", "seen"), [(PHONE, "narrow"), (SCREEN, "wide")])
def test_nothing_sticks_out_and_plots_can_be_read(show: Callable[..., "Page"], width: int, seen: str) -> None:
    page = show(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for plot in ("timeline", "activity"):
        shown = [name for name in ("narrow", "wide") if page.locator(f"svg.{plot}-{name}").is_visible()]
        assert shown == [seen]
        letters = page.locator(f"svg.{plot}-{seen} text").first.bounding_box()
        assert letters is not None
        assert letters["height"] > 9
    table = page.locator("#exercises ~ details td").first
    assert table.evaluate("cell => getComputedStyle(cell).display") == ("grid" if width == PHONE else "table-cell")


def test_colours_follow_the_reader(show: Callable[..., "Page"]) -> None:
    def lightness(page: "Page", element: str, name: str) -> float:
        colour = page.locator(element).first.evaluate(f"element => getComputedStyle(element).{name}")
        return sum(float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")) / 3

    for colours, is_dark in (("light", False), ("dark", True)):
        page = show(SCREEN, colours)
        paper = lightness(page, "body", "backgroundColor")
        assert (paper < 128) is is_dark
        for element, name in (("body", "color"), ("svg.timeline-wide text", "fill")):
            assert abs(lightness(page, element, name) - paper) > 120


def test_paper_is_white_and_keeps_the_tables(show: Callable[..., "Page"]) -> None:
    page = show(PAPER, "dark")
    page.emulate_media(media="print")
    assert page.locator("svg.timeline-wide").is_visible()
    assert (
        page.locator("#exercises ~ details td").first.evaluate("cell => getComputedStyle(cell).display") == "table-cell"
    )
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(255, 255, 255)"
