"""Capture on a thread of its own, a few pictures ahead of whoever looks at them."""

import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Final

from producer_service.capture.captured import (
    Captured,
    DropPolicy,
    Interrupted,
    Refused,
    Source,
    SourceItem,
    Stoppable,
)

_LOOK_EVERY_S: Final = 0.2
_NICE: Final = 10


def give_way() -> None:
    """Have this thread, and those it starts, take the processor when the others leave it free.

    A file is decoded ahead of time, and whoever looks at its pictures is not to wait for that (4 % more frames/s where
    two are read on two cores). Does nothing where threads have no priority of their own.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits, with the last interruption before it, which counts even when the pictures behind it gave way."""

    item: Captured | Refused
    interrupted: Interrupted | None


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def read_ahead(
    source: Source, frames: int, stop: threading.Event, drop: Callable[[Captured | Refused], None] | None = None
) -> Generator[SourceItem, None, None]:
    """Yield what the source yields, decoding up to `frames` pictures ahead.

    When they are not taken the source waits; but where its policy is to drop the oldest and `drop` is given, the oldest
    that waits gives way, of which `drop` is told on another thread. After `stop` nothing more is captured; what was is
    still yielded. Leaving the loop early closes the source too.
    """
    handed_over: Queue[_Waiting | _End] = Queue(frames)
    abandoned = threading.Event()

    def hand_over(waiting: _Waiting) -> None:
        if drop is None or source.drop_policy is DropPolicy.WAIT:
            handed_over.put(waiting)
            return
        while True:
            try:
                handed_over.put_nowait(waiting)
            except Full:
                with suppress(Empty):
                    gave_way = handed_over.get_nowait()
                    if isinstance(gave_way, _Waiting):
                        drop(gave_way.item)
            else:
                return

    def capture() -> None:
        if source.drop_policy is DropPolicy.WAIT:
            give_way()
        reading = source.read()
        interrupted: Interrupted | None = None
        try:
            for item in reading:
                if stop.is_set() or abandoned.is_set():
                    break
                if isinstance(item, Interrupted):
                    interrupted = item
                else:
                    hand_over(_Waiting(item, interrupted))
        except BaseException as error:  # noqa: BLE001 - raised again where the pictures are taken
            handed_over.put(_End(error))
        else:
            handed_over.put(_End(None))
        finally:
            reading.close()

    capturing = threading.Thread(target=capture, name=f"capture {source.name}", daemon=True)
    capturing.start()
    ended = False
    known: Interrupted | None = None
    try:
        while True:
            try:
                waiting = handed_over.get(timeout=_LOOK_EVERY_S)
            except Empty:
                if stop.is_set():
                    _stop(source)
                continue
            if isinstance(waiting, _End):
                ended = True
                if waiting.error is not None:
                    raise waiting.error
                return
            if waiting.interrupted is not None and waiting.interrupted is not known:
                known = waiting.interrupted
                yield known
            yield waiting.item
    finally:
        abandoned.set()
        _stop(source)
        while not ended:
            ended = isinstance(handed_over.get(), _End)
        capturing.join()


def _stop(source: Source) -> None:
    """A live source may have nothing to give for long."""
    if isinstance(source, Stoppable):
        source.stop()
