"""How much memory the pictures of all streams may take while they wait."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from producer_service.live.outcome import PictureOutcome
from producer_service.live.picture import EncodedPicture, Picture

_LOOK_EVERY_S: Final = 1.0


class PictureRoom:
    """Room for `most_bytes` of pictures that have no outcome yet. One larger than that has it to itself."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._taken_bytes = 0

    def wait_for(self, picture: Picture, is_over: Callable[[], bool]) -> int | None:
        """Wait until a picture fits, and return the bytes that are now its; None once nobody wants it any more."""
        size = len(picture.data) if isinstance(picture, EncodedPicture) else picture.image.nbytes
        with self._changed:
            while self._taken_bytes and self._taken_bytes + size > self._most_bytes:
                if is_over():
                    return None
                self._changed.wait(_LOOK_EVERY_S)
            self._taken_bytes += size
        return size

    def free_after(self, outcome: "Future[PictureOutcome]", size: int) -> None:
        """Have the bytes free again once the picture has its outcome."""
        outcome.add_done_callback(lambda _: self._free(size))

    def _free(self, size: int) -> None:
        with self._changed:
            self._taken_bytes -= size
            self._changed.notify_all()
