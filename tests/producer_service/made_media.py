"""Pictures and videos made by code, whole and damaged in many ways."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 200)


def draw_quarters(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """u8[height, width, 3]: red top left, green top right, blue below."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = GREEN
    image[height // 2 :] = BLUE
    return image


def draw_noise(width: int = 64, height: int = 48, seed: int = 7) -> NDArray[np.uint8]:
    """u8[height, width, 3] that no codec makes small."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encode_picture(image: NDArray[np.uint8] | Image.Image, image_format: str = "PNG", **options: object) -> bytes:
    """Bytes of a picture in one of Pillow's formats."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def write_video(path: Path, frames: int, frames_per_s: float = 10.0, fourcc: str = "mp4v") -> Path:
    """A video whose frames get brighter."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), frames_per_s, (160, 120))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((120, 160, 3), 5 * index % 256, dtype=np.uint8))
    writer.release()
    return path


def vary_frame_rate(path: Path, runs: Sequence[tuple[int, int]]) -> None:
    """Rewrite an mp4's table of frame durations as (frames, ticks each) runs, as phones write it.

    The table is the box moov/trak/mdia/minf/stbl/stts (ISO/IEC 14496-12, 8.6.1.2); the boxes around it grow with it.
    The movie's boxes stand behind its data, so no position in the data moves.
    """
    data = path.read_bytes()
    table = struct.pack(">II", 0, len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)
    path.write_bytes(_replace_box(data, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"), table))


def ticks_per_s(path: Path) -> int:
    """The time scale of an mp4's video track (box mdhd, version 0)."""
    data = path.read_bytes()
    start = data.index(b"mdhd") + 4
    return int(struct.unpack(">I", data[start + 12 : start + 16])[0])


def _replace_box(data: bytes, names: Sequence[bytes], content: bytes) -> bytes:
    if not names:
        return content
    position, rebuilt = 0, b""
    while position < len(data):
        size, name = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + size]
        if name == names[0]:
            body = _replace_box(body, names[1:], content)
        rebuilt += struct.pack(">I4s", len(body) + 8, name) + body
        position += size
    return rebuilt
