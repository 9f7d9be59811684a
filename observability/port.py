"""The port a service listens on."""

import errno
import os
import socket
from typing import Final

from keypoints.errors import Terminal

_BACKLOG: Final = 128
_OTHER_PORT: Final = "set HOLISTIC_HTTP_PORT to another port, or to 0 for a free one"
_HINTS: Final = {
    errno.EADDRINUSE: f"is this service running here already? Else {_OTHER_PORT}",
    errno.EADDRNOTAVAIL: "set HOLISTIC_HTTP_HOST to an address of this machine, or to 0.0.0.0 for all of them",
}


def take_port(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`:`port` (0: a free one). Raises Terminal when it is taken.

    It listens at once: two sockets may be bound to one port, only one may listen. Who connects waits to be served.
    """
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
        # Handed on to those who connect: an answer in two pieces would wait 40 ms for the first one's acknowledgement,
        # and asyncio sets it on none whose socket does not name its protocol.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        # Python repeats the address in the text of some errors.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
        raise Terminal(
            f"cannot listen on {host}:{port}: {reason}",
            hint=_HINTS.get(error.errno or 0, _OTHER_PORT),
            host=host,
            port=port,
        ) from error
    return listening
