"""What the page says when something is in the way, and that it goes on when nothing is any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import WebSocketRoute, expect

from kafka_io.settings import KafkaSettings
from producer_service.access.key_file import Right, create_key
from producer_service.capture.still_image import image_format
from producer_service.gateway.wire import read_picture_message, write_refusal
from producer_service.landmarks.pool.options import PoolOptions
from tests.producer_service.finders import RIGHT_HAND
from tests.producer_service.page.conftest import FAKE_CAMERA
from tests.producer_service.page.serving import NAME, Served, serve_page_alone, serve_producer
from tests.producer_service.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SOCKET_REFUSED = ("WebSocket connection", "Failed to load resource")
"""What Chromium says on its console of a refused WebSocket, and of an API that says why."""


@pytest.fixture(scope="module")
def alone() -> Iterator[str]:
    with serve_page_alone() as address:
        yield address


@pytest.fixture(scope="module")
def without_camera(open_browser: Callable[..., Browser]) -> Browser:
    return open_browser()


@pytest.fixture(scope="module")
def with_camera(open_browser: Callable[..., Browser]) -> Browser:
    return open_browser(*FAKE_CAMERA)


def test_no_camera(alone: str, without_camera: Browser, visit: Callable[..., Visitor]) -> None:
    visitor = visit(without_camera, alone)
    visitor.agree()
    visitor.expect_problem("There is no camera here.")
    visitor.expect_status("No camera")
    assert visitor.page.locator("#welcome").is_visible()


def test_a_camera_that_was_not_allowed(
    alone: str, open_browser: Callable[..., Browser], visit: Callable[..., Visitor]
) -> None:
    visitor = visit(open_browser("--use-fake-device-for-media-stream", "--deny-permission-prompts"), alone)
    visitor.agree()
    visitor.expect_problem("The browser was not allowed to use the camera.")
    asked = visitor.times_asked()
    visitor.page.click("#problem-retry")
    visitor.expect_problem("The browser was not allowed to use the camera.")
    assert visitor.times_asked() == asked + 1


def test_a_page_over_plain_http_from_another_machine(
    alone: str, with_camera: Browser, visit: Callable[..., Visitor]
) -> None:
    # Chromium says of the opener policy, too, that it is for secure pages only.
    visitor = visit(with_camera, alone.replace("localhost", NAME), allows=("Cross-Origin-Opener-Policy",))
    visitor.agree()
    visitor.expect_problem("only to pages from https:// or from this very machine")


def test_a_server_that_does_not_answer(alone: str, with_camera: Browser, visit: Callable[..., Visitor]) -> None:
    visitor = visit(with_camera, alone, allows=SOCKET_REFUSED)
    visitor.page.route("**/v1/**", lambda route: route.abort())
    visitor.agree()
    visitor.await_problem("The server cannot be reached. Trying again in 1 s.")
    visitor.wait_until(lambda: "Trying again" in visitor.statuses.all())
    # It waits longer each time.
    visitor.await_problem("Trying again in 2 s.")
    visitor.page.click("#camera")
    visitor.expect_status("Ready")
    expect(visitor.page.locator("#problem")).to_be_hidden()


def test_no_more_than_two_pictures_are_under_way(
    alone: str, with_camera: Browser, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(with_camera, alone)
    came: list[bytes] = []
    opened: list[WebSocketRoute] = []

    def listen(socket: WebSocketRoute) -> None:
        opened.append(socket)
        socket.on_message(lambda message: came.append(message) if isinstance(message, bytes) else None)

    visitor.page.route_web_socket("**/ws?mirrored=false", listen)
    visitor.agree()
    visitor.wait_until(lambda: visitor.number("skipped") > 5)
    sent = [read_picture_message(message) for message in came]
    assert [each.number for each in sent] == [1, 2]
    assert all(image_format(each.data[:12]) == "JPEG" for each in sent)

    opened[0].send(write_refusal(1, "dropped", "overtaken", "a newer one came"))
    visitor.wait_until(lambda: len(came) == 3)
    assert visitor.number("dropped") <= 1
    opened[0].close(code=1009)
    visitor.await_problem("The server found a picture too large.")
    visitor.wait_until(lambda: visitor.text("reasons") == "overtaken 1" and visitor.number("unknown") == 2)
    # Another connection, and two more.
    visitor.wait_until(lambda: len(opened) == 2 and len(came) == 5)


@pytest.mark.servers
def test_a_key_is_asked_for_and_a_stream_of_somebody_else_is_not_taken(
    kafka_settings: KafkaSettings,
    page_topic: str,
    with_camera: Browser,
    visit: Callable[..., Visitor],
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys.json"
    key = create_key(keys, "ada", ["ada-*"], frozenset({Right.PUBLISH}), datetime.now(UTC))
    with serve_producer(kafka_settings, page_topic, hand_finders(), keys) as served:
        visitor = visit(with_camera, served.address, allows=SOCKET_REFUSED)
        enter(visitor, "stream", "bob-1")
        visitor.agree()
        visitor.expect_problem("The server asks for an API key.")
        enter(visitor, "key", "not a key")
        expect(visitor.page.locator("#key-hint")).to_contain_text("This is no API key")
        enter(visitor, "key", "hk_wrong")
        visitor.expect_problem("The server does not know this API key.")
        enter(visitor, "key", key.token)
        visitor.expect_problem("This key owns no stream 'bob-1'. Its streams are ada-*.")
        enter(visitor, "stream", "ada/1")
        expect(visitor.page.locator("#stream-hint")).to_contain_text("cannot hold a slash")
        enter(visitor, "stream", "ada-1")
        visitor.expect_status("Live")
        visitor.await_acknowledged(1)
        assert visitor.page.locator("#problem").is_hidden()
        assert visitor.page.locator("#nobody").is_visible()
        stored = visitor.page.evaluate("() => JSON.stringify([localStorage, document.cookie, location.href])")
        assert key.token not in stored


@pytest.mark.servers
def test_a_stream_that_is_taken_and_a_connection_that_breaks(
    kafka_settings: KafkaSettings, page_topic: str, with_camera: Browser, visit: Callable[..., Visitor]
) -> None:
    with serve_producer(kafka_settings, page_topic, hand_finders()) as served:
        visitor = visit(with_camera, served.address, allows=SOCKET_REFUSED)
        line = served.open.studio.open_stream("on-stage")
        enter(visitor, "stream", "on-stage")
        visitor.agree()
        visitor.expect_problem("Somebody sends to the stream “on-stage” already.")
        served.open.studio.close_stream(line)
        visitor.expect_status("Live")
        visitor.await_acknowledged(1)

        break_connection(served, "on-stage")
        visitor.await_problem("The stream was closed. Trying again")
        visitor.expect_status("Live")
        visitor.await_acknowledged(1)
        assert visitor.page.locator("#problem").is_hidden()


def hand_finders() -> PoolOptions:
    return PoolOptions(workers=1, standby=0, opener=RIGHT_HAND)


def enter(visitor: Visitor, field: str, text: str) -> None:
    """Write into a field of the settings, and leave it."""
    if not visitor.page.locator(f"#{field}").is_visible():
        visitor.page.click("#settings summary")
    visitor.page.fill(f"#{field}", text)
    visitor.page.locator(f"#{field}").blur()


def break_connection(served: Served, stream_id: str) -> None:
    """The server has enough of a stream."""
    studio = served.open.studio
    studio.close_stream(next(line for line in studio.lines() if line.stream_id == stream_id))
