"""The live page over the real service: what people see when something happens, and when something goes wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from consumers.analytics.feed.settings import FeedSettings
from observability.port import take_port
from tests.consumers.analytics.feed.page.scene import ADA, BEN, DOOR, made_frames, made_scene
from tests.consumers.analytics.feed.page.visitor import Visitor
from tests.consumers.analytics.feed.serving import Publisher, made_event, serve

pytestmark = pytest.mark.servers

CATEGORIES = ("shape", "movement", "anomaly", "fault", "reaction")
KEY = "a-key-of-this-test-alone"
LOST = ("Failed to load resource", "WebSocket connection to", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED")


@pytest.fixture(scope="module")
def scene(address: str, publisher: Publisher) -> str:
    """A feed that has a minute of three streams to tell of."""
    publisher.events(*made_scene())
    publisher.frames(made_frames())
    return address


def test_an_empty_page_says_what_it_waits_for(
    settings: FeedSettings, publisher: Publisher, visit: Callable[..., Visitor]
) -> None:
    with serve(settings.model_copy(update={"feed_history_s": 0}), publisher.kafka) as address:
        visitor = visit(address)
        visitor.expect_status("Live")
        for text in ("Nothing has happened yet", "No frames yet", "Each stream gets a line here"):
            expect(visitor.page.get_by_text(text)).to_be_visible()


def test_events_and_skeleton_are_shown_with_what_goes_on(scene: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene)
    visitor.expect_status("Live")
    visitor.wait_until(lambda: visitor.count("#events li") == 16)
    assert visitor.count("#events li[data-open]") == 2
    assert re.search(r"squat body \d\d:\d\d:\d\d ben", " ".join(visitor.items('[data-kind="squat"]')))
    assert "critical" in visitor.items('[data-kind="fall"]')[0]
    visitor.wait_until(lambda: visitor.lit_pixels() > 2_000)
    expect(visitor.page.locator("#stage-name")).to_contain_text(ADA)
    expect(visitor.page.locator("#stage-now")).to_have_text("● thumbs up, right hand")


def test_each_stream_has_a_line_of_bars_and_marks(scene: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene)
    # The scene is older than a minute soon.
    visitor.page.select_option("#span", "300")
    visitor.wait_until(lambda: visitor.count(".row-of-stream") == 3)
    assert visitor.page.locator(".row-name").all_inner_texts() == [ADA, BEN, DOOR]
    visitor.wait_until(lambda: visitor.count('.mark[data-kind="squat"]') == 5)
    assert visitor.count('.stretch[data-category="fault"]') == 1
    # Never by colour alone.
    glyphs = {
        name: visitor.page.locator(f'#timeline [data-category="{name}"] .glyph').first.inner_text()
        for name in CATEGORIES
    }
    assert len(set(glyphs.values())) == len(CATEGORIES)
    lefts = visitor.page.locator('.mark[data-kind="squat"]').evaluate_all("all => all.map((one) => one.offsetLeft)")
    assert len(set(lefts)) == 5


def test_what_goes_on_grows_until_it_ends(address: str, publisher: Publisher, visit: Callable[..., Visitor]) -> None:
    visitor = visit(address)
    visitor.expect_status("Live")
    started_s = time.time() - 3
    publisher.events(made_event(1, stream="grower", kind="victory", phase="start", started_s=started_s))
    bar = '.stretch[data-kind="victory"]'
    visitor.wait_until(lambda: visitor.count(f"{bar}[data-open]") == 1)
    visitor.page.select_option("#span", "30")
    before = visitor.width_of(bar)
    visitor.wait_until(lambda: visitor.width_of(bar) > before + 5)
    publisher.events(
        made_event(1, stream="grower", kind="victory", phase="end", started_s=started_s, ended_s=time.time())
    )
    visitor.wait_until(lambda: visitor.count(f"{bar}[data-open]") == 0 and visitor.count(bar) == 1)
    expect(visitor.page.locator("#events li").first).not_to_contain_text("goes on")
    # Whoever listens hears of it.
    expect(visitor.page.locator("#announcer")).to_contain_text("victory, right hand, grower", timeout=6_000)


def test_categories_and_streams_are_chosen(scene: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene)
    visitor.wait_until(lambda: visitor.count('#events li[data-kind="squat"]') == 5)
    visitor.page.get_by_role("button", name="Movements").click()
    assert visitor.count('#events li[data-category="movement"]') == 0
    assert visitor.count('#timeline [data-category="movement"]') == 0
    assert visitor.count('#events li[data-category="anomaly"]') == 2
    visitor.page.get_by_role("button", name="Movements").click()
    visitor.wait_until(lambda: visitor.count(f'#stream option[value="{BEN}"]') == 1)
    visitor.page.select_option("#stream", BEN)
    assert visitor.count("#events li") == 7
    assert visitor.page.locator(".row-name").all_inner_texts() == [BEN]
    visitor.wait_until(lambda: visitor.lit_pixels() == 0)
    expect(visitor.page.get_by_text("No frames of this stream yet")).to_be_visible()


def test_what_an_event_stands_on_is_shown_by_keyboard(scene: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene)
    visitor.wait_until(lambda: visitor.count('#events li[data-kind="squat"]') == 5)
    visitor.page.locator('#events li[data-kind="squat"] summary').first.focus()
    visitor.page.keyboard.press("Enter")
    evidence = visitor.page.locator('#events li[data-kind="squat"] .evidence').first
    expect(evidence).to_contain_text("depth")
    expect(evidence).to_contain_text("84.2 °")
    expect(evidence).to_contain_text("partition 0, offsets")
    # It stays open while other things come and go.
    visitor.page.get_by_role("button", name="Faults").click()
    expect(evidence).to_be_visible()


def test_a_pause_holds_everything_still(address: str, publisher: Publisher, visit: Callable[..., Visitor]) -> None:
    visitor = visit(address)
    visitor.expect_status("Live")
    visitor.page.click("#pause")
    visitor.expect_status("Paused")
    publisher.events(made_event(1, stream="paused", kind="rock"))
    publisher.events(made_event(2, stream="paused", kind="rock"))
    expect(visitor.page.locator("#count")).to_have_text("paused, 2 more")
    assert visitor.count('#events li[data-kind="rock"]') == 0
    visitor.page.click("#pause")
    visitor.wait_until(lambda: visitor.count('#events li[data-kind="rock"]') == 2)


def test_the_page_goes_on_where_it_was_when_the_service_is_back(
    settings: FeedSettings, publisher: Publisher, visit: Callable[..., Visitor]
) -> None:
    with take_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    fixed = settings.model_copy(update={"http_port": port, "feed_history_s": 0})
    with serve(fixed, publisher.kafka) as address:
        visitor = visit(address, allows=LOST)
        visitor.expect_status("Live")
        publisher.events(made_event(1, stream="back", kind="pinch"))
        visitor.wait_until(lambda: visitor.count('#events li[data-kind="pinch"]') == 1)
    visitor.expect_status("Reconnecting…")
    visitor.expect_problem("Trying again")
    publisher.events(made_event(2, stream="back", kind="pinch"))
    with serve(fixed, publisher.kafka):
        visitor.expect_status("Live")
        visitor.wait_until(lambda: visitor.count('#events li[data-kind="pinch"]') == 2)
        expect(visitor.page.locator("#problem")).to_be_hidden()


def test_a_missing_topic_is_named(settings: FeedSettings, publisher: Publisher, visit: Callable[..., Visitor]) -> None:
    absent = settings.model_copy(update={"events_topic": "no-such-events"})
    with serve(absent, publisher.kafka, ready=False) as address:
        visitor = visit(address)
        visitor.expect_status("No topic yet")
        visitor.expect_problem("There is no topic no-such-events")


def test_a_locked_feed_asks_for_its_key(
    settings: FeedSettings, publisher: Publisher, visit: Callable[..., Visitor]
) -> None:
    with serve(settings.model_copy(update={"feed_key": SecretStr(KEY)}), publisher.kafka) as address:
        publisher.frames(made_frames("locked", 0.2))
        visitor = visit(address, allows=("401",))
        visitor.expect_status("Locked")
        expect(visitor.page.locator("#key")).to_be_focused()
        visitor.page.fill("#key", "not the key at all")
        visitor.page.keyboard.press("Enter")
        expect(visitor.page.get_by_text("That is not the key")).to_be_visible()
        visitor.page.fill("#key", KEY)
        visitor.page.keyboard.press("Enter")
        visitor.expect_status("Live")
        visitor.wait_until(lambda: visitor.lit_pixels() > 2_000)
        assert KEY not in visitor.page.url


def test_a_recording_of_another_year_has_its_own_now(
    address: str, publisher: Publisher, visit: Callable[..., Visitor]
) -> None:
    year_ago_s = time.time() - 365 * 86_400
    publisher.events(made_event(1, stream="old", kind="curl", started_s=year_ago_s, category="movement"))
    visitor = visit(address)
    visitor.wait_until(lambda: visitor.count('.mark[data-kind="curl"]') == 1)
