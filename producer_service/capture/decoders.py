"""Untrusted pictures are decoded in processes of their own, which are killed when one takes too long.

Limits on bytes and pixels do not bound the time: a small progressive JPEG may ask for thousands of passes over its
pixels. And what breaks a decoder breaks that process alone.
"""

import logging
import threading
from dataclasses import asdict
from queue import LifoQueue
from typing import Any, Final

import orjson

from keypoints.errors import Terminal
from producer_service.capture.captured import RefusalReason, RgbImage
from producer_service.capture.still_image import ImageLimits, InvalidImage, image_format
from producer_service.isolation.child_process import ChildProcess
from producer_service.isolation.messages import PeerGone, receive_message, send_message
from producer_service.isolation.picture_memory import PictureMemory

log = logging.getLogger(__name__)

_START_S: Final = 30.0
_TRIES: Final = 2
# Blocks of 16 MiB that Pillow uses again instead of asking for new ones: as many as the largest picture takes.
_PILLOW_KEEPS: Final = {"PILLOW_BLOCKS_MAX": "4"}
_MODULE: Final = "producer_service.capture.decoder_process"


class Decoders:
    """`processes` decoders; who finds all busy waits. A picture that is not decoded after `timeout_s` is refused."""

    def __init__(self, processes: int, limits: ImageLimits, timeout_s: float = 2.0) -> None:
        """Start them. Raises Terminal when one does not come up."""
        self._limits = limits
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._closed = False
        self._all: set[ChildProcess] = set()
        # The last one used is warm.
        self._idle: LifoQueue[ChildProcess | None] = LifoQueue()
        for child in [self._start() for _ in range(processes)]:
            self._await_ready(child)
            self._idle.put(child)

    def decode(self, data: bytes, memory: PictureMemory | None) -> RgbImage:
        """Pixels as `decode_image` gives them, in `memory` where there is one.

        Raises InvalidImage: too large, not a picture, damaged, or not decoded in time (`decode_timeout`).
        """
        if len(data) > self._limits.max_bytes:
            raise InvalidImage(
                RefusalReason.FILE_TOO_LARGE,
                f"the picture has more than {self._limits.max_bytes} bytes",
                bytes=len(data),
            )
        if image_format(data[:12]) is None:
            raise InvalidImage(RefusalReason.NOT_AN_IMAGE, "not a JPEG, PNG or WebP picture")
        own = memory or PictureMemory()
        try:
            height, width = self._ask(data, own)
            return own.reserve(height, width)
        finally:
            if memory is None:
                own.close()

    def pids(self) -> list[int]:
        """The processes of this moment."""
        with self._lock:
            return [child.pid for child in self._all]

    def close(self) -> None:
        """End all."""
        with self._lock:
            self._closed = True
            children, self._all = list(self._all), set()
        for child in children:
            child.close()

    def _ask(self, data: bytes, memory: PictureMemory) -> tuple[int, int]:
        for _ in range(_TRIES):
            answer = self._ask_once(data, memory)
            if answer is not None:
                break
        else:
            raise InvalidImage(RefusalReason.DAMAGED_IMAGE, "the picture broke its decoder")
        if "reason" in answer:
            raise InvalidImage(RefusalReason(answer["reason"]), str(answer["message"]))
        height, width = int(answer["height"]), int(answer["width"])
        if not (0 < height <= self._limits.max_side_px and 0 < width <= self._limits.max_side_px):
            raise InvalidImage(RefusalReason.DAMAGED_IMAGE, "the decoder answered with an impossible size")
        return height, width

    def _ask_once(self, data: bytes, memory: PictureMemory) -> dict[str, Any] | None:
        """A decoder's answer; None from one that died, which may have been dead before it was asked."""
        child = self._idle.get() or self._replace()
        usable = False
        try:
            child.socket.settimeout(self._timeout_s)
            send_message(child.socket, {}, data, [memory.fd])
            answer, _, _ = receive_message(child.socket)
            usable = True
        except TimeoutError as error:
            message = f"the picture could not be decoded within {self._timeout_s:g} s"
            raise InvalidImage(RefusalReason.DECODE_TIMEOUT, message) from error
        except PeerGone:
            return None
        else:
            return answer
        finally:
            if not usable:
                self._discard(child)
            self._idle.put(child if usable else None)

    def _replace(self) -> ChildProcess:
        try:
            child = self._start()
        except OSError as error:
            # Its place is kept: there may be room for a process later.
            self._idle.put(None)
            raise Terminal(f"a process for decoding pictures did not start: {error}") from error
        self._await_ready(child)
        return child

    def _start(self) -> ChildProcess:
        child = ChildProcess(_MODULE, [orjson.dumps(asdict(self._limits)).decode()], _PILLOW_KEEPS)
        with self._lock:
            self._all.add(child)
            closed = self._closed
        if closed:
            self._discard(child)
        return child

    def _await_ready(self, child: ChildProcess) -> None:
        child.socket.settimeout(_START_S)
        try:
            receive_message(child.socket)
        except (PeerGone, TimeoutError) as error:
            self._discard(child)
            self._idle.put(None)
            raise Terminal(f"a process for decoding pictures did not start: {error}") from error

    def _discard(self, child: ChildProcess) -> None:
        log.warning("a decoder is replaced", extra={"pid": child.pid})
        with self._lock:
            self._all.discard(child)
        child.kill()
        child.close()
