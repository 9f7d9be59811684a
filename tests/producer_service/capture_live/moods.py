"""What a camera made for tests can be told to do while it runs."""

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
from PIL import Image

PICTURES_PER_S = 25


class Moods:
    """Switches several threads look at."""

    def __init__(self) -> None:
        self.frozen = threading.Event()
        """It sends its last picture over and over."""
        self.stalled = threading.Event()
        """It keeps the connection, and sends nothing."""
        self.deaf = threading.Event()
        """It takes connections, and answers nothing."""
        self.closing = threading.Event()


def draw_moment(index: int) -> bytes:
    """A JPEG of 160×120 whose brightness tells its place in the stream, in steps of 5, again from 0 after 50."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((120, 160, 3), 5 * (index % 50), np.uint8)).save(buffer, "JPEG", quality=90, subsampling=2)
    return buffer.getvalue()


def pictures(moods: Moods) -> Iterator[bytes]:
    """JPEGs at their rate, in the mood of the moment, until the server closes."""
    index = 0
    while not moods.closing.wait(1 / PICTURES_PER_S):
        if moods.stalled.is_set():
            continue
        yield draw_moment(index)
        index += not moods.frozen.is_set()


class Listener:
    """A loopback server of one thread a connection, which can hang up on all, go away, and come back to its port."""

    def __init__(
        self, talk: Callable[[socket.socket], None], closing: threading.Event, tls: ssl.SSLContext | None = None
    ) -> None:
        self._talk = talk
        self._closing = closing
        self._tls = tls
        self._connected: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listening: socket.socket | None = None
        self.connections = 0
        self.port = 0
        self.come_back()

    def come_back(self) -> None:
        """Listen, on the same port as before."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        self._start(self._accept, self._listening)

    def go_away(self) -> None:
        """Listen no more, and hang up."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection there is."""
        for connected in list(self._connected):
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End, with every thread."""
        self._closing.set()
        self.go_away()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: Callable[[socket.socket], None], connected: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(connected,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connected, _ = listening.accept()
                self.connections += 1
                self._start(self._serve, connected)

    def _serve(self, connected: socket.socket) -> None:
        self._connected.add(connected)
        try:
            with suppress(OSError):
                if self._tls is not None:
                    connected = self._tls.wrap_socket(connected, server_side=True)
                    self._connected.add(connected)
                self._talk(connected)
        finally:
            self._connected.discard(connected)
            connected.close()


@contextmanager
def serving(listener: Listener) -> Iterator[None]:
    """Close it at the end of the block."""
    try:
        yield
    finally:
        listener.close()
