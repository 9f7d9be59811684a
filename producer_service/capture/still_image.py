"""Untrusted bytes of a still picture to RGB pixels, within limits.

Pillow decodes, not OpenCV: OpenCV returns damaged JPEGs half grey without a word.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from keypoints.errors import Terminal
from producer_service.capture.captured import RefusalReason, RgbImage

_SIXTEEN_BIT_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_PAPER: Final = (255, 255, 255)

# Our own limits refuse what Pillow would only warn of.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a still picture may weigh and measure before it is decoded."""

    max_bytes: int = 8 * 1024 * 1024
    max_pixels: int = 16_000_000
    max_side_px: int = 8192


class InvalidImage(Terminal):
    """Bytes that are no usable picture. Fields: reason (RefusalReason), and what was measured."""

    def __init__(self, reason: RefusalReason, message: str, **measured: int) -> None:
        super().__init__(message, reason=reason)
        self.fields.update(measured)
        self.reason = reason


def image_format(head: bytes) -> str | None:
    """`JPEG`, `PNG` or `WEBP` by the first 12 bytes of a file, None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return None


def read_image_file(path: Path, limits: ImageLimits) -> RgbImage:
    """Decode a picture from disk; never reads more than the limit. Raises InvalidImage."""
    try:
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}"
        raise InvalidImage(RefusalReason.UNREADABLE_FILE, message) from error
    return decode_image(data, limits)


def decode_image(data: bytes, limits: ImageLimits) -> RgbImage:
    """Pixels of a JPEG, PNG or WebP as u8[height, width, 3], upright (EXIF orientation applied), metadata dropped.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparent ones are laid on white. Of an animation or a
    multi-picture file, the first picture counts. Raises InvalidImage: too large, not one of the formats, or damaged.
    """
    if len(data) > limits.max_bytes:
        raise InvalidImage(
            RefusalReason.FILE_TOO_LARGE, f"the picture has more than {limits.max_bytes} bytes", bytes=len(data)
        )
    found = image_format(data[:12])
    if found is None:
        raise InvalidImage(RefusalReason.NOT_AN_IMAGE, "not a JPEG, PNG or WebP picture")
    try:
        with Image.open(io.BytesIO(data), formats=[found]) as picture:
            _check_size(picture, limits)
            picture.load()
            return _to_rgb(_upright(picture))
    except InvalidImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImage(RefusalReason.IMAGE_TOO_LARGE, f"the {found} picture is too large: {error}") from error
    except Exception as error:
        # Pillow's readers raise some ten unrelated types on damaged bytes.
        message = f"the {found} picture is damaged: {error}"
        raise InvalidImage(RefusalReason.DAMAGED_IMAGE, message) from error


def _check_size(picture: Image.Image, limits: ImageLimits) -> None:
    """The size stands in the header: a bomb is refused before a pixel of it is decoded."""
    width, height = picture.size
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise InvalidImage(
            RefusalReason.IMAGE_TOO_LARGE,
            f"{width}×{height} px is more than {limits.max_side_px} px a side or {limits.max_pixels} px in all",
            width=width,
            height=height,
        )


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001 - broken metadata says nothing about the pixels, which were decoded in full
        return picture


def _to_rgb(picture: Image.Image) -> RgbImage:
    if picture.mode in _SIXTEEN_BIT_MODES:
        # Pillow's own conversion clips at 255, which turns any 16-bit picture white.
        grey = (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, (*_PAPER, 255))
        picture = Image.alpha_composite(paper, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"), dtype=np.uint8, order="C")
