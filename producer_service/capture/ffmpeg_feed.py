"""Encoded video out of a connection of ours, decoded by OpenCV's FFmpeg."""

from typing import Final

import cv2

from producer_service.capture.captured import RefusalReason, RgbImage
from producer_service.capture.feed import Carrier
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.stream_errors import FeedLost, SourceRefused

_MS_PER_S: Final = 1000


class FfmpegFeed:
    """The pictures of a video that comes through a `LoopbackDoor`."""

    def __init__(self, url: str, shown: str, limits: ImageLimits, timeout_s: float, carrier: Carrier) -> None:
        """Open it, within `timeout_s`. `carrier` is what comes through the door.

        OpenCV opens one video at a time in a process, so whatever comes through must be known to come. Raises
        SourceRefused when there is no video in it.
        """
        self._shown = shown
        self._limits = limits
        self._carrier = carrier
        timeout_ms = round(timeout_s * _MS_PER_S)
        # More threads would each keep a picture back.
        parameters = [cv2.CAP_PROP_N_THREADS, 1]
        parameters += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, parameters)
        if not self._capture.isOpened():
            self.close()
            message = f"{shown}: it gives no video that can be decoded"
            raise SourceRefused(RefusalReason.UNREADABLE_STREAM, message, source=shown)

    def read(self) -> RgbImage:
        """The next picture. Raises FeedLost, SourceRefused when the pictures are larger than they may be."""
        decoded, image_bgr = self._capture.read()
        if not decoded:
            raise FeedLost(f"{self._shown}: it hung up", source=self._shown)
        height, width = image_bgr.shape[:2]
        if max(width, height) > self._limits.max_side_px or width * height > self._limits.max_pixels:
            message = f"{self._shown}: pictures of {width}×{height} px are too large"
            raise SourceRefused(RefusalReason.IMAGE_TOO_LARGE, message, source=self._shown)
        return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def interrupt(self) -> None:
        """Nothing more comes through the door, so that FFmpeg ends."""
        self._carrier.interrupt()

    def close(self) -> None:
        """Hang up and release the decoder."""
        self._carrier.close()
        self._capture.release()
