"""Pictures made to do harm, sent to a service that goes on serving."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.producer_service.gateway.serving import Service
from tests.producer_service.hostile_pictures import make_polyglot, make_time_bomb
from tests.producer_service.made_media import draw_noise, draw_quarters, encode_picture

pytestmark = pytest.mark.servers


def send(service: Service, data: bytes, name: str = "picture.jpg") -> tuple[int, str]:
    answer = service.http.post("/upload", files={"file": (name, data)})
    body = answer.json()
    return answer.status_code, body["error"]["code"] if "error" in body else "published"


@pytest.fixture(autouse=True)
def _serves_on(service: Service, person: bytes) -> object:
    yield
    assert send(service, person) == (200, "published")


def test_a_pixel_bomb_is_refused_before_it_goes_off(service: Service) -> None:
    bomb = encode_picture(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    assert send(service, bomb) == (413, "image_too_large")


def test_a_picture_that_decodes_for_minutes_is_given_up(service: Service) -> None:
    assert send(service, make_time_bomb()) == (422, "decode_timeout")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_was_cut_off_is_damaged(service: Service, kind: str) -> None:
    whole = encode_picture(draw_noise(), kind)
    for length in (len(whole) // 4, len(whole) // 2, len(whole) * 3 // 4):
        assert send(service, whole[:length]) == (422, "damaged_image")


def test_what_hides_behind_a_picture_is_not_published(service: Service) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.sh", "rm -rf /")
    jpeg = encode_picture(draw_quarters(), "JPEG")
    for polyglot in (jpeg + archive.getvalue(), make_polyglot(jpeg)):
        assert send(service, polyglot) == (200, "published")
    # The other way round it is an archive, whatever its end.
    assert send(service, archive.getvalue() + jpeg) == (415, "not_an_image")


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + bytes(100),
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF",
        b"BM" + bytes(100),
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        b"II*\x00" + bytes(100),
        b"",
        b"\xff",
    ],
    ids=["gif", "html", "svg", "eps", "bmp", "jpeg2000", "tiff", "nothing", "one-byte"],
)
def test_what_only_calls_itself_a_picture_is_none(service: Service, data: bytes) -> None:
    assert send(service, data, "holiday.jpg") == (415, "not_an_image")


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd",
        "..\\..\\boot.ini",
        "a\0.jpg",
        "x" * 10_000,
        '"; rm -rf /; "',
        "\u202egpj.exe",
        "/dev/zero",
    ],
    ids=["path", "windows-path", "nul", "long", "shell", "right-to-left", "device"],
)
def test_a_file_may_call_itself_anything(service: Service, person: bytes, name: str) -> None:
    # Written by hand: clients escape what an attacker would not.
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode().replace(b'"', b"%22")
        + b'"\r\n\r\n'
        + person
        + b"\r\n--edge--\r\n"
    )
    answer = service.http.post("/upload", content=body, headers={"content-type": "multipart/form-data; boundary=edge"})
    assert answer.status_code in {200, 400}
    assert answer.status_code == 200 or answer.json()["error"]["code"] == "damaged_form"
    assert name[:20] not in answer.text


def test_where_a_picture_was_taken_is_not_passed_on(service: Service) -> None:
    picture = Image.fromarray(draw_quarters())
    exif = picture.getexif()
    exif[0x010E] = "a secret description"
    answer = service.http.post("/upload", files={"file": encode_picture(picture, "JPEG", exif=exif)})
    assert answer.status_code == 200
    assert "secret" not in answer.text


def test_a_picture_larger_than_the_limits_is_told_so(service: Service) -> None:
    wide = encode_picture(np.zeros((1, 8193, 3), np.uint8))
    assert send(service, wide) == (413, "image_too_large")
    heavy = person_of(8 * 1024 * 1024 + 1)
    assert send(service, heavy) == (413, "file_too_large")
    assert send(service, person_of(8 * 1024 * 1024)) == (200, "published")


def person_of(size: int) -> bytes:
    """A JPEG of exactly so many bytes: what follows its end is not looked at."""
    jpeg = encode_picture(draw_quarters(), "JPEG")
    return jpeg + bytes(size - len(jpeg))
