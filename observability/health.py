"""`/livez`, `/readyz` and `/metrics` of a service, on a thread of their own."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from keypoints.errors import Terminal

_REQUEST_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a service can do its work, and what keeps it from it."""

    ready: bool
    reasons: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its whole body."""

    status: int
    content_type: str
    body: bytes


def answer_json(status: int, value: object) -> Answer:
    """An answer of one JSON value."""
    return Answer(status, "application/json", orjson.dumps(value, default=str) + b"\n")


def answer_livez() -> Answer:
    """200: the process answers at all. Asks nothing of the outside."""
    return answer_json(200, {"alive": True})


def answer_readyz(state: Readiness) -> Answer:
    """200 or 503, with {"ready", "reasons", …details}."""
    body = {"ready": state.ready, "reasons": list(state.reasons), **state.details}
    return answer_json(200 if state.ready else 503, body)


def answer_metrics(registry: CollectorRegistry, accept: str | None) -> Answer:
    """Prometheus text, in the form the `Accept` header asks for."""
    encode, content_type = choose_encoder(accept or "")
    return Answer(200, content_type, encode(registry))


class HealthServer:
    """Listens until closed. `port` is the one really taken."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.port: int = server.server_address[1]
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.5}, name=f"health-{self.port}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_health(
    port: int,
    readiness: Callable[[], Readiness],
    registry: CollectorRegistry,
    host: str = "127.0.0.1",
    setting: str = "HOLISTIC_HTTP_PORT",
) -> HealthServer:
    """Serve on `host`:`port` (0 picks a free one). `setting` is what gives another port, for whoever finds it taken.

    `/livez` answers 200 while the process answers at all, and asks nothing of the outside. `/readyz` answers 200 or
    503 with {"ready", "reasons", …details}. `/metrics` is Prometheus text. Raises Terminal when the port is taken.
    """

    class Handler(_HealthHandler):
        routes: ClassVar[Mapping[str, Callable[[str | None], Answer]]] = {
            "/livez": lambda _: answer_livez(),
            "/readyz": lambda _: answer_readyz(readiness()),
            "/metrics": lambda accept: answer_metrics(registry, accept),
        }

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise Terminal(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint=f"set {setting} to another port, or to 0 for a free one",
            host=host,
            port=port,
        ) from error
    server.daemon_threads = True
    return HealthServer(server)


class _HealthHandler(BaseHTTPRequestHandler):
    routes: ClassVar[Mapping[str, Callable[[str | None], Answer]]] = {}
    timeout = _REQUEST_TIMEOUT_S
    server_version = "holistic"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the routes; a slash at the end and a query are ignored."""
        route = self.routes.get(self.path.partition("?")[0].rstrip("/"))
        answer = route(self.headers.get("Accept")) if route else answer_json(404, {"error": "no such page"})
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: probes come every few seconds."""
