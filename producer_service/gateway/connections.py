"""Connections as uvicorn serves them, and what it does not bound: how long one may say nothing, or not listen."""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from producer_service.gateway.errors import Shown

_LINGER_S: Final = 3.0


def _write_too_many() -> bytes:
    shown = Shown(503, "too_many_connections", "too many connections are open", "try again in a moment", 1.0)
    body = shown.body()
    headers = shown.headers() | {"content-length": str(len(body)), "connection": "close"}
    lines = ["HTTP/1.1 503 Service Unavailable", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


_TOO_MANY: Final = _write_too_many()


class PatientHttp(H11Protocol):
    """HTTP/1.1 that is hung up on when headers do not come in time, or a body goes on after its answer."""

    header_timeout_s = 10.0
    connections_at_once = 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request is due."""
        super().connection_made(transport)
        self._hang_up_in(self.header_timeout_s)
        if len(self.connections) > self.connections_at_once:
            transport.write(_TOO_MANY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Headers are due once they begin; a body has its own deadline, until it is answered."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            if self._deadline is None:
                self._hang_up_in(self.header_timeout_s)
        elif not self._is_answered_early():
            self._wait_on()

    def on_response_complete(self) -> None:
        """The rest of a body that was not wanted is read and thrown away, for a moment: so the answer gets there."""
        answered_early = self._is_answered_early()
        super().on_response_complete()
        if answered_early and self._deadline is None:
            self._hang_up_in(_LINGER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._wait_on()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so in the form of every other error."""
        shown = Shown(400, "no_http", msg, "headers have at most 64 KiB")
        body = shown.body()
        given = shown.headers() | {"content-length": str(len(body)), "connection": "close"}
        headers = [(name.encode(), value.encode()) for name, value in given.items()]
        try:
            output = self.conn.send(h11.Response(status_code=400, headers=headers, reason=b"Bad Request")) or b""
            output += self.conn.send(h11.Data(data=body)) or b""
            output += self.conn.send(h11.EndOfMessage()) or b""
            self.transport.write(output)
        except h11.LocalProtocolError:
            # An answer has begun already.
            pass
        self.transport.close()

    def _is_answered_early(self) -> bool:
        return self.conn.our_state in {h11.DONE, h11.MUST_CLOSE} and self.conn.their_state is h11.SEND_BODY

    def _hang_up_in(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._hang_up)

    def _wait_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        self._deadline = None
        self.transport.abort()


def make_http_class(header_timeout_s: float, connections_at_once: int) -> type[PatientHttp]:
    """Uvicorn makes its connections itself, from a class alone."""
    limits = {"header_timeout_s": header_timeout_s, "connections_at_once": connections_at_once}
    return type("PatientHttp", (PatientHttp,), limits)
