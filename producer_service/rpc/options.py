"""How gRPC is served, and its limits."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from producer_service.capture.still_image import ImageLimits

MAX_MESSAGE_BYTES: Final = 17 * 1024 * 1024
"""A raw picture of 5.9 Mpx with its envelope; encoded ones have the narrower limit of every still picture."""


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """Port 0 picks a free one. With a certificate (a PEM file, its key in it or in one of its own) it speaks TLS only.

    `other_calls` are those that are not TrackStream. `max_waiting_bytes` is what pictures of all streams may take
    while they wait for their outcome, and `unread_answers` how many outcomes a client may leave unread: beyond either,
    pictures are not read. A client that does not say what it wants within `first_message_s` is sent away.
    """

    host: str = "127.0.0.1"
    port: int = 0
    limits: ImageLimits = field(default_factory=ImageLimits)
    max_streams: int = 32
    other_calls: int = 32
    max_waiting_bytes: int = 512 * 1024 * 1024
    unread_answers: int = 64
    first_message_s: float = 10.0
    health_every_s: float = 0.5
    keepalive_s: float = 30.0
    tls_certfile: Path | None = None
    tls_keyfile: Path | None = None
