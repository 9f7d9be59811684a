"""An S3 of this process: moto behind a door that counts, and that can be shut, be slow, or lose what is said."""

import io
import logging
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

Environment = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True)
class Request:
    """One request that was answered; `sent` are the bytes of the answer's body."""

    method: str
    path: str
    status: int
    sent: int


class S3Server:
    """Keeps what it holds while it is stopped, and its port. One request at a time: moto checks, and then makes."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.ignore_conditions = False
        self.answers_after_s = 0.0
        self._application = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()
        self.came_late = 0
        self._late: list[Environment] = []
        self._faults: list[tuple[str, re.Pattern[str], str]] = []
        self._server: BaseWSGIServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._server = make_server("127.0.0.1", self._port, self._answer, True, request_handler=MotoRequestHandler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="s3")
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def make_bucket(self) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        httpx.put(f"{self.url}/{name}").raise_for_status()
        return name

    def fail_next(self, method: str, path: str, how: str) -> None:
        """What becomes of the next such request.

        `hang up`, `503`: it is done, and not told so. `403`: it is refused. `late`: it gets no answer, and is done just
        before the next file of frames arrives.
        """
        self._faults.append((method, re.compile(path), how))

    def stop_failing(self) -> None:
        """Faults that were still to come do not."""
        self._faults.clear()

    def forget_all(self) -> None:
        """Requests so far, and faults there are or that were to come."""
        self.requests.clear()
        self._faults.clear()
        self._late.clear()
        self.answers_after_s = 0.0
        self.came_late = 0

    def _answer(self, environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(self.answers_after_s)
        method, path = environment["REQUEST_METHOD"], environment["PATH_INFO"]
        fault = next((fault for fault in self._faults if fault[0] == method and fault[1].search(path)), None)
        if fault is not None:
            self._faults.remove(fault)
        if fault is not None and fault[2] == "403":
            key_id = re.findall(r"Credential=([^/]+)/", environment.get("HTTP_AUTHORIZATION", ""))
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [f"<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>{key_id}</AWSAccessKeyId></Error>".encode()]
        if self.ignore_conditions:
            environment.pop("HTTP_IF_NONE_MATCH", None)
        if fault is not None and fault[2] == "late":
            content = environment["wsgi.input"].read(int(environment["CONTENT_LENGTH"]))
            self._late.append({**environment, "wsgi.input": io.BytesIO(content)})
            environment["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start_response("500 Internal Server Error", [])
            return [b""]
        if "/frames/" in path and method == "PUT":
            while self._late:
                self._do(self._late.pop(0))
                self.came_late += 1
        said, body = self._do(environment)
        status, headers = said[:2]
        self.requests.append(Request(method, path, int(status[:3]), len(body)))
        if fault is not None and fault[2] == "hang up":
            environment["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        if fault is not None and fault[2] == "503":
            start_response("503 Service Unavailable", [])
            return [b""]
        start_response(status, headers)
        return [body]

    def _do(self, environment: Environment) -> tuple[Any, bytes]:
        said: list[Any] = []
        with self._one_at_a_time:
            body = b"".join(self._application(environment, lambda *answer: said.append(answer)))
        return said[0], body
