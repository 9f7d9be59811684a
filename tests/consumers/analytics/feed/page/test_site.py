"""What browsers are told of the page, and what its modules reckon, asked in the browser they run in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from httpx import Client

import consumers.analytics.feed.page
from consumers.analytics.feed.page.assets import PAGE_HEADERS
from tests.consumers.analytics.feed.page.serving import serve_page_alone
from tests.consumers.analytics.feed.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SITE = Path(consumers.analytics.feed.page.__file__).parent / "site"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve_page_alone() as address, Client(base_url=address, follow_redirects=True) as client:
        yield client


@pytest.fixture(scope="module")
def call(browser: Browser) -> Iterator[Callable[..., Any]]:
    """`call(module, expression, *args)`: see Visitor."""
    with serve_page_alone() as address:
        page = browser.new_page()
        yield Visitor(page, address).call
        page.close()


def test_who_asks_for_the_service_finds_the_page(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.url.path) == (200, "/page/")
    assert "<title>Holistic live</title>" in answer.text


@pytest.mark.parametrize("path", ["/page/", "/page/main.js", "/page/strokes.json", "/page/icon.svg"])
def test_everything_comes_with_headers_that_let_only_its_own_code_run(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


def test_a_page_that_is_as_it_was_is_not_sent_again(client: Client) -> None:
    first = client.get("/page/main.js")
    again = client.get("/page/main.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/page/assets.py", "/page/%2e%2e/assets.py", "/page/site/"])
def test_nothing_beside_the_page_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_asks_for_nothing_of_other_places() -> None:
    for file in SITE.iterdir():
        # The name of a language, which nobody fetches.
        assert set(re.findall(r"https?://[\w.-]+", file.read_text())) <= {"http://www.w3.org"}, file.name


def test_every_module_is_short_enough_to_be_read() -> None:
    for file in SITE.glob("*.js"):
        assert len(file.read_text().splitlines()) <= 300, file.name


_PARSE = """(() => {
  const said = [];
  const parser = new module.SseParser((message) => said.push(message));
  for (const piece of args[0]) parser.push(piece);
  return said;
})()"""


def test_messages_are_read_wherever_the_wire_cuts_them(call: Callable[..., Any]) -> None:
    text = 'retry: 2000\n\n: still here\n\nid: 0:1\nevent: start\ndata: {"a":1}\n\nevent: cut\ndata: {"b":"x: y"}\n\n'
    whole = call("sse.js", _PARSE, [text])
    assert whole == [
        {"id": "0:1", "event": "start", "data": {"a": 1}},
        {"id": None, "event": "cut", "data": {"b": "x: y"}},
    ]
    assert call("sse.js", _PARSE, list(text)) == whole
    assert call("sse.js", _PARSE, [text[:-1]]) == whole[:1]


_LAY_OUT = """(() => {
  const history = new module.History();
  for (const event of args[0]) history.note(event, 0);
  return module.layOut(history.entries, 0, 100000, args[1])
    .map(({ entry, lane, left, width }) => [entry.event.kind, lane, left, width]);
})()"""


def said(kind: str, start_s: float, end_s: float | None, phase: str = "end") -> dict[str, Any]:
    def at(seconds: float) -> str:
        return f"1970-01-01T00:{int(seconds // 60):02}:{seconds % 60:06.3f}Z"

    ended_at = None if end_s is None else at(end_s)
    return {"gesture_id": kind, "kind": kind, "phase": phase, "started_at": at(start_s), "ended_at": ended_at}


def test_what_overlaps_is_laid_in_lanes_of_its_own(call: Callable[..., Any]) -> None:
    events = [
        said("first", 10, 30),
        said("second", 20, 40),
        said("third", 30, 50),
        said("open", 90, None, "start"),
        said("mark", 60, 70, "occurred"),
        said("gone", -1 + 1, 0.5),
    ]
    placed = call("history.js", _LAY_OUT, events, 0.02)
    assert placed == [
        ["gone", 0, 0, 0.02],
        ["first", 0, pytest.approx(0.1), pytest.approx(0.2)],
        ["second", 1, pytest.approx(0.2), pytest.approx(0.2)],
        ["third", 0, pytest.approx(0.3), pytest.approx(0.2)],
        ["mark", 0, pytest.approx(0.7), 0.02],
        ["open", 0, pytest.approx(0.9), pytest.approx(0.1)],
    ]


def test_an_end_heard_before_its_start_stays_the_end(call: Callable[..., Any]) -> None:
    events = [said("late", 10, 30), said("late", 10, None, "start")]
    assert call("history.js", _LAY_OUT, events, 0.0) == [["late", 0, pytest.approx(0.1), pytest.approx(0.2)]]


def test_what_ended_unheard_goes_on_no_longer(call: Callable[..., Any]) -> None:
    settle = """(() => {
      const history = new module.History();
      for (const gesture_id of ["kept", "ended", "new"]) {
        history.note({ gesture_id, stream_id: "ada", phase: "start", started_at: "1970-01-01T00:00:01Z" },
          gesture_id === "new" ? 300 : 100);
      }
      history.settle("ada", new Set(["kept"]), 200);
      return history.entries.map(({ event, endMs }) => [event.gesture_id, endMs === null]);
    })()"""
    assert call("history.js", settle) == [["kept", True], ["ended", False], ["new", True]]


def test_things_are_called_as_people_call_them(call: Callable[..., Any]) -> None:
    event = {"kind": "thumbs_up", "category": "shape", "subject": "left", "hand": "left", "stream_id": "ada"}
    sentence = call("words.js", "module.sentenceOf(args[0])", {**event, "phase": "start"})
    assert sentence == "thumbs up, left hand, ada began"
    fall = {"kind": "fall", "category": "anomaly", "subject": "body", "stream_id": "ben", "severity": "critical"}
    assert call("words.js", "module.sentenceOf(args[0])", {**fall, "phase": "occurred"}) == "Critical: fall, body, ben"
    assert call("words.js", "module.evidenceOf('depth_deg', 84.2371)") == ["depth", "84.2 °"]
    assert call("words.js", "module.evidenceOf('repetition', 3)") == ["repetition", "3"]
    assert call("words.js", "[3.14, 59.6, 125].map(module.durationOf)") == ["3.1 s", "60 s", "2 min 5 s"]
    assert call("words.js", "module.categoryOf({category: 'of tomorrow'}).name") == "other"


def test_a_picture_fits_into_the_middle_of_the_stage(call: Callable[..., Any]) -> None:
    wide = call("drawing.js", "module.fitPicture({width: 1280, height: 720}, 640, 640)")
    assert wide == {"left": 0, "top": 140, "width": 640, "height": 360}
    unknown = call("drawing.js", "module.fitPicture({width: 0, height: 0}, 160, 100)")
    assert unknown == {"left": 0, "top": 5, "width": 160, "height": 90}
