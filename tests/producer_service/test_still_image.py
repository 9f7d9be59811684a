"""Untrusted pictures: what is usable comes out as upright RGB, everything else is refused with its reason."""

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from producer_service.capture.captured import RefusalReason
from producer_service.capture.still_image import ImageLimits, InvalidImage, decode_image, read_image_file
from tests.producer_service.made_media import BLUE, GREEN, RED, draw_noise, draw_quarters, encode_picture

LIMITS = ImageLimits()
ORIENTATION_TAG = 0x0112


def refusal(data: bytes, limits: ImageLimits = LIMITS) -> RefusalReason:
    with pytest.raises(InvalidImage) as caught:
        decode_image(data, limits)
    return caught.value.reason


@pytest.mark.parametrize(("image_format", "tolerance"), [("PNG", 0), ("JPEG", 12), ("WEBP", 12)])
def test_each_accepted_format_keeps_its_colours(image_format: str, tolerance: int) -> None:
    image = decode_image(encode_picture(draw_quarters(), image_format), LIMITS)
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    for (row, column), colour in {(10, 15): RED, (10, 50): GREEN, (40, 30): BLUE}.items():
        assert np.abs(image[row, column].astype(int) - colour).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_taken_with_a_turned_phone_stands_upright(orientation: int) -> None:
    # What a camera held that way would have stored of the upright picture.
    turn_back: dict[int, Callable[[Image.Image], Image.Image]] = {
        1: lambda picture: picture,
        2: lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
        4: lambda picture: picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda picture: picture.transpose(Image.Transpose.TRANSPOSE),
        6: lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
        7: lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
        8: lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
    }
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    stored = encode_picture(turn_back[orientation](Image.fromarray(draw_quarters())), "PNG", exif=exif)
    np.testing.assert_array_equal(decode_image(stored, LIMITS), draw_quarters())


def test_broken_orientation_metadata_does_not_cost_the_picture() -> None:
    stored = encode_picture(draw_quarters(), "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    np.testing.assert_array_equal(decode_image(stored, LIMITS), draw_quarters())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_pixel_mode_of_png_becomes_three_channels(mode: str) -> None:
    picture = Image.fromarray(draw_quarters()).convert(mode)
    image = decode_image(encode_picture(picture), LIMITS)
    np.testing.assert_array_equal(image, np.asarray(picture.convert("RGB")))


def test_a_sixteen_bit_grey_picture_keeps_its_shades_instead_of_turning_white() -> None:
    shades = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    image = decode_image(encode_picture(Image.fromarray(shades)), LIMITS)
    np.testing.assert_array_equal(image[:, :, 0], shades >> 8)
    np.testing.assert_array_equal(image[:, :, 0], image[:, :, 2])


def test_a_printers_cmyk_jpeg_has_the_right_colours() -> None:
    stored = encode_picture(Image.fromarray(draw_quarters()).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(decode_image(stored, LIMITS).astype(int) - draw_quarters()).max() <= 12


def test_transparent_pixels_lie_on_white_whatever_colour_they_hide() -> None:
    cut_out = np.zeros((8, 8, 4), dtype=np.uint8)
    cut_out[2:6, 2:6] = (*RED, 255)
    image = decode_image(encode_picture(Image.fromarray(cut_out)), LIMITS)
    assert tuple(image[0, 0]) == (255, 255, 255)
    assert tuple(image[4, 4]) == RED


def test_a_palette_with_a_transparent_entry_lies_on_white() -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([*GREEN, *RED])
    picture.putpixel((1, 1), 1)
    image = decode_image(encode_picture(picture, transparency=0), LIMITS)
    assert tuple(image[0, 0]) == (255, 255, 255)
    assert tuple(image[1, 1]) == RED


@pytest.mark.parametrize("image_format", ["WEBP", "PNG"])
def test_of_an_animation_the_first_picture_counts(image_format: str) -> None:
    later = Image.new("RGB", (64, 48), GREEN)
    stored = encode_picture(draw_quarters(), image_format, save_all=True, append_images=[later], lossless=True)
    np.testing.assert_array_equal(decode_image(stored, LIMITS), draw_quarters())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"hello",
        b"GIF89a" + bytes(64),
        b"BM" + bytes(64),
        b"II*\x00" + bytes(64),
        b"%PDF-1.7\n" + bytes(64),
    ],
    ids=["empty", "one byte", "text", "gif", "bmp", "tiff", "pdf"],
)
def test_what_is_no_jpeg_png_or_webp_is_said_to_be_none(data: bytes) -> None:
    assert refusal(data) is RefusalReason.NOT_AN_IMAGE


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95])
def test_a_picture_cut_short_is_refused_however_much_of_it_is_there(image_format: str, kept: float) -> None:
    stored = encode_picture(draw_noise(200, 150), image_format)
    assert refusal(stored[: max(13, int(len(stored) * kept))]) is RefusalReason.DAMAGED_IMAGE


@pytest.mark.parametrize("signature", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x10\x00\x00WEBP"])
def test_random_bytes_behind_a_good_signature_are_refused(signature: bytes) -> None:
    junk = np.random.default_rng(1).bytes(4096)
    assert refusal(signature + junk) is RefusalReason.DAMAGED_IMAGE


def test_a_png_with_a_flipped_bit_in_its_pixels_is_refused() -> None:
    stored = bytearray(encode_picture(draw_noise()))
    stored[len(stored) // 2] ^= 0x10
    assert refusal(bytes(stored)) is RefusalReason.DAMAGED_IMAGE


@settings(max_examples=150, deadline=None)
@given(
    image_format=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    kept=st.floats(0.1, 1),
)
def test_a_mutated_picture_gives_pixels_or_a_refusal_and_never_a_crash(
    image_format: str, damage: list[tuple[float, int]], kept: float
) -> None:
    stored = bytearray(encode_picture(draw_noise(40, 30), image_format))
    for place, value in damage:
        stored[int(place * len(stored))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = decode_image(bytes(stored[: int(kept * len(stored))]), LIMITS)
        except InvalidImage:
            return
    assert image.ndim == 3
    assert image.shape[2] == 3


def test_a_file_above_the_byte_limit_is_refused_without_reading_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(50 * 1024**3)
    with pytest.raises(InvalidImage) as caught:
        read_image_file(path, LIMITS)
    assert caught.value.reason is RefusalReason.FILE_TOO_LARGE
    assert caught.value.fields["bytes"] == LIMITS.max_bytes + 1


@pytest.mark.parametrize(
    ("width", "height"), [(8193, 1), (1, 8193), (5000, 5000), (10_000, 10_000), (60000, 60000), (2**31 - 1, 2**31 - 1)]
)
def test_a_pixel_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000)))
    assert refusal(bomb) is RefusalReason.IMAGE_TOO_LARGE


def test_a_picture_at_the_limits_is_taken() -> None:
    limits = ImageLimits(max_pixels=64 * 48, max_side_px=64)
    assert decode_image(encode_picture(draw_quarters()), limits).shape == (48, 64, 3)


def test_a_picture_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidImage) as caught:
        read_image_file(tmp_path / "gone.jpg", LIMITS)
    assert caught.value.reason is RefusalReason.UNREADABLE_FILE
    assert "gone.jpg" in caught.value.message
