"""The registry's calls, against a small server that answers as Confluent's does."""

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
    """Keeps schemas by id, subjects and their compatibility; the statuses make it fail."""

    schemas: ClassVar[list[str]] = []
    subjects: ClassVar[set[str]] = set()
    compatibility: ClassVar[dict[str, str]] = {}
    status: ClassVar[int] = 200
    register_status: ClassVar[int] = 200
    config_status: ClassVar[int] = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.subjects.add(self._subject())
        if body["schema"] not in self.schemas:
            self.schemas.append(body["schema"])
        number = self.schemas.index(body["schema"]) + 1
        self._answer({"id": number}, None if self.register_status == 200 else self.register_status)

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.config_status == 200:
            self.compatibility[self._subject()] = body["compatibility"]
        self._answer(body, self.config_status)

    def do_GET(self) -> None:
        if self.path.startswith("/subjects/"):
            if self._subject() in self.subjects:
                self._answer([1])
            else:
                self._answer({"error_code": 40401, "message": "Subject not found"}, 404)
            return
        number = int(self.path.rpartition("/")[2])
        if number > len(self.schemas):
            self._answer({"error_code": 40403, "message": "Schema not found"}, 404)
        else:
            self._answer({"schema": self.schemas[number - 1]})

    def _subject(self) -> str:
        return self.path.split("/")[2]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Quiet."""

    def _answer(self, value: dict[str, Any] | list[int], status: int | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status or type(self).status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def registry() -> Iterator[str]:
    for kept in (Registry.schemas, Registry.subjects, Registry.compatibility):
        kept.clear()
    Registry.status = Registry.register_status = Registry.config_status = 200
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


def test_a_subject_we_make_is_fully_compatible_and_one_that_was_there_stays_as_it_was(registry: str) -> None:
    Registry.subjects.add("theirs-value")
    register_schema(registry, "ours-value", FRAME_SCHEMA)
    register_schema(registry, "theirs-value", FRAME_SCHEMA)
    assert Registry.compatibility == {"ours-value": "FULL"}


def test_a_registry_that_lets_nobody_set_compatibility_is_said_once_and_the_schema_counts(
    registry: str, caplog: pytest.LogCaptureFixture
) -> None:
    Registry.config_status = 403
    number = register_schema(registry, "ours-value", FRAME_SCHEMA)
    assert register_schema(registry, "ours-value", FRAME_SCHEMA) == number
    [said] = [record for record in caplog.records if "compatibility" in record.getMessage()]
    assert "403" in said.getMessage()


def test_a_schema_the_registry_refuses_is_refused_with_what_to_do(registry: str) -> None:
    Registry.subjects.add("theirs-value")
    Registry.register_status = 409
    with pytest.raises(RegistryRefused, match="409") as caught:
        register_schema(registry, "theirs-value", FRAME_SCHEMA)
    assert caught.value.hint is not None


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
