"""The registry's two calls, against a small server that answers as Confluent's does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from kafka_io.schema_registry import RegistryRefused, RegistryUnavailable, fetch_schema, register_schema
from keypoints.schemas import FRAME_SCHEMA


class Registry(BaseHTTPRequestHandler):
    """Keeps schemas by id; `status` makes it fail."""

    schemas: ClassVar[list[str]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["schema"] not in self.schemas:
            self.schemas.append(body["schema"])
        self._answer({"id": self.schemas.index(body["schema"]) + 1})

    def do_GET(self) -> None:
        number = int(self.path.rpartition("/")[2])
        if number > len(self.schemas):
            self._answer({"error_code": 40403, "message": "Schema not found"}, 404)
        else:
            self._answer({"schema": self.schemas[number - 1]})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Quiet."""

    def _answer(self, value: dict[str, Any], status: int | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status or type(self).status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def registry() -> Iterator[str]:
    Registry.schemas.clear()
    Registry.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_registered_schema_is_fetched_by_its_id_and_registering_again_gives_the_same(registry: str) -> None:
    number = register_schema(registry, "frames-value", FRAME_SCHEMA)
    assert register_schema(registry, "frames-value", FRAME_SCHEMA) == number
    assert fetch_schema(registry, number) == FRAME_SCHEMA


def test_an_unknown_id_is_refused(registry: str) -> None:
    with pytest.raises(RegistryRefused, match="404"):
        fetch_schema(registry, 99)


def test_a_failing_or_absent_registry_may_be_asked_again(registry: str) -> None:
    Registry.status = 500
    with pytest.raises(RegistryUnavailable):
        register_schema(registry, "frames-value", FRAME_SCHEMA)
    with pytest.raises(RegistryUnavailable):
        fetch_schema("http://127.0.0.1:1", 1)


def test_an_address_that_is_no_web_address_is_refused() -> None:
    with pytest.raises(RegistryRefused):
        fetch_schema("file:///etc", 1)
