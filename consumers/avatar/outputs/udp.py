"""Datagrams to one or several receivers, none of which can hold the others up."""

import logging
import socket
from collections.abc import Sequence
from typing import NamedTuple

from consumers.avatar.outputs.vmc.profiles import MARIONETTE_PORT
from keypoints.errors import Terminal

logger = logging.getLogger(__name__)


class BadTarget(Terminal):
    """A target that cannot be read, or a host that nobody knows or can send to. Fields: target."""

    status = 400


class Address(NamedTuple):
    """Where a receiver listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, default_port: int = MARIONETTE_PORT) -> Address:
    """`host`, `host:port` or `[ipv6]:port`; without a port it is the default, VMC's own 39539. Raises BadTarget."""
    host, colon, port = text.strip().rpartition(":")
    if host.count(":") and not text.strip().startswith("["):
        raise BadTarget(f"{text!r} is no target", hint="Write an IPv6 address in brackets: [::1]:39539.", target=text)
    if not colon or text.strip().endswith("]"):
        host, port = text.strip(), str(default_port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or any(map(str.isspace, host)) or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadTarget(f"{text!r} is no target", hint="Write HOST:PORT, as 127.0.0.1:39539.", target=text)
    return Address(host, int(port))


class UdpSender:
    """Sends each datagram to every target. A target that is away is counted, said once, and never waited for.

    Raises BadTarget when a host's name cannot be resolved, or nothing can be sent to it.
    """

    def __init__(self, targets: Sequence[Address]) -> None:
        self._sockets: list[tuple[Address, socket.socket]] = []
        try:
            self._sockets += ((target, _connect(target)) for target in targets)
        except BadTarget:
            self.close()
            raise
        self._said_away: set[Address] = set()
        self.refused = 0
        """Datagrams a target's host refused or the network would not take."""

    def send(self, datagrams: Sequence[bytes | memoryview]) -> int:
        """Send a state. Returns how many datagrams left, over all targets."""
        left = 0
        for target, connection in self._sockets:
            for datagram in datagrams:
                error = _send(connection, datagram)
                if error is None:
                    left += 1
                else:
                    self.refused += 1
                    self._say_away(target, error)
        return left

    def close(self) -> None:
        """Release the sockets."""
        for _, connection in self._sockets:
            connection.close()

    def _say_away(self, target: Address, error: OSError) -> None:
        if target not in self._said_away:
            self._said_away.add(target)
            logger.warning(
                "No receiver at %s; sending on.", target, extra={"target": str(target), "reason": str(error)}
            )


def _connect(target: Address) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        # A name that cannot be written in the letters of the domain name system is an error of text.
        raise BadTarget(
            f"cannot resolve the host of target {target}: {error}",
            hint="Check the name, or give its address.",
            target=str(target),
        ) from error
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        connection.connect(address)
    except OSError as error:
        connection.close()
        raise BadTarget(
            f"nothing can be sent to target {target}: {error.strerror}",
            hint="Name one receiver's own address, which this machine has a way to.",
            target=str(target),
        ) from error
    return connection


def _send(connection: socket.socket, datagram: bytes | memoryview) -> OSError | None:
    """Send once; a refusal reported here belongs to an earlier datagram, so this one gets its own try."""
    try:
        connection.send(datagram)
    except ConnectionRefusedError as refusal:
        try:
            connection.send(datagram)
        except OSError as error:
            return error
        return refusal
    except OSError as error:
        return error
    return None
