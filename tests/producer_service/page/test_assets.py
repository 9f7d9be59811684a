"""What browsers are told of the page, and what they are never given."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client

import producer_service.page
from producer_service.page.assets import PAGE_HEADERS
from producer_service.page.connections import describe_connections
from tests.producer_service.page.serving import serve_page_alone

SITE = Path(producer_service.page.__file__).parent / "site"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        serve_page_alone() as address,
        Client(base_url=address.removesuffix("/page/"), follow_redirects=True) as client,
    ):
        yield client


def test_who_asks_for_the_service_finds_the_page(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.url.path == "/page/"
    assert "<title>Holistic capture</title>" in answer.text


@pytest.mark.parametrize("path", ["/page/", "/page/main.js", "/page/connections.json", "/page/icon.svg"])
def test_everything_comes_with_headers_that_let_only_its_own_code_run(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    for name, value in PAGE_HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_page_that_is_as_it_was_is_not_sent_again(client: Client) -> None:
    first = client.get("/page/main.js")
    again = client.get("/page/main.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"]


def test_the_tables_are_those_of_the_landmarks(client: Client) -> None:
    strokes = client.get("/page/connections.json").json()["strokes"]
    assert strokes.keys() == describe_connections()["strokes"].keys()


@pytest.mark.parametrize("path", ["/page/assets.py", "/page/%2e%2e/assets.py", "/page/site/"])
def test_nothing_beside_the_page_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_asks_for_nothing_of_other_places() -> None:
    for file in SITE.iterdir():
        addresses = set(re.findall(r"https?://[\w.-]+", file.read_text()))
        # The name of a language, which nobody fetches.
        assert addresses <= {"http://www.w3.org"}, file.name


def test_every_module_is_short_enough_to_be_read() -> None:
    for file in SITE.glob("*.js"):
        assert len(file.read_text().splitlines()) <= 350, file.name
