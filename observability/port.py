"""The port a service listens on."""

import socket
from typing import Final

from keypoints.errors import Terminal

_BACKLOG: Final = 128


def take_port(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`:`port` (0: a free one). Raises Terminal when it is taken.

    It listens at once: two sockets may be bound to one port, only one may listen. Who connects waits to be served.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as error:
        raise Terminal(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="set HOLISTIC_HTTP_PORT", host=host, port=port
        ) from error
