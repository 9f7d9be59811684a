"""One connection: states as they come, of the stage or of a replay of its own, and what it says in between."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from connect_runtime.rest.security import SUBPROTOCOL
from consumers.avatar.viewer.hub import Hub, Watcher
from consumers.avatar.viewer.orders import GoLive, Order, Replay, read_order
from consumers.avatar.viewer.records import write_hello
from consumers.avatar.viewer.replay.session import ReplaySession
from consumers.avatar.viewer.replay.sessions import Replays
from consumers.avatar.viewer.snapshot import Roster, Snapshot, choose_rows, write_cast
from consumers.avatar.viewer.wish import Wish
from keypoints.errors import HolisticError, Terminal

log = logging.getLogger(__name__)

POSITION_EVERY_S: Final = 0.4
SEND_TIMEOUT_S: Final = 10.0
_TOO_SLOW: Final = 1008
_LAST_WORD_S: Final = 1.0
_LIVE: Final = orjson.dumps({"type": "position", "mode": "live"}).decode()
_HELLO: Final = write_hello().decode()


class NothingReplayed(Terminal):
    """A replay is steered where there is none."""


class Conversation:
    """Holds one WebSocket until either side has enough. Everything of it runs on the loop's thread."""

    def __init__(self, websocket: WebSocket, wish: Wish, live: Hub, replays: Replays) -> None:
        self._websocket = websocket
        self._wish = wish
        self._live = live
        self._replays = replays
        self._replay: ReplaySession | None = None
        self._watcher: Watcher | None = None
        self._is_position_due = False

    async def hold(self) -> None:
        """Accept, and talk."""
        offered: list[str] = self._websocket.scope["subprotocols"]
        try:
            await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
            await self._send_text(_HELLO)
            await self._talk()
        except TimeoutError:
            log.info("a watcher is cut off: it took nothing for %g s", SEND_TIMEOUT_S)
            await self._close_slow()
        except WebSocketDisconnect:
            log.debug("a watcher is gone")
        finally:
            self._end_replay()

    async def _talk(self) -> None:
        tasks = [asyncio.ensure_future(self._show()), asyncio.ensure_future(self._listen())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _show(self) -> None:
        while True:
            replay = self._replay
            source = self._live if replay is None else replay.hub
            with source.watch() as self._watcher:
                await self._show_from(source, replay, self._watcher)

    async def _show_from(self, source: Hub, replay: ReplaySession | None, watcher: Watcher) -> None:
        """Send what one source shows, until another one is wanted."""
        loop = asyncio.get_running_loop()
        streams = self._wish.streams if replay is None else None
        told: Roster | None = None
        shown: Snapshot | None = None
        rows: list[int] | None = None
        free_at_s = 0.0
        while self._replay is replay:
            await self._tell_position(replay)
            snapshot = source.snapshot()
            if snapshot.roster is not told:
                told, rows = snapshot.roster, choose_rows(snapshot.roster, streams)
                await self._send_text(write_cast(told, rows))
            if snapshot is not shown and loop.time() >= free_at_s:
                shown, free_at_s = snapshot, max(free_at_s, loop.time() - self._wish.least_s) + self._wish.least_s
                await self._send_states(snapshot, rows)
            # Whoever is sent little still hears of every change of the cast, and where its replay is.
            held_s = free_at_s - loop.time()
            if snapshot is not shown and held_s > 0:
                await asyncio.sleep(min(held_s, POSITION_EVERY_S))
            else:
                await watcher.wait(POSITION_EVERY_S)

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                self._obey(read_order(message.get("text") or ""))
            except HolisticError as error:
                await self._send_text(write_error(error))
            self._is_position_due = True
            if self._watcher is not None:
                self._watcher.bell.set()

    def _obey(self, order: Order) -> None:
        if isinstance(order, Replay):
            begun = self._replays.begin(order, before=self._replay)
            self._end_replay()
            self._replay = begun
        elif isinstance(order, GoLive):
            self._end_replay()
        elif self._replay is None:
            raise NothingReplayed("nothing is replayed", hint='{"type": "replay", …} begins one')
        else:
            self._replay.steer(order)

    def _end_replay(self) -> None:
        if self._replay is not None:
            self._replay.close()
            self._replay = None

    async def _tell_position(self, replay: ReplaySession | None) -> None:
        if replay is None:
            if self._is_position_due:
                self._is_position_due = False
                await self._send_text(_LIVE)
            return
        for error in replay.take_errors():
            await self._send_text(write_error(error))
        if replay.is_position_due(asyncio.get_running_loop().time(), POSITION_EVERY_S) or self._is_position_due:
            self._is_position_due = False
            await self._send_text(orjson.dumps(replay.position().describe()).decode())

    async def _send_states(self, snapshot: Snapshot, rows: list[int] | None) -> None:
        if self._wish.is_binary:
            await self._send(self._websocket.send_bytes(snapshot.write_binary(rows)))
        else:
            await self._send_text(snapshot.write_json(rows))

    async def _send_text(self, text: str) -> None:
        await self._send(self._websocket.send_text(text))

    async def _send(self, sending: Awaitable[None]) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await sending

    async def _close_slow(self) -> None:
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self._websocket.close(_TOO_SLOW, "nothing was read for too long")
        except (TimeoutError, RuntimeError):
            log.debug("a watcher is left without a word")


def write_error(error: HolisticError) -> str:
    """An error as watchers are told."""
    message = error.message if error.hint is None else f"{error.message}; {error.hint}"
    return orjson.dumps({"type": "error", "message": message}).decode()
