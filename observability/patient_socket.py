"""WebSockets as uvicorn serves them, with an end for those nobody reads."""

import asyncio
import socket
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_LINGER_S: Final = 3.0


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is gone a moment after its conversation, even when nobody reads what was left to send."""

    async def send(self, message: Any) -> None:
        """A refusal is a complete answer, of which nothing is to be logged."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Converse, and hang up."""
        await super().run_asgi()
        self.loop.call_later(_LINGER_S, self.transport.abort)


_MOST_UNSENT_BYTES: Final = 16 * 1024


class LiveWebSocket(PatientWebSocket):
    """A patient WebSocket for what is only good while it is new: hardly anything waits between sender and reader.

    A send returns once what was sent before has left, so that a sender of states knows at once that its reader does not
    keep up, instead of after megabytes of states that nobody wants any more. What one side says is taken message by
    message: no queue of them grows.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have nothing wait here, and little in the system."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(0)
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT_BYTES)
