"""Stands between a client and Postgres, reads along, and can cut the connection at any step of a transaction."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sqlalchemy import make_url


class Moment(Enum):
    """When a step is seen: each time before it reaches the other side."""

    ASKED = auto()
    """The client sends a statement."""
    SENDING = auto()
    """The client sends a piece of COPY's data."""
    ANSWERED = auto()
    """The server says that it has done a statement."""


@dataclass(frozen=True)
class Step:
    """A step of a statement of one of the client's connections."""

    connection: int
    moment: Moment
    statement: str


Watch = Callable[[Step], bool]
"""Called for each step, on the connection's threads; False cuts the connection instead of passing the step on."""

_MOMENTS_OF_CLIENT: Final = {b"Q": Moment.ASKED, b"d": Moment.SENDING}
_MOMENTS_OF_SERVER: Final = {b"C": Moment.ANSWERED}


@contextmanager
def proxy_postgres(database_url: str, watch: Watch) -> Iterator[str]:
    """The URL of the same database through a proxy of this process, for the length of the block."""
    url = make_url(database_url)
    with ExitStack() as at_end:
        listener = at_end.enter_context(socket.create_server(("127.0.0.1", 0)))
        at_end.callback(_shut, listener)
        server = (str(url.host), int(url.port or 5432))
        threading.Thread(target=_accept, args=(listener, server, watch, at_end), daemon=True).start()
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        proxied = url.set(host="127.0.0.1", port=listener.getsockname()[1]).update_query_dict(plain)
        yield proxied.render_as_string(hide_password=False)


def _accept(listener: socket.socket, server: tuple[str, int], watch: Watch, at_end: ExitStack) -> None:
    number = 0
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            number += 1
            _Relay(number, client, socket.create_connection(server), watch).start(at_end)


class _Relay:
    def __init__(self, number: int, client: socket.socket, server: socket.socket, watch: Watch) -> None:
        self._number, self._client, self._server, self._watch = number, client, server, watch
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._statement = ""

    def start(self, at_end: ExitStack) -> None:
        threads = [
            threading.Thread(target=self._run, args=(work,), daemon=True)
            for work in (self._pass_on_client, self._pass_on_server)
        ]
        for thread in threads:
            thread.start()
            at_end.callback(thread.join)
        at_end.callback(self._cut)

    def _run(self, work: Callable[[], None]) -> None:
        with suppress(OSError, EOFError):
            work()
        self._cut()

    def _pass_on_client(self) -> None:
        # The first message has no type.
        length = _receive(self._client, 4)
        self._server.sendall(length + _receive(self._client, struct.unpack("!I", length)[0] - 4))
        self._pass_on(self._client, self._server, _MOMENTS_OF_CLIENT)

    def _pass_on_server(self) -> None:
        self._pass_on(self._server, self._client, _MOMENTS_OF_SERVER)

    def _pass_on(self, source: socket.socket, target: socket.socket, moments: dict[bytes, Moment]) -> None:
        while True:
            head = _receive(source, 5)
            kind, length = head[:1], struct.unpack("!I", head[1:])[0] - 4
            body = _receive(source, length)
            if kind == b"Q":
                self._statement = body.rstrip(b"\0").decode()
            if kind in moments and not self._watch(Step(self._number, moments[kind], self._statement)):
                return
            target.sendall(head + body)

    def _cut(self) -> None:
        for side in (self._client, self._server):
            _shut(side)
            side.close()


def _receive(source: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        piece = source.recv(count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


def _shut(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)


class OfWriting:
    """Watches for a step of the `number`th transaction that writes frames, and cuts its connection there, once."""

    def __init__(self, moment: Moment, statement: str, number: int, act: Callable[[], None]) -> None:
        self._wanted, self._number, self._act = (moment, statement), number, act
        self._transactions = 0
        self._chosen: int | None = None
        self._lock = threading.Lock()
        self.reached = threading.Event()

    def __call__(self, step: Step) -> bool:
        with self._lock:
            if step.moment is Moment.ASKED and step.statement.startswith("COPY frames_by_day"):
                self._transactions += 1
                if self._transactions == self._number:
                    self._chosen = step.connection
            here = (step.moment, step.statement.partition(" ")[0])
            if step.connection != self._chosen or here != self._wanted or self.reached.is_set():
                return True
            self.reached.set()
        self._act()
        return False
