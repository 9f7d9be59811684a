"""Free TCP ports on loopback, picked once and remembered in the plan."""

import random
import socket
from collections.abc import Collection

from local_stack.errors import PortTaken
from local_stack.layout import LOOPBACK

# Below the range the kernel hands out to outgoing connections, so that a port of a stopped stack stays free.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are only waiting out their time is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_listening(port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout_s).close()
    except OSError:
        return False
    return True


def pick_port(rng: random.Random, taken: Collection[int] = ()) -> int:
    """A free port that is not among `taken`. Raises PortTaken when none is found."""
    for _ in range(_ATTEMPTS):
        port = rng.randint(_LOWEST, _HIGHEST)
        if port not in taken and is_free(port):
            return port
    raise PortTaken(f"no free port between {_LOWEST} and {_HIGHEST} after {_ATTEMPTS} attempts")


def check_port(part: str, port: int) -> int:
    """The port a person asked for. Raises PortTaken when another program listens there."""
    if not is_free(port):
        raise PortTaken(
            f"port {port}, asked for {part}, is taken by another program",
            hint="stop that program, or leave the choice to `holistic up`",
            part=part,
            port=port,
        )
    return port
