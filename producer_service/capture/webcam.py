"""Cameras plugged into this machine: `webcam:0`, `/dev/video0`."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl

import cv2
import numpy as np
from numpy.typing import NDArray

from keypoints.errors import Terminal
from producer_service.capture.captured import RefusalReason, RgbImage
from producer_service.capture.feed import Feed
from producer_service.capture.stream_errors import FeedLost, SourceRefused

_NAME: Final = re.compile(r"webcam:(\d{1,3})(?:\?(.*))?", re.DOTALL)
# No other device: opening some of them does something.
_DEVICE: Final = re.compile(r"/dev/(?:video\d{1,3}|v4l/by-(?:id|path)/[\w.:+-]+)")
_DEVICES: Final = Path("/dev")
_NAMES_OF_DEVICES: Final = Path("/sys/class/video4linux")
_MAX_SIDE_PX: Final = 8192
_MAX_FPS: Final = 240


class InvalidWebcam(Terminal):
    """A webcam named in a way that cannot be read. Fields: name."""


class OpenedDevice(Protocol):
    """What of `cv2.VideoCapture` is used."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it can be read."""

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        """Whether there was a picture, and it: u8[height, width, 3], blue first."""

    def set(self, property_id: int, value: float, /) -> bool:
        """Ask for a size or a rate; a device may give another."""

    def release(self) -> None:
        """Give it back."""


OpenDevice = Callable[[int | str], OpenedDevice]
"""Opens a device by its number, or by its path."""


@dataclass(frozen=True, slots=True)
class WebcamOptions:
    """What is asked of a device; it may give something else. None: its own choice."""

    width: int | None = None
    height: int | None = None
    fps: int | None = None


def is_webcam(name: str) -> bool:
    """Whether a source's name has the form of a webcam's: `webcam:…`, `/dev/video0`, `/dev/v4l/by-id/…`."""
    return name.startswith("webcam:") or _DEVICE.fullmatch(name) is not None


def parse_webcam(name: str) -> tuple[int | str, WebcamOptions]:
    """`webcam:0?width=1280&height=720&fps=30`, or a device's path. Raises InvalidWebcam."""
    if not name.startswith("webcam:"):
        return name, WebcamOptions()
    matched = _NAME.fullmatch(name)
    asked = parse_qsl(matched[2] or "", keep_blank_values=True) if matched else [("", "")]
    values = {key: int(value) for key, value in asked if value.isascii() and value.isdecimal()}
    limits = {"width": _MAX_SIDE_PX, "height": _MAX_SIDE_PX, "fps": _MAX_FPS}
    if matched is None or len(values) < len(asked) or any(not 0 < n <= limits.get(k, 0) for k, n in values.items()):
        raise InvalidWebcam(
            f"{name} names no webcam", hint="write webcam:0, or webcam:0?width=1280&height=720&fps=30", name=name
        )
    return int(matched[1]), WebcamOptions(**values)


def open_device(device: int | str) -> OpenedDevice:
    """The device by OpenCV: through V4L2 on Linux, elsewhere through what OpenCV finds best."""
    backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
    return cv2.VideoCapture(device, backend)  # type: ignore[return-value]


class Webcam:
    """One device, opened anew each time it is connected to."""

    def __init__(
        self, device: int | str, options: WebcamOptions, open_it: OpenDevice = open_device, devices: Path = _DEVICES
    ) -> None:
        """`devices` is where devices are looked for, on systems that have them as files."""
        self._device = device
        self._options = options
        self._open_it = open_it
        self._devices = devices
        self.path = devices / f"video{device}" if isinstance(device, int) else Path(device)

    def connect(self) -> Feed:
        """Open it and take a first picture. Raises SourceRefused, which tells the devices there are."""
        if self._devices.is_dir():
            self._check_file()
        opened = self._open_it(self._device)
        try:
            if not opened.isOpened():
                raise self._refused(
                    RefusalReason.BUSY_DEVICE,
                    "it cannot be opened as a camera",
                    f"another program may be using it; {self._list_devices()}",
                )
            self._ask_for_options(opened)
            return WebcamFeed(opened, str(self.path), self._first_picture(opened))
        except BaseException:
            opened.release()
            raise

    def _check_file(self) -> None:
        if not self.path.exists():
            raise self._refused(RefusalReason.NO_DEVICE, "there is no such device", self._list_devices())
        if not os.access(self.path, os.R_OK | os.W_OK):
            hint = "be a member of the group video, or give the container the device"
            raise self._refused(RefusalReason.NO_DEVICE, "this user may not open it", hint)

    def _ask_for_options(self, opened: OpenedDevice) -> None:
        asked = {
            cv2.CAP_PROP_FRAME_WIDTH: self._options.width,
            cv2.CAP_PROP_FRAME_HEIGHT: self._options.height,
            cv2.CAP_PROP_FPS: self._options.fps,
        }
        for property_id, value in asked.items():
            if value is not None:
                opened.set(property_id, value)

    def _first_picture(self, opened: OpenedDevice) -> NDArray[np.uint8]:
        there, image_bgr = opened.read()
        if not there:
            hint = f"another program may be using it; {self._list_devices()}"
            raise self._refused(RefusalReason.BUSY_DEVICE, "it gives no pictures", hint)
        return image_bgr

    def _list_devices(self) -> str:
        found = sorted(self._devices.glob("video*"), key=lambda path: (len(path.name), path.name))
        if not found:
            return "there is no video device on this machine"
        return f"there are {', '.join(f'{path}{_describe(path)}' for path in found)}"

    def _refused(self, reason: RefusalReason, what: str, hint: str) -> SourceRefused:
        return SourceRefused(reason, f"{self.path}: {what}", hint, source=str(self.path))


class WebcamFeed:
    """The pictures of an open device."""

    def __init__(self, opened: OpenedDevice, shown: str, first_bgr: NDArray[np.uint8]) -> None:
        self._opened = opened
        self._shown = shown
        self._first_bgr: NDArray[np.uint8] | None = first_bgr

    def read(self) -> RgbImage:
        """The next picture. Raises FeedLost when the device gives none: unplugged, or broken."""
        image_bgr, self._first_bgr = self._first_bgr, None
        if image_bgr is None:
            there, image_bgr = self._opened.read()
            if not there:
                raise FeedLost(f"{self._shown}: it gives no more pictures", source=self._shown)
        return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def interrupt(self) -> None:
        """Nothing can be done: a driver's wait ends by itself, within ten seconds."""

    def close(self) -> None:
        """Give the device back."""
        self._opened.release()


def _describe(device: Path) -> str:
    try:
        return f" ({(_NAMES_OF_DEVICES / device.name / 'name').read_text().strip()})"
    except OSError:
        return ""
