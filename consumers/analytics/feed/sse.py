"""Events as Server-Sent Events: what browsers' EventSource reads, and any line of curl."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from consumers.analytics.feed.connections import hang_up
from consumers.analytics.feed.hub import CutOff, FeedClosing, Message
from consumers.analytics.feed.readers import explain_cut, write_while_there

_LAST_WORD_S: Final = 1.0
_HEARTBEAT: Final = b": still here\n\n"
_RETRY: Final = b"retry: 2000\n\n"

SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Nothing follows on a connection that ends when its reader has had enough.
    "connection": "close",
    # Proxies that gather answers before they pass them on would hold events back.
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """An answer that lasts as long as its reader stays, and keeps up."""

    def __init__(
        self,
        messages: AsyncGenerator[Message | None, None],
        room: AbstractContextManager[None],
        send_timeout_s: float,
        on_cut_off: Callable[[], None],
        closing: asyncio.Event,
    ) -> None:
        """`room` is given back at the end. `on_cut_off` is told when the reader was too slow; `closing` lets it go."""
        super().__init__(status_code=200, headers=SSE_HEADERS)
        del self.headers["content-length"]
        self._messages = messages
        self._room = room
        self._send_timeout_s = send_timeout_s
        self._on_cut_off = on_cut_off
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until either side has enough."""
        with self._room:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

            async def write(body: bytes, timeout_s: float, *, more: bool = True) -> None:
                async with asyncio.timeout(timeout_s):
                    await send({"type": "http.response.body", "body": body, "more_body": more})

            async def write_all() -> None:
                try:
                    await write(_RETRY, self._send_timeout_s)
                    async with aclosing(self._messages) as messages:
                        async for message in messages:
                            await write(_HEARTBEAT if message is None else write_sse(message), self._send_timeout_s)
                except FeedClosing as closing:
                    await write_last(closing.message)
                except (CutOff, TimeoutError) as cut:
                    self._on_cut_off()
                    await write_last(explain_cut(cut))

            async def write_last(why: str) -> None:
                try:
                    await write(
                        write_sse(Message(None, "cut", orjson.dumps({"message": why}))), _LAST_WORD_S, more=False
                    )
                except TimeoutError:
                    await hang_up(scope)

            if not await write_while_there(receive, write_all(), self._closing):
                await hang_up(scope)


def write_sse(message: Message) -> bytes:
    """The message's lines; its JSON has no line breaks."""
    head = b"" if message.id is None else b"id: " + message.id.encode() + b"\n"
    return head + b"event: " + message.event.encode() + b"\ndata: " + message.data + b"\n\n"
