"""Events and skeletons over WebSockets: each message is one JSON object, as text."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from consumers.analytics.feed.access import SUBPROTOCOL
from consumers.analytics.feed.hub import CutOff, FeedClosing, Message
from consumers.analytics.feed.readers import explain_cut, write_while_there

log = logging.getLogger(__name__)

GOING_AWAY: Final = 1001
TOO_SLOW: Final = 1008
_LAST_WORD_S: Final = 1.0


def write_json(message: Message | None) -> str:
    """`{"id", "event", "data"}`; None is a heartbeat, which says nothing else."""
    if message is None:
        return '{"id":null,"event":"heartbeat","data":null}'
    return f'{{"id":{orjson.dumps(message.id).decode()},"event":"{message.event}","data":{message.data.decode()}}}'


async def write_messages(
    websocket: WebSocket,
    messages: AsyncGenerator[str, None],
    send_timeout_s: float,
    on_cut_off: Callable[[], None],
    closing: asyncio.Event,
) -> None:
    """Accept, and send what comes until either side has enough; a reader that does not keep up is told so, code 1008.

    `on_cut_off` is told as well; `closing` lets the reader go.
    """
    offered: list[str] = websocket.scope["subprotocols"]

    async def write_all() -> None:
        try:
            async with aclosing(messages) as coming:
                async for message in coming:
                    async with asyncio.timeout(send_timeout_s):
                        await websocket.send_text(message)
        except FeedClosing as closing:
            await close(GOING_AWAY, closing.message)
        except (CutOff, TimeoutError) as cut:
            on_cut_off()
            await close(TOO_SLOW, explain_cut(cut))

    async def close(code: int, why: str) -> None:
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await websocket.close(code, why)
        except (TimeoutError, RuntimeError):
            log.debug("a reader is left without a word")

    try:
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        await write_while_there(websocket.receive, write_all(), closing)
    except WebSocketDisconnect:
        log.debug("a reader is gone")
