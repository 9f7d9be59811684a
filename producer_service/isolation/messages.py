"""Messages between a process and its children: a head in JSON, a body of bytes, and open files beside them.

Not pickle: what comes back was made by a process that has looked at pictures from strangers.
"""

import os
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from keypoints.errors import Transient

_PREFIX: Final = struct.Struct("<II")
_MAX_FILES: Final = 4
_MAX_BYTES: Final = 64 * 1024 * 1024


class PeerGone(Transient):
    """The other side closed the connection, or died."""


def send_message(sock: socket.socket, head: Mapping[str, Any], body: bytes = b"", fds: Sequence[int] = ()) -> None:
    """Send one message. Raises PeerGone, and TimeoutError on a socket with a timeout."""
    encoded = orjson.dumps(head)
    prefix = _PREFIX.pack(len(encoded), len(body))
    try:
        if fds:
            socket.send_fds(sock, [prefix], list(fds))
            sock.sendall(encoded + body)
        else:
            sock.sendall(b"".join((prefix, encoded, body)))
    except TimeoutError:
        raise
    except OSError as error:
        raise PeerGone(f"the other process is gone: {error}") from error


def receive_message(sock: socket.socket, *, files: bool = False) -> tuple[dict[str, Any], bytes, list[int]]:
    """Wait for one message: head, body, and, where `files` are taken, those, which the caller closes.

    Files nobody asked for are dropped by the system, so that a process that went bad cannot use up descriptors here.
    Raises PeerGone, and TimeoutError on a socket with a timeout.
    """
    try:
        prefix, fds = b"", list[int]()
        if files:
            prefix, fds, _, _ = socket.recv_fds(sock, _PREFIX.size, _MAX_FILES)
        try:
            prefix += _receive(sock, _PREFIX.size - len(prefix))
            head_bytes, body_bytes = _PREFIX.unpack(prefix)
            if head_bytes + body_bytes > _MAX_BYTES:
                raise PeerGone(f"the other process sent a message of {head_bytes + body_bytes} bytes")
            payload = _receive(sock, head_bytes + body_bytes)
            return orjson.loads(payload[:head_bytes]), payload[head_bytes:], fds
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
    except TimeoutError:
        raise
    except (OSError, ValueError) as error:
        raise PeerGone(f"the other process is gone: {error}") from error


def _receive(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise PeerGone("the other process closed the connection")
        parts += part
    return bytes(parts)
