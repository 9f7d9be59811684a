"""HTTP written by hand, for what no client would send."""

import json
import socket
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.producer_service.gateway.serving import Service


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Its status, and its body if that is JSON."""

    status: int
    head: str
    body: dict[str, Any]


class RawConnection:
    """A connection to a service. What cannot be sent because the other side hung up is not sent."""

    def __init__(self, service: Service) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=15)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> bool:
        """Whether it could be sent."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def read_answer(self) -> RawAnswer | None:
        """The next answer, or None when there is none before the end."""
        with closing(self._socket.makefile("rb")) as file:
            try:
                status = file.readline()
                if not status:
                    return None
                head: list[bytes] = []
                while (line := file.readline()) not in (b"\r\n", b""):
                    head.append(line)
                lengths = [int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")]
                body = file.read(lengths[0]) if lengths else b""
            except ConnectionError:
                return None
        text = b"".join(head).decode("latin-1")
        return RawAnswer(int(status.split()[1]), text, json.loads(body) if body.startswith(b"{") else {})

    def is_hung_up(self) -> bool:
        """Wait until the other side ends the connection; False when it sends something instead."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True


def head(path: str = "/v1/images", *lines: str, method: str = "POST") -> bytes:
    """The head of a request for a PNG."""
    written = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: image/png", *lines, "", ""]
    return "\r\n".join(written).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
