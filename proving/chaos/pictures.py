"""Pictures of a person for producers that look at pictures."""

import io
from functools import cache
from pathlib import Path

from demo.astronaut import FRAMES_PER_SECOND, AstronautView
from producer_service.capture.captured import Captured


@cache
def draw_jpegs(count: int) -> tuple[bytes, ...]:
    """Views of somebody, as JPEG files."""
    from PIL import Image

    pictures = []
    for view in AstronautView("chaos", count, lambda: 0).read():
        if isinstance(view, Captured):
            file = io.BytesIO()
            Image.fromarray(view.image).save(file, "JPEG", quality=90)
            pictures.append(file.getvalue())
    return tuple(pictures)


def write_film(path: Path, frames: int) -> Path:
    """A video of somebody, at the path."""
    import cv2

    size_px = None
    writer = None
    for view in AstronautView("chaos", frames, lambda: 0).read():
        if not isinstance(view, Captured):
            continue
        if writer is None:
            size_px = (view.image.shape[1], view.image.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, size_px)
        writer.write(cv2.cvtColor(view.image, cv2.COLOR_RGB2BGR))
    if writer is not None:
        writer.release()
    return path
