"""Frames of a browser's camera over a WebSocket: every picture is answered by what became of it."""

import asyncio
import logging
from concurrent.futures import Future
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from keypoints.errors import HolisticError
from keypoints.topics import check_stream_id
from producer_service.access.caller import Caller
from producer_service.access.errors import KeysUnavailable, Unauthorized
from producer_service.access.key_file import Right
from producer_service.gateway.callers import Gateway
from producer_service.gateway.errors import RequestRefused, show_error
from producer_service.gateway.limits import TokenBucket
from producer_service.gateway.open_streams import OpenStream
from producer_service.gateway.wire import (
    DamagedMessage,
    SentPicture,
    read_picture_message,
    write_outcome,
    write_refusal,
)
from producer_service.gateway.wishes import check_capture_time
from producer_service.live.outcome import Dropped, DropReason, PictureOutcome
from producer_service.live.picture import EncodedPicture

log = logging.getLogger(__name__)

SUBPROTOCOL: Final = "holistic.v1"
LARGEST_MESSAGE_BYTES: Final = 1024 * 1024
SOURCE: Final = "websocket"
_KEY_PREFIX: Final = "key."
_MAX_UNREAD_ANSWERS: Final = 256

_GOING_AWAY, _NOT_UNDERSTOOD, _POLICY, _TRY_AGAIN = 1001, 1003, 1008, 1013


def websocket_router(gateway: Gateway) -> APIRouter:
    """`/v1/streams/{stream_id}/ws`."""
    router = APIRouter()

    @router.websocket("/v1/streams/{stream_id}/ws")
    async def serve(websocket: WebSocket, stream_id: str, mirrored: Annotated[bool, Query()] = False) -> None:
        # Everything is checked before the connection is accepted, so that who may not has an HTTP answer.
        try:
            token = _read_token(websocket)
            caller = gateway.keys.authenticate(token)
            stream = await _open(gateway, caller, stream_id, mirrored=mirrored)
        except HolisticError as error:
            await websocket.send_denial_response(show_error(error).response())
            return
        try:
            await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
            await _Conversation(gateway, websocket, stream, token).hold()
        except WebSocketDisconnect:
            log.debug("a WebSocket is gone", extra={"stream": stream_id})
        finally:
            await gateway.streams.close(stream)

    return router


def _read_token(websocket: WebSocket) -> str | None:
    """Browsers can give a WebSocket no header but its subprotocols."""
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered: list[str] = websocket.scope["subprotocols"]
    return next((name.removeprefix(_KEY_PREFIX) for name in offered if name.startswith(_KEY_PREFIX)), None)


async def _open(gateway: Gateway, caller: Caller, stream_id: str, *, mirrored: bool) -> OpenStream:
    gateway.admit(caller, Right.PUBLISH)
    caller.check_owns(check_stream_id(stream_id))
    stream = gateway.streams.find(stream_id)
    if stream is not None and stream.over:
        await gateway.streams.close(stream)
    return await gateway.streams.open_push(caller, stream_id, mirrored=mirrored, source=SOURCE)


class _Conversation:
    """One connection: pictures are read as they come, answers written as they are known."""

    def __init__(self, gateway: Gateway, websocket: WebSocket, stream: OpenStream, token: str | None) -> None:
        self._gateway = gateway
        self._websocket = websocket
        self._stream = stream
        self._token = token
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        per_s = gateway.settings.socket_pictures_per_s
        self._rate = TokenBucket(per_s, max(1.0, per_s), gateway.clock_s())

    async def hold(self) -> None:
        """Until either side has enough. Raises WebSocketDisconnect."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                task.cancel()
            results = await asyncio.gather(reading, writing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._answers.qsize() > _MAX_UNREAD_ANSWERS:
                await self._close(_POLICY, "the answers are not read")
                return
            try:
                # A key that was revoked meanwhile ends what was opened with it.
                self._gateway.keys.authenticate(self._token)
                data = message.get("bytes")
                if data is not None:
                    self._take(read_picture_message(data))
                else:
                    self._obey(message.get("text") or "")
            except DamagedMessage as error:
                await self._close(_NOT_UNDERSTOOD, error.message)
                return
            except Unauthorized as error:
                await self._close(_POLICY, error.message)
                return
            except KeysUnavailable as error:
                await self._close(_TRY_AGAIN, error.message)
                return

    def _take(self, sent: SentPicture) -> None:
        now_us = self._gateway.open.studio.equipment.now_us()
        if self._rate.take(self._gateway.clock_s()):
            message = f"more than {self._gateway.settings.socket_pictures_per_s:g} pictures a second"
            self._answers.put_nowait(write_refusal(sent.number, "dropped", "rate_limited", message))
            return
        try:
            captured_at_us = now_us if sent.captured_at_us is None else check_capture_time(sent.captured_at_us, now_us)
        except RequestRefused as error:
            self._answers.put_nowait(write_refusal(sent.number, "rejected", error.code, error.message))
            return
        settled = self._stream.line.submit(EncodedPicture(sent.data, captured_at_us))
        # What waits for the outcome holds the number alone, and not the picture.
        number = sent.number
        settled.add_done_callback(lambda future: self._note(number, future))

    def _note(self, number: int, settled: "Future[PictureOutcome]") -> None:
        """Called on whatever thread knows the outcome."""
        try:
            self._loop.call_soon_threadsafe(self._answer, number, settled.result())
        except RuntimeError:
            # The service has ended meanwhile, and nobody waits for answers any more.
            log.debug("an answer came too late", extra={"stream": self._stream.line.stream_id})

    def _answer(self, number: int, outcome: PictureOutcome) -> None:
        self._answers.put_nowait(write_outcome(number, outcome))
        if isinstance(outcome, Dropped) and outcome.reason == DropReason.STREAM_CLOSED:
            self._answers.put_nowait(None)

    def _obey(self, text: str) -> None:
        try:
            order = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise DamagedMessage("a text message is to be JSON") from error
        if order != {"do": "interrupt"}:
            raise DamagedMessage('{"do": "interrupt"} is the only order there is')
        self._stream.line.interrupt()

    async def _write(self) -> None:
        timeout_s = self._gateway.settings.socket_send_timeout_s
        while True:
            answer = await self._answers.get()
            if answer is None:
                await self._close(_GOING_AWAY, "the stream was closed")
                return
            try:
                async with asyncio.timeout(timeout_s):
                    await self._websocket.send_bytes(answer)
            except TimeoutError:
                await self._close(_POLICY, "the answers are not read")
                return

    async def _close(self, code: int, reason: str) -> None:
        """Say why, if that can be said at once; the connection ends in any case."""
        try:
            async with asyncio.timeout(1):
                await self._websocket.close(code, reason)
        except (TimeoutError, RuntimeError):
            log.debug("a WebSocket is left without a word", extra={"reason": reason})
