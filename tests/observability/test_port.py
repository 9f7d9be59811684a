"""The port a service listens on."""

import socket

from observability.port import take_port


def test_who_connects_is_answered_without_waiting_for_acknowledgements() -> None:
    with take_port("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
