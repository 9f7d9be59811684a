"""Who gets in, over what, and what a request may look like."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import trustme
from pydantic import SecretStr, ValidationError

from connect_runtime.rest.security import LARGEST_BODY_BYTES, RestSettings
from connect_runtime.service import ServiceOptions, run_connectors_on
from connect_runtime.sink import Sink
from deploy.container.healthcheck import check
from keypoints.errors import Terminal
from observability.metrics import Metrics
from tests.connect_runtime.harness import PATIENCE_S, OnMemory, Store, spec_for, wait_until

NAME = "archive"
PROBES = ("/livez", "/readyz", "/health")
GUARDED = ("/", "/connectors", f"/connectors/{NAME}/status", "/metrics", "/docs", "/openapi.json", "/admin/loggers")


def fail() -> Sink:
    raise Terminal("the table is gone")


@contextmanager
def serving(settings: RestSettings, *, is_broken: bool = False) -> Iterator[int]:
    """A service with this listener; gives its port."""
    broker, stop, ports = OnMemory(), threading.Event(), [0]
    spec = spec_for(NAME, broker.make_topic(1), Store())
    if is_broken:
        spec = replace(spec, make_sink=fail)

    def note(port: int) -> None:
        ports[0] = port

    options = ServiceOptions(0, stop=stop, metrics=Metrics(), on_listening=note, rest=settings)
    thread = threading.Thread(target=run_connectors_on, args=([spec], broker.connect, None, options))
    thread.start()
    try:
        wait_until("listening", lambda: ports[0] > 0)
        yield ports[0]
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_with_a_user_and_a_token_set_only_they_get_in_and_probes_need_neither() -> None:
    settings = RestSettings(user="ada", password=SecretStr("löve:lace"), token=SecretStr("t0ken"))
    with serving(settings) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for path in PROBES:
            assert client.get(path).status_code in {200, 503}, path
        for path in GUARDED:
            answer = client.get(path)
            assert (answer.status_code, answer.json()["error_code"]) == (401, 401), path
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        basic = httpx.BasicAuth(b"ada", "löve:lace".encode())
        for path in GUARDED:
            assert client.get(path, auth=basic).status_code == 200, path
            assert client.get(path, headers={"Authorization": "Bearer t0ken"}).status_code == 200, path
        for refused in ("Bearer t0ken2", "Bearer", "Basic t0ken", "Basic !!!", "Digest t0ken", "Bearer löve", ""):
            headers = {b"Authorization": refused.encode()}
            assert client.put(f"/connectors/{NAME}/pause", headers=headers).status_code == 401, refused
        assert client.get(f"/connectors/{NAME}/status", auth=basic).json()["connector"]["state"] == "RUNNING"


def test_over_tls_the_certificate_is_checked_and_plain_http_gets_nothing(tmp_path: Path) -> None:
    authority = trustme.CA()
    served = authority.issue_cert("127.0.0.1")
    cert, key, trusted = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in served.cert_chain_pems))
    served.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(trusted)
    with serving(RestSettings(tls_certfile=cert, tls_keyfile=key)) as port:
        context = ssl.create_default_context(cafile=str(trusted))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client:
            assert client.get("/connectors").json() == [NAME]
        assert check(port, "/livez", tls=True) is None, "the containers' health check"
        with pytest.raises(httpx.ConnectError), httpx.Client() as stranger:
            stranger.get(f"https://127.0.0.1:{port}/connectors")
        with pytest.raises(httpx.RemoteProtocolError), httpx.Client() as plain:
            plain.get(f"http://127.0.0.1:{port}/connectors")


def test_a_certificate_that_is_none_is_said_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    options = ServiceOptions(0, rest=RestSettings(tls_certfile=tmp_path / "cert.pem"), stop=threading.Event())
    broker = OnMemory()
    with pytest.raises(Terminal, match=r"cert\.pem cannot be used"):
        run_connectors_on([spec_for(NAME, broker.make_topic(1), Store())], broker.connect, None, options)


def test_why_a_task_failed_is_told_by_readyz_only_where_nobody_has_to_log_in() -> None:
    for settings in (RestSettings(), RestSettings(token=SecretStr("t0ken"))):
        with serving(settings, is_broken=True) as port:
            url = f"http://127.0.0.1:{port}/readyz"
            told: list[str] = []

            def has_failed(url: str = url, told: list[str] = told) -> bool:
                told.append(httpx.get(url).text)
                return "FAILED" in told[-1]

            wait_until("failed", has_failed)
            assert ("the table is gone" in told[-1]) is not settings.asks_who


def test_a_page_of_another_origin_changes_nothing_where_nobody_is_asked_who_they_are() -> None:
    with serving(RestSettings()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        restart = f"/connectors/{NAME}/restart"
        foreign = client.post(restart, headers={"origin": "https://elsewhere.example"})
        assert foreign.status_code == 403
        assert "HOLISTIC_REST_USER" in foreign.json()["message"]
        assert client.post(restart, headers={"origin": "null"}).status_code == 403
        assert client.post(restart, headers={"origin": f"http://127.0.0.1:{port}"}).status_code in {202, 204}
        assert client.post(restart).status_code in {202, 204}


def test_a_name_that_was_pointed_at_this_machine_is_not_answered_where_nobody_is_asked() -> None:
    with serving(RestSettings()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        rebound = {"host": f"elsewhere.example:{port}", "origin": f"http://elsewhere.example:{port}"}
        assert client.put(f"/connectors/{NAME}/stop", headers=rebound).status_code == 403
        assert client.get("/connectors", headers=rebound).status_code == 403
        assert client.get("/connectors", headers={"host": f"localhost:{port}"}).status_code == 200
        assert client.get("/livez", headers=rebound).status_code == 200
    asked = RestSettings(token=SecretStr("a-token"))
    with serving(asked) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        known = {"host": "archive.example", "authorization": "Bearer a-token"}
        assert client.get("/connectors", headers=known).status_code == 200


@pytest.mark.parametrize("given", [{"user": "ada"}, {"password": "x"}, {"tls_keyfile": "key.pem"}])
def test_half_of_a_pair_of_settings_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="HOLISTIC_REST"):
        RestSettings(**given)  # type: ignore[arg-type]


def test_settings_never_show_their_secrets() -> None:
    shown = repr(RestSettings(user="ada", password=SecretStr("hunter2"), token=SecretStr("t0ken")))
    assert "hunter2" not in shown
    assert "t0ken" not in shown


def test_odd_requests_are_answered_in_kafka_connects_form() -> None:
    with serving(RestSettings()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        url = f"/connectors/{NAME}/config"
        for body in (b"{oops", b"[]", b"", b'"x"', b"\xff\xfe"):
            answer = client.put(url, content=body)
            assert (answer.status_code, answer.json()["error_code"]) == (400, 400), body
        huge = b'{"a": "' + b"x" * LARGEST_BODY_BYTES + b'"}'
        answer = client.put(url, content=huge)
        assert (answer.status_code, answer.json()["error_code"]) == (413, 413)
        assert client.put(url, content=iter([huge])).status_code == 413, "of a body without a length as well"
        assert client.get("/connectors///").json() == [NAME]
        assert client.get(f"/connectors/{NAME}/tasks/x/status").status_code == 400
        assert (
            client.post("/connectors", content=b'{"name": "new", "config": {"connector.class": "X"}}').status_code
            == 400
        )


def test_the_page_about_the_api_needs_nothing_from_elsewhere() -> None:
    with serving(RestSettings()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        page = client.get("/docs").text
        assets = [part.split('"')[0] for part in page.split('src="')[1:] + page.split('href="')[1:]]
        assert len(assets) >= 3
        for asset in assets:
            assert asset.startswith("/"), asset
            assert client.get(asset).status_code == 200, asset
        described = client.get("/openapi.json").json()["paths"]
        assert {"/connectors/{name}/pause", "/connector-plugins/{plugin}/config/validate"} <= described.keys()
