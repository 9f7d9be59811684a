"""Receives the avatar's packets as a VTuber program would, and counts them."""

import socket
import threading
from types import TracebackType
from typing import Final, Self

_OSC_BUNDLE: Final = b"#bundle\x00"
_LARGEST_DATAGRAM: Final = 65_536


class PacketCounter:
    """Listens on a free UDP port of this machine while it is entered; `target` is its address as host:port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="packets", daemon=True)
        self.packets = 0
        self.strangers = 0

    @property
    def target(self) -> str:
        """Where to send packets to."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                packet = self._socket.recv(_LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            if packet.startswith((_OSC_BUNDLE, b"/VMC/")):
                self.packets += 1
            else:
                self.strangers += 1
