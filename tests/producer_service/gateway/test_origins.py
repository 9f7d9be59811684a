"""Which web pages may use the service, and what browsers are told of it."""

import pytest

from producer_service.gateway.origins import OriginRules
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import Service

PNG = {"content-type": "image/png"}


def test_a_page_the_service_serves_itself_may_use_it() -> None:
    rules = OriginRules((), (), asks_who=False, only_loopback=True)
    for host in ("localhost:5000", "127.0.0.1:5000", "[::1]:5000", "192.168.1.7:5000", "localhost"):
        assert rules.admits_origin(f"http://{host}", host)
        assert rules.admits_host(host)


def test_a_name_that_was_pointed_at_this_machine_is_not_its_own() -> None:
    """DNS rebinding: to the browser, the page and the service are of one origin."""
    rules = OriginRules((), (), asks_who=False, only_loopback=True)
    assert not rules.admits_origin("http://evil.example:5000", "evil.example:5000")
    for host in ("evil.example:5000", "", "[", "127.0.0.1.evil.example", "2130706433"):
        assert not rules.admits_host(host)
    known = OriginRules((), ("studio.example",), asks_who=False, only_loopback=True)
    assert known.admits_origin("https://studio.example", "studio.example")
    with_keys = OriginRules((), (), asks_who=True, only_loopback=False)
    assert with_keys.admits_origin("https://any.example", "any.example")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost",
        "http://localhost:5001",
        "http://localhost:5000.evil.example",
        "http://[",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    rules = OriginRules(("https://studio.example/",), (), asks_who=True, only_loopback=False)
    assert not rules.admits_origin(origin, "localhost:5000")
    assert rules.admits_origin("https://STUDIO.example", "localhost:5000")


@pytest.mark.servers
def test_a_form_of_another_page_is_not_published(service: Service, person: bytes) -> None:
    """Browsers send it without asking: it is refused here, whatever they would have let the page read."""
    for origin in ("https://evil.example", "null", "http://["):
        answer = service.http.post("/upload", files={"file": person}, headers={"origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in answer.headers
    own = service.http.post("/upload", files={"file": person}, headers={"origin": service.url})
    assert own.status_code == 200


@pytest.mark.servers
def test_a_name_of_somebody_elses_is_not_served(service: Service) -> None:
    answer = service.http.get("/v1/streams", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.servers
def test_a_listed_page_may_ask_and_read(serve: Serve, person: bytes) -> None:
    listed = {"origin": "https://studio.example"}
    with serve(allowed_origins="https://studio.example, https://other.example") as service:
        asked = service.http.options("/v1/images", headers=listed | {"access-control-request-method": "POST"})
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == "https://studio.example"
        assert "authorization" in asked.headers["access-control-allow-headers"]
        answer = service.http.post("/v1/images", content=person, headers=PNG | listed)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://studio.example"
        assert "origin" in answer.headers["vary"].lower()
        refused = service.http.post("/v1/images", content=b"", headers=PNG | listed)
        assert refused.status_code == 415
        assert refused.headers["access-control-allow-origin"] == "https://studio.example"
        other = service.http.options(
            "/v1/images", headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
        )
        assert "access-control-allow-origin" not in other.headers
