"""The site can be built, every page is on it, and nobody who reads it asks another machine for anything."""

import re
import tomllib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from handbook.site import CONFIG, DOCS, SITE, Stage, build, find_decisions

LOADING = {
    "script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src",
    "object": "data", "embed": "src", "use": "href",
}  # fmt: skip
WIDTHS = (1280, 390)


class Loaded(HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(LOADING.get(tag, ""))
        if address and not (tag == "link" and given.get("rel") in {"canonical", "next", "prev", "alternate"}):
            self.addresses.append(address)


@pytest.fixture(scope="module")
def site() -> Path:
    build()
    return SITE


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str]) -> Iterator[Browser]:
    path = require_tool("chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def list_pages(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, str):
                yield value
            else:
                yield from list_pages(value)


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    foreign = re.compile(r"(?:[a-z]+:)?//")
    loaded = {}
    for path in site.rglob("*.html"):
        parser = Loaded()
        parser.feed(path.read_text(encoding="utf-8"))
        loaded[path.name] = [address for address in parser.addresses if foreign.match(address)]
    assert len(loaded) > 100
    assert {name: found for name, found in loaded.items() if found} == {}
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    assert not [found for style in styles for found in re.findall(r"url\([\"']?(?:https?:)?//[^)]+", style)]


def test_every_page_is_in_the_navigation_and_nothing_else(site: Path) -> None:
    listed = list(list_pages(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"]))
    made = {"architecture.md", "decisions/index.md"}
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert len(set(listed)) == len(listed)
    assert set(listed) == {name for name in there if not name.startswith("decisions/")} | made
    for name in listed:
        assert (site / name).with_suffix(".html").is_file(), name


def test_decisions_and_linked_files_of_the_repository_are_pages_too(site: Path) -> None:
    index = (site / "decisions" / "index.html").read_text(encoding="utf-8")
    decisions = list(find_decisions())
    assert len(decisions) > 100
    for _, _, name in decisions:
        assert f'href="{name.removesuffix(".md")}.html"' in index
    assert (site / "source" / "protos" / "holistic" / "v1" / "landmarks.proto.html").is_file()
    assert 'href="source/protos/holistic/v1/landmarks.proto.html"' in (site / "grpc.html").read_text(encoding="utf-8")


def test_links_that_leave_the_pages_are_led_to_where_their_target_is(tmp_path: Path) -> None:
    Stage(tmp_path).put_all()
    assert "](architecture.md)" in (tmp_path / "index.md").read_text(encoding="utf-8")
    assert "](decisions/index.md)" in (tmp_path / "index.md").read_text(encoding="utf-8")
    assert "](source/protos/holistic/v1/landmarks.proto.md)" in (tmp_path / "grpc.md").read_text(encoding="utf-8")
    assert (tmp_path / "pictures" / "capture-phone.png").is_file()


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_and_ask_nobody(site: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index.html", "reference/environment.html", "reference/tables.html", "avatar-viewer.html"):
        page.goto((site / name).as_uri())
        page.locator("h1").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)"), name
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
