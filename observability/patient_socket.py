"""WebSockets as uvicorn serves them, with an end for those nobody reads."""

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
