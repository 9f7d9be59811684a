"""Pictures with something wrong in them, by the thousand: decoded or refused, and nothing breaks."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import Service
from tests.producer_service.made_media import draw_noise, draw_quarters, encode_picture

pytestmark = pytest.mark.servers

PNG = {"content-type": "image/png"}
EXPECTED = frozenset({200, 413, 415, 422})


def make_seeds() -> list[bytes]:
    """One of each kind, and of each way to write it."""
    quarters, noise = draw_quarters(), draw_noise(40, 30)
    grey = Image.fromarray(quarters).convert("L")
    return [
        encode_picture(quarters, "JPEG"),
        encode_picture(noise, "JPEG", progressive=True, quality=90),
        encode_picture(Image.fromarray(quarters).convert("CMYK"), "JPEG"),
        encode_picture(quarters, "PNG"),
        encode_picture(Image.fromarray(quarters).convert("P"), "PNG"),
        encode_picture(grey.convert("I;16"), "PNG"),
        encode_picture(Image.fromarray(noise).convert("RGBA"), "PNG"),
        encode_picture(quarters, "WEBP"),
        encode_picture(noise, "WEBP", lossless=True),
        encode_picture(
            Image.fromarray(quarters), "WEBP", save_all=True, append_images=[Image.fromarray(quarters[::-1].copy())]
        ),
    ]


def mutate(seeds: list[bytes], number: int) -> bytes:
    """The picture of that number: always the same one."""
    dice = random.Random(number)
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        kind, place = dice.randrange(6), dice.randrange(len(data)) if data else 0
        if kind == 0 and data:
            data[place] ^= 1 << dice.randrange(8)
        elif kind == 1 and data:
            data[place] = dice.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            del data[place : place + dice.randrange(1, 64)]
        elif kind == 4:
            data[place:place] = dice.randbytes(dice.randrange(1, 64))
        else:
            other = dice.choice(seeds)
            data[place:] = other[dice.randrange(len(other)) :]
    return bytes(data)


def send_all(service: Service, numbers: Iterator[int], threads: int) -> Counter[int]:
    seeds, statuses, lock = make_seeds(), Counter[int](), threading.Lock()

    def send(number: int) -> None:
        answer = service.http.post("/v1/images", content=mutate(seeds, number), headers=PNG)
        assert answer.status_code in EXPECTED, (number, answer.text)
        with lock:
            statuses[answer.status_code] += 1

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(send, numbers):
            pass
    return statuses


def test_hundreds_of_damaged_pictures_break_nothing(service: Service, person: bytes) -> None:
    statuses = send_all(service, iter(range(400)), threads=4)
    assert statuses[422] > 20
    assert statuses[415] > 5
    assert service.http.post("/v1/images", content=person, headers=PNG).status_code == 200


@pytest.mark.long
def test_ten_thousand_damaged_pictures_break_nothing(serve: Serve, person: bytes) -> None:
    with serve(requests_per_s=1e6) as service:
        workers_before = read_figure(service, "holistic_producer_workers_replaced_total")
        statuses = send_all(service, iter(range(1_000, 11_000)), threads=4)
        assert sum(statuses.values()) == 10_000
        assert len(statuses) >= 3
        assert read_figure(service, "holistic_producer_workers_replaced_total") == workers_before == 0
        assert service.http.post("/v1/images", content=person, headers=PNG).status_code == 200


def read_figure(service: Service, name: str) -> float:
    text = httpx.get(f"{service.url}/metrics").text
    return float(next(line for line in text.splitlines() if line.startswith(name)).rsplit(" ", 1)[1])
