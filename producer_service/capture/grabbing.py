"""One connection to a camera, read on a thread of its own, so that nobody waits for it longer than they want to."""

import queue
import threading
import time
from dataclasses import dataclass
from typing import Final

from producer_service.capture.captured import Clock, RgbImage
from producer_service.capture.feed import Camera, Feed
from producer_service.capture.still_image import InvalidImage
from producer_service.capture.stream_errors import FeedLost

_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Grabbed:
    """A picture, and when it was grabbed (µs since 1970)."""

    image: RgbImage
    captured_at_us: int


@dataclass(frozen=True, slots=True)
class DamagedPicture:
    """A picture that is none."""

    error: InvalidImage


_Item = Grabbed | DamagedPicture | BaseException


class Grabbing:
    """Connects and grabs until it is abandoned, one picture ahead of whoever takes them.

    Native code that waits for a camera cannot be called off everywhere. The thread of an abandoned connection ends by
    itself, at the latest when that wait does, and closes what it opened.
    """

    def __init__(self, camera: Camera, now_us: Clock, name: str) -> None:
        """Begin."""
        self._camera = camera
        self._now_us = now_us
        self._name = name
        self._items: queue.Queue[_Item] = queue.Queue(1)
        self._lock = threading.Lock()
        self._abandoned = False
        self._feed: Feed | None = None
        threading.Thread(target=self._grab, name=f"grab {name}", daemon=True).start()

    def take(self, wait_s: float, stopped: threading.Event) -> Grabbed | DamagedPicture | None:
        """The next picture; None once `stopped` is set. Raises what ended the connection, FeedLost after `wait_s`."""
        until_s = time.monotonic() + wait_s
        while not stopped.is_set():
            try:
                item = self._items.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if time.monotonic() < until_s:
                    continue
                raise FeedLost(f"{self._name}: no picture for {wait_s:g} s", source=self._name) from None
            if isinstance(item, BaseException):
                raise item
            return item
        return None

    def abandon(self) -> None:
        """Nobody takes anything any more."""
        with self._lock:
            self._abandoned = True
            if self._feed is not None:
                self._feed.interrupt()

    def _grab(self) -> None:
        try:
            feed = self._camera.connect()
        except BaseException as error:  # noqa: BLE001 - raised again where the pictures are taken
            self._hand_over(error)
            return
        try:
            with self._lock:
                self._feed = feed
            while not self._abandoned:
                self._hand_over(self._grab_one(feed))
        except BaseException as error:  # noqa: BLE001 - raised again where the pictures are taken
            self._hand_over(error)
        finally:
            with self._lock:
                self._feed = None
            feed.close()

    def _grab_one(self, feed: Feed) -> Grabbed | DamagedPicture:
        try:
            image = feed.read()
        except InvalidImage as error:
            return DamagedPicture(error)
        return Grabbed(image, self._now_us())

    def _hand_over(self, item: _Item) -> None:
        while not self._abandoned:
            try:
                self._items.put(item, timeout=_LOOK_EVERY_S)
            except queue.Full:
                continue
            return
