"""Still pictures as sources: one file, or a folder of them."""

import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from producer_service.capture.captured import Captured, Clock, DropPolicy, Refused, SourceItem
from producer_service.capture.still_image import ImageLimits, InvalidImage, image_format, read_image_file

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)


class StillFiles:
    """The pictures of some files, one frame each, in the order given.

    A picture on disk has no time of its own: it is taken when it is opened, or at `started_at_us`; each at least 1 µs
    after the one before, so that their order is kept.
    """

    still = True
    drop_policy = DropPolicy.WAIT

    def __init__(
        self,
        name: str,
        stream_id: str,
        paths: Sequence[Path],
        limits: ImageLimits,
        now_us: Clock,
        started_at_us: int | None,
    ) -> None:
        self.name = name
        self.stream_id = stream_id
        self.paths = tuple(paths)
        self._limits = limits
        self.started_at_us = started_at_us
        self._now_us = now_us

    @property
    def expected_frames(self) -> int | None:
        """One frame a file."""
        return len(self.paths)

    def read(self) -> Generator[SourceItem, None, None]:
        """Yield each file's picture, or why it is none."""
        last_us: int | None = None
        for index, path in enumerate(self.paths):
            taken_us = self._now_us() if self.started_at_us is None else self.started_at_us
            try:
                image = read_image_file(path, self._limits)
            except InvalidImage as error:
                yield Refused(str(path), error.reason, error.message)
                continue
            last_us = taken_us if last_us is None else max(taken_us, last_us + 1)
            yield Captured(image, last_us, index)


def list_pictures(folder: Path) -> list[Path]:
    """Files of a folder that are pictures by name or by their first bytes, as a person would number them (2 before 10).

    Hidden files and folders inside are not looked at. Raises OSError when the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        files = [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_file()]
    return sorted((path for path in files if is_picture(path)), key=_natural_order)


def is_picture(path: Path) -> bool:
    """Whether a file calls itself a picture, or begins as one."""
    return path.suffix.lower() in IMAGE_SUFFIXES or image_format(read_head(path)) is not None


def read_head(path: Path) -> bytes:
    """The first bytes of a file, empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(12)
    except OSError:
        return b""


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts], path.name
