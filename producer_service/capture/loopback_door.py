"""A door into this process for FFmpeg, the only place it ever connects to."""

import secrets
import socket
from contextlib import suppress
from typing import Final

_LOOPBACK: Final = "127.0.0.1"
_KEY_BYTES: Final = 16


class LoopbackDoor:
    """A listener on the loopback for one caller, who must know its secret path.

    FFmpeg follows redirects, lists and references wherever they lead, does not check certificates, and prints what it
    was given. So it is given this address, and what comes from a camera comes through this process.
    """

    def __init__(self, scheme: str) -> None:
        self._listener = socket.create_server((_LOOPBACK, 0), backlog=1)
        self.path = f"/{secrets.token_hex(_KEY_BYTES)}"
        self.url = f"{scheme}://{_LOOPBACK}:{self._listener.getsockname()[1]}{self.path}"

    def wait(self, timeout_s: float) -> socket.socket:
        """Whoever knocks; what they ask for must still be compared with `path`. Raises OSError when nobody does."""
        self._listener.settimeout(timeout_s)
        caller, _ = self._listener.accept()
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return caller

    def close(self) -> None:
        """Nobody more comes in."""
        self._listener.close()


def hang_up(connected: socket.socket) -> None:
    """Close a connection so that whoever waits on it, on whatever thread, waits no more."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
    connected.close()
