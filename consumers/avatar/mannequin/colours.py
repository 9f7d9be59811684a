"""What the mannequin is coloured with: one small picture, a cell a colour, so that any importer shows it right."""

import colorsys
import hashlib
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]


class Colour(IntEnum):
    """The value is the cell in the picture, from the left."""

    SKIN = 0
    BLUSH = auto()
    LIP = auto()
    MOUTH = auto()
    TEETH = auto()
    TONGUE = auto()
    EYE_WHITE = auto()
    IRIS = auto()
    PUPIL = auto()
    GLINT = auto()
    LASH = auto()
    BROW = auto()
    HAIR = auto()
    SHIRT = auto()
    TRIM = auto()
    TROUSERS = auto()
    SHOE = auto()
    SOLE = auto()


CELLS: Final = 32
"""Cells in the picture: a power of two, as old graphics cards want it."""

_PIXELS_A_CELL: Final = 4

_SKINS: Final = ((0.98, 0.84, 0.73), (0.94, 0.76, 0.62), (0.84, 0.63, 0.47), (0.66, 0.45, 0.32), (0.47, 0.31, 0.23))
_HAIRS: Final = ((0.24, 0.16, 0.12), (0.12, 0.11, 0.13), (0.45, 0.27, 0.15), (0.80, 0.60, 0.33), (0.56, 0.24, 0.13))
_IRISES: Final = ((0.27, 0.50, 0.62), (0.38, 0.25, 0.15), (0.30, 0.48, 0.30))


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of one mannequin. `hue` (0…1) is the shirt's; the others choose from what there is, modulo its number."""

    hue: float = 0.47
    skin: int = 1
    hair: int = 0
    iris: int = 0


def look_of(name: str) -> Look:
    """A look for a performer: always the same for the same name, mostly another for another one."""
    digest = hashlib.sha256(name.encode()).digest()
    return Look(hue=int.from_bytes(digest[:2]) / 65536.0, skin=digest[2], hair=digest[3], iris=digest[4])


def choose_colours(look: Look) -> dict[Colour, Rgb]:
    """sRGB, 0…1."""
    skin, hair = _SKINS[look.skin % len(_SKINS)], _HAIRS[look.hair % len(_HAIRS)]
    return {
        Colour.SKIN: skin,
        Colour.BLUSH: _mix(skin, (0.95, 0.45, 0.42), 0.30),
        Colour.LIP: _mix(skin, (0.72, 0.27, 0.28), 0.55),
        Colour.MOUTH: (0.33, 0.09, 0.11),
        Colour.TEETH: (0.97, 0.96, 0.93),
        Colour.TONGUE: (0.84, 0.40, 0.41),
        Colour.EYE_WHITE: (0.98, 0.98, 0.97),
        Colour.IRIS: _IRISES[look.iris % len(_IRISES)],
        Colour.PUPIL: (0.06, 0.05, 0.07),
        Colour.GLINT: (1.0, 1.0, 1.0),
        Colour.LASH: (0.14, 0.10, 0.10),
        Colour.BROW: _mix(hair, (0.1, 0.07, 0.06), 0.25),
        Colour.HAIR: hair,
        Colour.SHIRT: colorsys.hsv_to_rgb(look.hue, 0.58, 0.80),
        Colour.TRIM: colorsys.hsv_to_rgb(look.hue, 0.68, 0.58),
        Colour.TROUSERS: (0.23, 0.27, 0.37),
        Colour.SHOE: colorsys.hsv_to_rgb((look.hue + 0.5) % 1.0, 0.12, 0.42),
        Colour.SOLE: (0.94, 0.94, 0.92),
    }


def shade(colours: dict[Colour, Rgb]) -> dict[Colour, Rgb]:
    """The same colours where no light falls: darker, and warmer where there is skin."""
    warm = {Colour.SKIN, Colour.BLUSH, Colour.LIP}
    flat = {Colour.EYE_WHITE, Colour.IRIS, Colour.PUPIL, Colour.GLINT, Colour.TEETH, Colour.MOUTH, Colour.LASH}
    shaded: dict[Colour, Rgb] = {}
    for colour, (red, green, blue) in colours.items():
        if colour in warm:
            shaded[colour] = (red * 0.86, green * 0.68, blue * 0.63)
        elif colour in flat:
            shaded[colour] = (red * 0.92, green * 0.92, blue * 0.95)
        else:
            shaded[colour] = (red * 0.68, green * 0.67, blue * 0.76)
    return shaded


def paint(colours: dict[Colour, Rgb]) -> bytes:
    """The picture, as PNG (W3C, Portable Network Graphics): 8-bit RGB, no filter."""
    cells = np.zeros((CELLS, 3))
    for colour, rgb in colours.items():
        cells[colour] = rgb
    row = np.repeat(np.rint(cells * 255.0).astype(np.uint8), _PIXELS_A_CELL, axis=0).tobytes()
    header = struct.pack(">IIBBBBB", CELLS * _PIXELS_A_CELL, _PIXELS_A_CELL, 8, 2, 0, 0, 0)
    lines = zlib.compress((b"\x00" + row) * _PIXELS_A_CELL, 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", lines), (b"IEND", b""))
    )


def locate(colours: NDArray[np.integer]) -> NDArray[np.float32]:
    """float32[N, 2]: the middle of each colour's cell, as texture coordinates."""
    across = (colours + 0.5) / CELLS
    return np.stack((across, np.full(len(colours), 0.5)), axis=1).astype(np.float32)


def _mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    red, green, blue = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return red, green, blue
