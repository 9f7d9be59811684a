"""The ports listened on."""

import errno
import selectors
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from consumers.avatar.monitor.seen import Packet
from keypoints.errors import Terminal

_LARGEST: Final = 65535
_AT_ONCE: Final = 1000
_KERNEL_BUFFER_BYTES: Final = 4 << 20


class PortTaken(Terminal):
    """A port that cannot be listened on. Fields: host, port."""


class Listener:
    """Receives what comes to some UDP ports of a host. Raises PortTaken."""

    def __init__(self, host: str, ports: Sequence[int], now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._selector = selectors.DefaultSelector()
        self._sockets: dict[int, socket.socket] = {}
        try:
            for port in ports:
                self._listen(host, port)
        except BaseException:
            self.close()
            raise

    @property
    def ports(self) -> list[int]:
        """The ports, as they were given out where 0 was asked for."""
        return list(self._sockets)

    def receive(self, longest_wait_s: float) -> Iterator[Packet]:
        """What is there, after waiting for something until `longest_wait_s` have passed."""
        for key, _ in self._selector.select(longest_wait_s):
            for _ in range(_AT_ONCE):
                try:
                    data, sender = self._sockets[key.data].recvfrom(_LARGEST)
                except BlockingIOError:
                    break
                yield Packet(self._now_s(), key.data, sender, data)

    def close(self) -> None:
        """Stop listening."""
        self._selector.close()
        for connection in self._sockets.values():
            connection.close()

    def _listen(self, host: str, port: int) -> None:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            connection = socket.socket(family, kind, protocol)
        except OSError as error:
            raise _say_taken(host, port, error) from error
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER_BYTES)
            connection.setblocking(False)
            connection.bind(address)
        except OSError as error:
            connection.close()
            raise _say_taken(host, port, error) from error
        given = connection.getsockname()[1]
        self._sockets[given] = connection
        self._selector.register(connection, selectors.EVENT_READ, given)


def _say_taken(host: str, port: int, error: OSError) -> PortTaken:
    hint = "Name an address of this machine, or 0.0.0.0 for all of them."
    if error.errno == errno.EADDRINUSE:
        hint = "Close the receiver that listens there, or add another target to the avatar and watch that."
    elif error.errno == errno.EACCES:
        hint = "Ports below 1024 are the administrator's: take another one."
    return PortTaken(
        f"cannot listen on UDP port {port} of {host}: {error.strerror or error}",
        hint=hint,
        host=host,
        port=port,
    )
