"""The streams that were opened over HTTP, from their first picture to their last."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Final, ParamSpec, TypeVar

from producer_service.access.caller import Caller
from producer_service.access.owners import Claim
from producer_service.capture.captured import Clock, DropPolicy
from producer_service.gateway.sources import PUSH, SourceRules
from producer_service.live.source_run import RunState, SourceRun
from producer_service.live.stream_line import StreamLine
from producer_service.live.studio import StreamTaken, Studio

log = logging.getLogger(__name__)

_THREADS: Final = 16
_LOOK_EVERY_S: Final = 1.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class OpenStream:
    """One of them. `source` is as it may be shown, `asked` as it was asked for.

    `run` reads it, and is None where pictures are sent.
    """

    line: StreamLine
    claim: Claim
    source: str
    mirrored: bool
    opened_at_us: int
    used_s: float
    run: SourceRun | None = None
    asked: str = field(default="", repr=False)

    @property
    def over(self) -> bool:
        """Whether its source has ended."""
        return self.run is not None and self.run.state is not RunState.RUNNING


class OpenStreams:
    """Opens and closes them. Used by one thread, the listener's; what takes time is done on others."""

    def __init__(self, studio: Studio, rules: SourceRules, now_us: Clock, idle_s: float) -> None:
        self._studio = studio
        self._rules = rules
        self._now_us = now_us
        self._idle_s = idle_s
        self._streams: dict[str, OpenStream] = {}
        self._opening: dict[str, asyncio.Task[OpenStream]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="streams")

    def find(self, stream_id: str) -> OpenStream | None:
        """A stream that was opened here."""
        return self._streams.get(stream_id)

    def list(self) -> list[OpenStream]:
        """All of them, in the order they were opened."""
        return list(self._streams.values())

    async def open_push(self, caller: Caller, stream_id: str, *, mirrored: bool, source: str = PUSH) -> OpenStream:
        """Open a stream whose pictures are sent; several requests that come at once for one stream get the same.

        A stream of that name that is being closed is waited for: who connects again is not told that they are there.
        Raises StreamTaken, Forbidden, TooManyStreams, NoLandmarkerFree, LandmarkerFailed or StudioClosed.
        """
        await self._await_closed(stream_id)
        opening = self._opening.get(stream_id)
        if opening is None:
            return await asyncio.shield(self._begin(caller, stream_id, source, mirrored=mirrored))
        # Another key may have come first, and what has one sender, or a source, is nobody else's to feed.
        caller.check_owns(stream_id)
        stream = await asyncio.shield(opening)
        if source != PUSH or stream.source != PUSH:
            raise _taken(stream_id)
        return stream

    async def open_source(self, caller: Caller, stream_id: str, named: str, *, mirrored: bool) -> OpenStream:
        """Open a stream, and read what is named for it. Raises what `open_push` and `SourceRules.open` do."""
        await self._await_closed(stream_id)
        if stream_id in self._opening:
            raise _taken(stream_id)
        return await asyncio.shield(self._begin(caller, stream_id, named, mirrored=mirrored, reads=True))

    async def close(self, stream: OpenStream) -> None:
        """Take no more pictures of it, and wait until Kafka has been handed those that were taken."""
        stream_id = stream.line.stream_id
        if self._streams.get(stream_id) is not stream:
            await self._await_closed(stream_id)
            return
        del self._streams[stream_id]
        closing = asyncio.get_running_loop().create_task(self._close(stream))
        self._closing[stream_id] = closing
        closing.add_done_callback(lambda _: self._closing.pop(stream_id))
        await asyncio.shield(closing)

    async def close_idle(self, now_s: float) -> None:
        """Close streams that get their pictures by requests and had none for too long, and forget ended sources."""
        idle: list[OpenStream] = []
        for stream in self.list():
            if (stream.source == PUSH or stream.over) and now_s - stream.used_s > self._idle_s:
                log.info("a stream is closed: nothing came any more", extra={"stream": stream.line.stream_id})
                idle.append(stream)
            elif stream.run is not None and not stream.over:
                stream.used_s = now_s
        await asyncio.gather(*(self.close(stream) for stream in idle))

    async def watch(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Close what is idle, until cancelled."""
        while True:
            await asyncio.sleep(min(_LOOK_EVERY_S, self._idle_s / 4))
            try:
                await self.close_idle(clock_s())
            except Exception:
                # One that cannot be closed keeps nobody from looking at the others.
                log.exception("an idle stream could not be closed")

    async def close_all(self) -> None:
        """Close every stream; nothing is opened after this."""
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        await asyncio.gather(*(self.close(stream) for stream in self.list()))
        await asyncio.gather(*self._closing.values())
        self._threads.shutdown(wait=False)

    def _begin(
        self, caller: Caller, stream_id: str, named: str, *, mirrored: bool, reads: bool = False
    ) -> "asyncio.Task[OpenStream]":
        if stream_id in self._streams:
            raise _taken(stream_id)
        # Held before anything is awaited, so that of two keys one is told at once.
        claim = caller.claim(stream_id)
        task = asyncio.get_running_loop().create_task(self._open(claim, stream_id, named, mirrored, reads))
        self._opening[stream_id] = task

        def forget(done: "asyncio.Task[OpenStream]") -> None:
            del self._opening[stream_id]
            # Whoever waited for it may be gone, and nobody else is to hear of it.
            if not done.cancelled():
                done.exception()

        task.add_done_callback(forget)
        return task

    async def _await_closed(self, stream_id: str) -> None:
        closing = self._closing.get(stream_id)
        if closing is not None:
            await asyncio.shield(closing)

    async def _close(self, stream: OpenStream) -> None:
        try:
            if stream.run is not None:
                await self._in_thread(stream.run.stop)
            else:
                await self._in_thread(self._studio.close_stream, stream.line)
        finally:
            stream.claim.release()

    async def _open(self, claim: Claim, stream_id: str, named: str, mirrored: bool, reads: bool) -> OpenStream:
        stop, opened_at_us = Event(), self._now_us()
        try:
            source = await self._in_thread(self._rules.open, named, stream_id, stop) if reads else None
            policy = DropPolicy.DROP_OLDEST if source is None else source.drop_policy
            line = await self._in_thread(self._open_line, stream_id, policy, mirrored)
        except BaseException:
            claim.release()
            raise
        run = None if source is None else SourceRun(source, line, self._studio, stop)
        # A file is shown as it was asked for: where it lies is nobody's business.
        shown = named if source is None or source.drop_policy is DropPolicy.WAIT else source.name
        stream = OpenStream(line, claim, shown, mirrored, opened_at_us, time.monotonic(), run, named)
        self._streams[stream_id] = stream
        return stream

    def _open_line(self, stream_id: str, policy: DropPolicy, mirrored: bool) -> StreamLine:
        return self._studio.open_stream(stream_id, policy, mirrored=mirrored)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: call(*args, **kwargs))


def _taken(stream_id: str) -> StreamTaken:
    return StreamTaken(f"the stream {stream_id!r} is open already", hint="close it, or use another name")
