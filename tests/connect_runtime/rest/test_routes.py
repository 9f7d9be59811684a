"""What a service answers besides Kafka Connect's API: behind the same gate, over HTTP and WebSockets."""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import SecretStr
from starlette.requests import Request
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from connect_runtime.rest.routes import ServiceRoutes
from connect_runtime.rest.security import ASKED_PATH, SUBPROTOCOL, RestSettings
from keypoints.errors import Terminal
from tests.connect_runtime.harness import PATIENCE_S, OnMemory, Store, running, spec_for, wait_until

LOCKED = RestSettings(user="ada", password=SecretStr("löve:lace?>"), token=SecretStr("t0ken"))


def add_routes(app: FastAPI) -> None:
    """A page, a number, an echo, and a stream without end."""

    @app.get("/own/number", summary="A number")
    def read_number() -> int:
        return 42

    @app.get("/own/mistake", include_in_schema=False)
    def fail() -> None:
        raise Terminal("there is no profile vseface", hint="Did you mean vseeface?")

    @app.get("/own/page", include_in_schema=False)
    def read_page(request: Request) -> str:
        return str(request.scope[ASKED_PATH])

    @app.get("/connectors", include_in_schema=False)
    def shadow() -> str:
        return "never seen"

    @app.websocket("/own/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            return

    @app.websocket("/own/flood")
    async def flood(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            for number in range(1_000_000):
                app.state.sent = number
                await websocket.send_bytes(bytes(10_000))
        except WebSocketDisconnect:
            app.state.is_over = True


@contextmanager
def serving(settings: RestSettings) -> Iterator[tuple[int, FastAPI]]:
    """A service with these routes: its port, and the app they are in."""
    broker, apps = OnMemory(), []

    def add(app: FastAPI) -> None:
        apps.append(app)
        add_routes(app)

    routes = ServiceRoutes(add, is_open=lambda path: path == "/own/page")
    spec = spec_for("archive", broker.make_topic(1), Store())
    with running(broker, spec, http_port=0, rest=settings, routes=routes) as service:
        wait_until("listening", lambda: service.port > 0)
        yield service.port, apps[0]


def status_of_socket(port: int, subprotocols: Sequence[str] = (), **options: Any) -> int:
    """101 where a WebSocket is opened, else what it was refused with."""
    try:
        with connect(
            f"ws://127.0.0.1:{port}/own/echo",
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            close_timeout=1,
            **options,
        ) as socket:
            socket.send("still there?")
            assert socket.recv(PATIENCE_S) == "still there?"
            assert socket.subprotocol == (SUBPROTOCOL if subprotocols else None)
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_an_error_says_what_to_do_as_well() -> None:
    with serving(RestSettings()) as (port, _):
        answer = httpx.get(f"http://127.0.0.1:{port}/own/mistake")
    assert answer.json() == {
        "error_code": 500,
        "message": "there is no profile vseface (Did you mean vseeface?)",
    }


def test_a_services_own_routes_are_served_and_described_beside_kafka_connects() -> None:
    with serving(RestSettings()) as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/own/number").json() == 42
        assert "/own/number" in client.get("/openapi.json").json()["paths"]
        assert client.get("/connectors").json() == ["archive"], "Kafka Connect's own routes win"
        assert client.get("/own/page/").json() == "/own/page/", "a page can tell whether its address ends with a slash"
        assert client.get("/own/other").json()["error_code"] == 404
        assert status_of_socket(port) == 101


def test_a_key_guards_them_and_their_websockets() -> None:
    with serving(LOCKED) as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/own/number").status_code == 401
        assert client.get("/own/number", headers={"authorization": "Bearer t0ken"}).json() == 42
        assert client.get("/own/page").status_code == 200, "what the service calls open needs no key"
        assert status_of_socket(port) == 401
        assert status_of_socket(port, additional_headers={"authorization": "Bearer t0ken"}) == 101
        assert status_of_socket(port, additional_headers={"authorization": "Bearer other"}) == 401


def write_login(login: str) -> str:
    return base64.urlsafe_b64encode(login.encode()).decode().rstrip("=")


def test_a_browser_gives_the_key_as_a_subprotocol() -> None:
    with serving(LOCKED) as (port, _):
        for key, status in [
            ("t0ken", 101),
            (write_login("ada:löve:lace?>"), 101),
            ("other", 401),
            ("", 401),
            (write_login("ada:wrong"), 401),
        ]:
            assert status_of_socket(port, [SUBPROTOCOL, f"key.{key}"]) == status, key


def test_a_refused_websocket_is_told_so_in_kafka_connects_form() -> None:
    with serving(LOCKED) as (port, _), pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/own/echo")
    assert b'"error_code":401' in refused.value.response.body.replace(b" ", b"")


def test_a_message_that_is_too_large_ends_the_connection() -> None:
    with serving(RestSettings()) as (port, _), connect(f"ws://127.0.0.1:{port}/own/echo") as socket:
        socket.send("x" * 60_000)
        assert len(socket.recv(PATIENCE_S)) == 60_000
        socket.send("x" * 70_000)
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE_S)
        assert socket.close_code == 1009


def test_hardly_anything_waits_for_a_reader_that_does_not_read() -> None:
    with serving(RestSettings()) as (port, app):
        with connect(f"ws://127.0.0.1:{port}/own/flood", max_queue=1, close_timeout=0.1) as socket:
            wait_until("begun", lambda: hasattr(app.state, "sent"))
            sent = -1
            while sent != app.state.sent:
                sent = app.state.sent
                threading.Event().wait(0.3)
            assert 0 <= sent < 1_000, "10 MB are what the reader's own system takes; no more waits here"
            socket.socket.close()
        wait_until("let go", lambda: getattr(app.state, "is_over", False))
