"""How many read along, and for as long as they do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from consumers.analytics.feed.errors import TooManyReaders
from consumers.analytics.feed.hub import CutOff
from consumers.analytics.feed.metrics import READERS
from observability.metrics import Metrics

_FAREWELL_S: Final = 1.5

log = logging.getLogger(__name__)


class ReaderRoom:
    """A bound on readers of all kinds together."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._metrics = metrics
        self._taken = 0

    @contextmanager
    def enter(self, of: str) -> Iterator[None]:
        """Room for one reader of `events` or `skeletons`. Raises TooManyReaders."""
        if self._taken >= self._most:
            raise TooManyReaders(f"{self._most} readers are connected already", hint="try again in a moment")
        self._taken += 1
        self._metrics.gauge(READERS, of=of).inc()
        try:
            yield
        finally:
            self._taken -= 1
            self._metrics.gauge(READERS, of=of).dec()


async def write_while_there(
    receive: Callable[[], Awaitable[Any]], writing: Coroutine[Any, Any, None], closing: asyncio.Event
) -> bool:
    """Run `writing` until it is done, the other side is gone, or a moment after `closing` is set; whether it was done.

    Raises what `writing` raises.
    """
    task = asyncio.ensure_future(writing)
    others = [asyncio.ensure_future(_await_leave(receive)), asyncio.ensure_future(closing.wait())]
    try:
        await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        if closing.is_set():
            await asyncio.wait({task}, timeout=_FAREWELL_S)
    finally:
        done = task.done()
        for one in (task, *others):
            one.cancel()
        results = await asyncio.gather(task, *others, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
    return done


async def _await_leave(receive: Callable[[], Awaitable[Any]]) -> None:
    """What readers say is not for us."""
    while not (await receive())["type"].endswith(".disconnect"):
        continue


def explain_cut(cut: CutOff | TimeoutError) -> str:
    """Why a reader is cut off, as it is told and as the log has it."""
    why = cut.message if isinstance(cut, CutOff) else "nothing was read for too long"
    log.info("a reader is cut off: %s", why)
    return f"too slow: {why}; read on from the last id"
