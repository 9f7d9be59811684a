"""Connections as uvicorn serves them, with an end for those that say nothing or do not listen."""

import asyncio
from typing import Any, Final

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_HANG_UP: Final = "holistic.hang_up"
_HEADERS_S: Final = 10.0


class FeedHttp(H11Protocol):
    """HTTP/1.1 that is hung up on when no request comes in time, or when its answer says so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._serve: ASGIApp = self.app
        self.app = self._serve_with_hang_up
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request is due."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HEADERS_S, transport.abort)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The request is there."""
        self._wait_on()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._wait_on()
        super().connection_lost(exc)

    async def _serve_with_hang_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._wait_on()
        scope["extensions"] = {**scope.get("extensions", {}), _HANG_UP: self.transport.abort}
        await self._serve(scope, receive, send)

    def _wait_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


async def hang_up(scope: Scope) -> None:
    """End an HTTP connection whose answer cannot be finished, because nobody reads it."""
    abort = scope.get("extensions", {}).get(_HANG_UP)
    if abort is not None:
        abort()
        # The protocol hears of it in the loop's next round, and would complain of an unfinished answer before.
        await asyncio.sleep(0)
