"""Pictures from strangers, decoded in processes of their own: whatever they hold, the next one is served."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from producer_service.capture.captured import RefusalReason
from producer_service.capture.decoders import Decoders
from producer_service.capture.still_image import ImageLimits, InvalidImage, decode_image
from producer_service.isolation.picture_memory import PictureMemory
from tests.producer_service.hostile_pictures import make_pixel_bomb, make_polyglot, make_time_bomb
from tests.producer_service.made_media import draw_noise, draw_quarters, encode_picture
from tests.producer_service.waiting import wait_until

LIMITS = ImageLimits()


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    opened = Decoders(1, LIMITS, timeout_s=30.0)
    yield opened
    opened.close()


@pytest.fixture
def impatient() -> Iterator[Decoders]:
    opened = Decoders(1, LIMITS, timeout_s=3.0)
    yield opened
    opened.close()


def refusal(decoders: Decoders, data: bytes) -> RefusalReason:
    with pytest.raises(InvalidImage) as raised:
        decoders.decode(data, None)
    return raised.value.reason


def assert_serves(decoders: Decoders) -> None:
    assert np.array_equal(decoders.decode(encode_picture(draw_quarters()), None), draw_quarters())


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_pixels_are_those_of_decoding_here(decoders: Decoders, image_format: str) -> None:
    data = encode_picture(draw_noise(200, 100), image_format)
    memory = PictureMemory()
    image = decoders.decode(data, memory)
    assert memory.holds(image)
    assert np.array_equal(image, decode_image(data, LIMITS))
    memory.close()


def test_a_picture_larger_than_the_memory_makes_it_grow(decoders: Decoders) -> None:
    memory = PictureMemory()
    large = np.full((3000, 4000, 3), 77, np.uint8)
    assert np.array_equal(decoders.decode(encode_picture(large), memory), large)
    memory.close()


def test_a_small_file_that_asks_for_thousands_of_passes_is_refused_in_time(impatient: Decoders) -> None:
    started_s = time.monotonic()
    assert refusal(impatient, make_time_bomb()) is RefusalReason.DECODE_TIMEOUT
    assert time.monotonic() - started_s < 7
    assert_serves(impatient)


def test_a_pixel_bomb_is_refused_by_its_header(decoders: Decoders) -> None:
    assert refusal(decoders, make_pixel_bomb(20_000, 2_000)) is RefusalReason.IMAGE_TOO_LARGE
    assert_serves(decoders)


def test_a_truncated_picture_is_damaged_and_one_with_a_page_behind_it_is_a_picture(decoders: Decoders) -> None:
    whole = encode_picture(draw_noise(), "JPEG")
    assert refusal(decoders, whole[: len(whole) // 2]) is RefusalReason.DAMAGED_IMAGE
    assert np.array_equal(decoders.decode(make_polyglot(whole), None), decode_image(whole, LIMITS))


def test_what_is_no_picture_or_too_long_does_not_even_reach_a_decoder(decoders: Decoders) -> None:
    assert refusal(decoders, b"<html>") is RefusalReason.NOT_AN_IMAGE
    assert refusal(decoders, b"\xff\xd8\xff" + bytes(LIMITS.max_bytes)) is RefusalReason.FILE_TOO_LARGE


def test_a_decoder_that_died_is_replaced_and_costs_no_picture(decoders: Decoders) -> None:
    assert_serves(decoders)
    (pid,) = decoders.pids()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").read_bytes())
    assert_serves(decoders)
    assert decoders.pids() != [pid]


def test_more_pictures_than_decoders_wait_for_their_turn(decoders: Decoders) -> None:
    data, decoded = encode_picture(draw_noise(400, 300)), []
    threads = [threading.Thread(target=lambda: decoded.append(decoders.decode(data, None))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decoded) == 8
