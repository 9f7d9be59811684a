"""A service with its REST API on a port of its own, run on real Kafka, and calls of that API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connect_runtime.service import ServiceOptions, run_connectors
from connect_runtime.spec import ConnectorSpec
from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import SUITE_TOPICS
from tests.connect_runtime.harness import PATIENCE_S, wait_until


@dataclass
class Served:
    """The API of a service that runs."""

    url: str

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of the answer; a body that is text is sent as it is."""
        content = body if isinstance(body, str) else None if body is None else json.dumps(body)
        answer = httpx.request(method, self.url + path, content=content, timeout=30)
        return answer.status_code, answer.json() if answer.content else None

    def stop_connector(self, name: str) -> None:
        assert self.call("PUT", f"/connectors/{name}/stop")[0] == 204
        self.wait_for_state(name, "STOPPED")

    def wait_for_state(self, name: str, state: str) -> None:
        path = f"/connectors/{name}/status"
        wait_until(f"{name} is {state}", lambda: self.call("GET", path)[1].get("connector", {}).get("state") == state)


@contextmanager
def serving(kafka: KafkaSettings, specs: Sequence[ConnectorSpec]) -> Iterator[Served]:
    """Run these connectors for the length of the block."""
    create_topics(kafka, SUITE_TOPICS)
    stop, listens = threading.Event(), threading.Event()
    served = Served("")

    def note_port(port: int) -> None:
        served.url = f"http://127.0.0.1:{port}"
        listens.set()

    options = ServiceOptions(http_port=0, stop=stop, on_listening=note_port)
    thread = threading.Thread(target=lambda: run_connectors(specs, kafka, options), name="service")
    thread.start()
    try:
        assert listens.wait(PATIENCE_S), "the service does not listen"
        yield served
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the service did not end"
