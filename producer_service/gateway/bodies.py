"""Bodies of requests: read within limits of size and time, and never a byte beyond them kept."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

from producer_service.gateway.errors import RequestRefused

_GRACE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come: within `timeout_s` in all, and `bytes_per_s` after two seconds of grace."""

    timeout_s: float
    bytes_per_s: float

    def due_s(self, received_bytes: int) -> float:
        """After how many seconds more than this must be there."""
        return min(self.timeout_s, _GRACE_S + received_bytes / self.bytes_per_s)


async def read_body(
    request: Request, limit_bytes: int, pace: Pace, clock_s: Callable[[], float] = time.monotonic
) -> bytes:
    """The whole body. Raises RequestRefused: 413 too large (before it is read, if it says so), 408 too slow.

    Raises ClientDisconnect when its sender is gone.
    """
    if int(request.headers.get("content-length", "0")) > limit_bytes:
        raise _too_large(limit_bytes)
    began_s = clock_s()
    parts: list[bytes] = []
    received = 0
    while True:
        try:
            async with asyncio.timeout(began_s + pace.due_s(received) - clock_s()):
                message = await request.receive()
        except TimeoutError as error:
            raise RequestRefused(
                408,
                "body_too_slow",
                f"the body came in too slowly: {received} bytes in {clock_s() - began_s:.0f} s",
                f"send it within {pace.timeout_s:g} s, and {pace.bytes_per_s:g} bytes a second at least",
            ) from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        received += len(part)
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit_bytes: int) -> RequestRefused:
    return RequestRefused(
        413, "body_too_large", f"the body has more than {limit_bytes} bytes", "send a smaller picture"
    )
