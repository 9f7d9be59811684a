"""Capture on a thread of its own, a few pictures ahead of whoever looks at them."""

import threading
from collections.abc import Generator
from dataclasses import dataclass
from queue import Queue

from producer_service.capture.captured import Source, SourceItem


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def read_ahead(source: Source, frames: int, stop: threading.Event) -> Generator[SourceItem, None, None]:
    """Yield what the source yields, decoding up to `frames` pictures ahead; the source waits when they are not taken.

    After `stop` nothing more is captured; what was is still yielded. Leaving the loop early closes the source too.
    """
    handed_over: Queue[SourceItem | _End] = Queue(frames)
    abandoned = threading.Event()

    def capture() -> None:
        reading = source.read()
        try:
            for item in reading:
                if stop.is_set() or abandoned.is_set():
                    break
                handed_over.put(item)
        except BaseException as error:  # noqa: BLE001 - raised again where the pictures are taken
            handed_over.put(_End(error))
        else:
            handed_over.put(_End(None))
        finally:
            reading.close()

    capturing = threading.Thread(target=capture, name=f"capture {source.name}", daemon=True)
    capturing.start()
    ended = False
    try:
        while True:
            item = handed_over.get()
            if isinstance(item, _End):
                ended = True
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        abandoned.set()
        while not ended:
            ended = isinstance(handed_over.get(), _End)
        capturing.join()
