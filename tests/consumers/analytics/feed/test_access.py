"""Who may read: with a key, from which pages, under which names."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from consumers.analytics.feed.access import AccessRules
from consumers.analytics.feed.errors import RequestRefused
from consumers.analytics.feed.settings import FeedSettings
from tests.consumers.analytics.feed.reading import read_sse
from tests.consumers.analytics.feed.serving import PATIENCE_S, Publisher, serve

pytestmark = pytest.mark.servers

KEY = "a-key-of-this-test-alone"
ELSEWHERE = "https://elsewhere.test"
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def locked(settings: FeedSettings, publisher: Publisher) -> Iterator[str]:
    """A feed that asks for a key, and lets pages of one other origin read."""
    asks = settings.model_copy(update={"feed_key": SecretStr(KEY), "allowed_origins": (ELSEWHERE,)})
    with serve(asks, publisher.kafka) as address:
        yield address


def status_of_socket(address: str, path: str = "/v1/events/ws", **options: Any) -> int:
    """101 where a WebSocket is opened, else what it was refused with."""
    try:
        with connect(address.replace("http", "ws") + path, close_timeout=1, **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("path", ["/v1/events", "/v1/streams", "/metrics"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer another-key-than-that"}, {"authorization": KEY}])
def test_nobody_reads_without_the_key(locked: str, path: str, headers: Mapping[str, str]) -> None:
    answer = httpx.get(locked + path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert KEY not in answer.text


@pytest.mark.parametrize("path", ["/v1/events?key=", "/v1/streams?key=", "/v1/streams?access_token="])
def test_an_address_is_no_place_for_the_key(locked: str, path: str) -> None:
    assert httpx.get(locked + path + KEY).status_code == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/page/", "/page/main.js", "/page/strokes.json"])
def test_probes_and_the_page_itself_need_none(locked: str, path: str) -> None:
    assert httpx.get(locked + path).status_code == 200


def test_the_key_opens_everything(locked: str) -> None:
    assert httpx.get(f"{locked}/v1/streams", headers=BEARER).status_code == 200
    assert httpx.get(f"{locked}/metrics", headers=BEARER).status_code == 200
    with read_sse(locked, headers=BEARER):
        pass
    assert status_of_socket(locked, additional_headers=BEARER) == 101


def test_a_browser_gives_the_key_as_a_subprotocol(locked: str) -> None:
    address = locked.replace("http", "ws") + "/v1/skeleton/ws?stream=ada"
    with connect(address, subprotocols=["holistic.v1", f"key.{KEY}"], close_timeout=1) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "holistic.v1"
    assert status_of_socket(locked) == 401
    assert status_of_socket(locked, subprotocols=["holistic.v1", "key.wrong"]) == 401


def test_a_page_of_another_origin_opens_no_socket(address: str, locked: str) -> None:
    assert status_of_socket(address, origin="https://evil.test") == 403
    assert status_of_socket(address, origin="null") == 403
    assert status_of_socket(locked, origin="https://evil.test", additional_headers=BEARER) == 403
    assert status_of_socket(address, origin=address) == 101
    assert status_of_socket(locked, origin=ELSEWHERE, additional_headers=BEARER) == 101


def test_a_page_of_another_origin_reads_nothing_unless_it_is_listed(locked: str) -> None:
    listed = httpx.get(f"{locked}/v1/streams", headers={"origin": ELSEWHERE, **BEARER})
    assert listed.headers["access-control-allow-origin"] == ELSEWHERE
    other = httpx.get(f"{locked}/v1/streams", headers={"origin": "https://evil.test", **BEARER})
    assert "access-control-allow-origin" not in other.headers
    asked = {"origin": ELSEWHERE, "access-control-request-method": "GET"}
    preflight = httpx.options(f"{locked}/v1/events", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, ELSEWHERE)
    assert "last-event-id" in preflight.headers["access-control-allow-headers"]


def test_a_name_somebody_pointed_at_this_machine_is_not_ours(address: str) -> None:
    port = urlsplit(address).port
    rebound = {"host": f"evil.test:{port}"}
    for path in ("/v1/streams", "/page/", "/livez"):
        assert httpx.get(address + path, headers=rebound).status_code == 403
    assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200


@pytest.mark.parametrize(
    ("host", "key", "hosts", "admitted"),
    [
        ("0.0.0.0", None, (), True),
        ("0.0.0.0", None, ("feed.test",), False),
        ("0.0.0.0", None, ("evil.test",), True),
        ("127.0.0.1", None, (), False),
        ("127.0.0.1", SecretStr(KEY), (), True),
    ],
)
def test_where_names_are_known_others_are_refused(
    host: str, key: SecretStr | None, hosts: tuple[str, ...], admitted: bool
) -> None:
    rules = AccessRules.of(FeedSettings(http_host=host, feed_key=key, allowed_hosts=hosts))
    scope = {"type": "http", "path": "/page/", "headers": [(b"host", b"evil.test:8086")]}
    with nullcontext() if admitted else pytest.raises(RequestRefused):
        rules.check(scope)


def test_what_is_no_stream_is_refused(address: str) -> None:
    assert status_of_socket(address, "/v1/skeleton/ws?stream=") == 400
    assert status_of_socket(address, "/v1/skeleton/ws") == 400
    assert httpx.get(f"{address}/v1/events?recent=-1").json()["error"]["code"] == "invalid_request"


def test_the_api_is_described(address: str) -> None:
    described = httpx.get(f"{address}/openapi.json", timeout=PATIENCE_S).json()
    assert {"/v1/events", "/v1/streams", "/livez", "/readyz", "/metrics"} <= described["paths"].keys()
    assert httpx.get(f"{address}/docs").status_code == 200
