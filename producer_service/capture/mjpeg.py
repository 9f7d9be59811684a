"""JPEG pictures one after the other in one HTTP answer (`multipart/x-mixed-replace`), as webcam servers send them."""

import re
from collections.abc import Callable
from email.message import Message as MimeHeaders
from typing import Final

from producer_service.capture.captured import RgbImage
from producer_service.capture.feed import Carrier
from producer_service.capture.still_image import ImageLimits, decode_image
from producer_service.capture.stream_errors import FeedLost

MJPEG_TYPE: Final = "multipart/x-mixed-replace"

_HEAD_MAX_BYTES: Final = 16 * 1024
_RECEIVE_BYTES: Final = 64 * 1024
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(rb"^content-length\s*:\s*(\d{1,9})\s*$", re.IGNORECASE | re.MULTILINE)


def find_boundary(headers: MimeHeaders) -> bytes:
    """The line that parts the pictures, begun with two hyphens whether or not the server counts them in."""
    boundary = headers.get_boundary("")
    return b"--" + boundary.encode("latin-1", "replace").removeprefix(b"--")


class MjpegFeed:
    """The pictures of one answer, decoded within limits as any picture from outside is."""

    def __init__(
        self, receive: Callable[[int], bytes], boundary: bytes, limits: ImageLimits, shown: str, carrier: Carrier
    ) -> None:
        """`receive` gives up to so many bytes, waited for, empty at the end."""
        self._receive = receive
        self._boundary = boundary
        self._limits = limits
        self._shown = shown
        self._carrier = carrier
        self._data = bytearray()

    def read(self) -> RgbImage:
        """The next picture. Raises FeedLost, InvalidImage."""
        return decode_image(self._next_part(), self._limits)

    def interrupt(self) -> None:
        """Hang up."""
        self._carrier.interrupt()

    def close(self) -> None:
        """Hang up."""
        self._carrier.close()

    def _next_part(self) -> bytes:
        self._skip_to(self._boundary)
        head = self._take_head()
        length = _LENGTH.search(head.replace(b"\r", b""))
        if length is None:
            return self._take_to_boundary()
        size = int(length[1])
        if size > self._limits.max_bytes:
            raise self._lost(f"a picture of more than {self._limits.max_bytes} bytes")
        while len(self._data) < size:
            self._receive_more()
        return self._take(size)

    def _skip_to(self, mark: bytes) -> None:
        while (found := self._data.find(mark)) < 0:
            del self._data[: max(0, len(self._data) - len(mark))]
            self._receive_more()
        del self._data[: found + len(mark)]

    def _take_head(self) -> bytes:
        while (end := _HEAD_END.search(self._data)) is None:
            if len(self._data) > _HEAD_MAX_BYTES:
                raise self._lost("no picture")
            if self._data[:2] == b"--" and not self._data[2:].strip():
                raise self._lost("it ended")
            self._receive_more()
        return self._take(end.end())

    def _take_to_boundary(self) -> bytes:
        searched = 0
        while (end := self._data.find(self._boundary, searched)) < 0:
            if len(self._data) > self._limits.max_bytes:
                raise self._lost(f"a picture of more than {self._limits.max_bytes} bytes")
            searched = max(0, len(self._data) - len(self._boundary))
            self._receive_more()
        return self._take(end).removesuffix(b"\n").removesuffix(b"\r")

    def _take(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def _receive_more(self) -> None:
        try:
            data = self._receive(_RECEIVE_BYTES)
        except (OSError, ValueError) as error:
            raise self._lost("it does not answer" if isinstance(error, TimeoutError) else "it hung up") from error
        if not data:
            raise self._lost("it hung up")
        self._data += data

    def _lost(self, what: str) -> FeedLost:
        return FeedLost(f"{self._shown}: {what}", source=self._shown)
