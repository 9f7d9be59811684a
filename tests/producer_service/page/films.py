"""What the page is shown: a real video as the camera of a browser, and files for it to open."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

RgbFrames = Iterable[NDArray[np.uint8]]


def read_video(path: Path, width: int, height: int) -> RgbFrames:
    """Frames of a video as u8[height, width, 3]."""
    video = cv2.VideoCapture(str(path))
    try:
        while True:
            there, frame = video.read()
            if not there:
                return
            small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            yield np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        video.release()


def write_camera(path: Path, frames: RgbFrames, frames_per_s: int = 15) -> Path:
    """A film that Chromium plays over and over as a camera (YUV4MPEG2). Sides must be even."""
    with path.open("wb") as file:
        for index, frame in enumerate(frames):
            height, width = frame.shape[:2]
            if index == 0:
                file.write(f"YUV4MPEG2 W{width} H{height} F{frames_per_s}:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def write_webm(path: Path, frames: RgbFrames, frames_per_s: float) -> Path:
    """A video that every Chromium can play."""
    writer: cv2.VideoWriter | None = None
    for frame in frames:
        if writer is None:
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"VP80"), frames_per_s, size)
            assert writer.isOpened()
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    assert writer is not None
    writer.release()
    return path


def look_around(photo: NDArray[np.uint8], width: int, height: int, frames: int) -> RgbFrames:
    """A camera that looks up and down a square photo, and ends where it began."""
    square = cv2.resize(photo, (width, width), interpolation=cv2.INTER_CUBIC)
    for index in range(frames):
        top = round((width - height) * 0.15 * (1 - np.cos(2 * np.pi * index / frames)))
        yield np.ascontiguousarray(square[top : top + height])
