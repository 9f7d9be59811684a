"""What strangers send to the producer, and what cameras and proxies answer it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from producer_service.capture.captured import Captured
from producer_service.capture.rtsp_messages import BrokenRtsp, Message, RtspParser
from producer_service.capture.source_address import mask_address, parse_address
from producer_service.capture.still_image import ImageLimits, decode_image
from producer_service.gateway.forms import parse_form
from producer_service.gateway.wire import read_picture_message
from producer_service.rpc.failures import InvalidRequest
from producer_service.rpc.messages import NumberedPicture, Reader
from producer_service.rpc.schema import message_class
from tests.security.fuzz.target import Target, of_text

# Small, so that what passes the limits takes no time; the limits themselves are what is tried.
LIMITS = ImageLimits(max_bytes=32 * 1024, max_pixels=10_000, max_side_px=200)
_BOUNDARY = "b0undary"


def decode_picture(data: bytes, _: Path) -> None:
    pixels = decode_image(data, LIMITS)
    height, width, channels = pixels.shape
    assert pixels.dtype == np.uint8
    assert channels == 3
    assert 0 < width <= LIMITS.max_side_px
    assert 0 < height <= LIMITS.max_side_px


def read_rpc(data: bytes, _: Path) -> None:
    reader = Reader(LIMITS, lambda: 5)
    for read in (reader.track_message, reader.still_picture, reader.close_request, reader.list_request):
        said = read(data)
        if isinstance(said, InvalidRequest):
            assert said.message
        if isinstance(said, NumberedPicture) and isinstance(said.picture, Captured):
            assert said.picture.image.size <= LIMITS.max_pixels * 3


def read_form(data: bytes, _: Path) -> None:
    form = parse_form(f"multipart/form-data; boundary={_BOUNDARY}", data, ("stream", "captured_at"))
    assert len(form.file) <= len(data)


def read_form_type(data: bytes, _: Path) -> None:
    kind, body = [*data.split(b"\n", 1), b""][:2]
    parse_form(kind.decode("latin-1"), body, ("stream",))


def parse_rtsp(data: bytes, _: Path) -> None:
    """The same messages come out however the bytes are split."""
    whole = list(RtspParser().feed(data))
    parser, half = RtspParser(), len(data) // 2
    split = [item for piece in (data[:half], data[half:]) for item in parser.feed(piece)]
    assert len(split) == len(whole)
    for item in split:
        if isinstance(item, Message):
            assert isinstance(item.pack(), bytes)
            assert item.status is None or item.status >= 0


def read_address(text: str) -> None:
    assert len(mask_address(text)) <= 12 * len(text) + 100
    address = parse_address(text)
    if address.user or address.password:
        assert f"{address.user}:{address.password}@" not in address.shown


def _picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)).convert(mode)
    picture.save(file, kind, **options)
    return file.getvalue()


def _pictures() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        _picture("JPEG"),
        _picture("JPEG", exif=exif, progressive=True),
        _picture("PNG", "RGBA"),
        _picture("PNG", "P"),
        _picture("PNG", "I;16"),
        _picture("WEBP", lossless=True),
    ]


def _rpc() -> list[bytes]:
    encoded, raw, opening = (message_class("PictureMessage")() for _ in range(3))
    encoded.picture.number, encoded.picture.encoded = 4, _picture("JPEG")
    raw.picture.raw.width, raw.picture.raw.height, raw.picture.raw.rgb24 = 4, 2, bytes(24)
    opening.opening.stream_id, opening.opening.policy = "ada", 2
    still = message_class("StillPicture")()
    still.stream_id, still.picture.encoded = "ada", b"\xff\xd8\xff"
    return [bytes(message.SerializeToString()) for message in (encoded, raw, opening, still)]


_FORM = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    f'Content-Type: image/jpeg\r\n\r\nPIXELS\r\n--{_BOUNDARY}\r\nContent-Disposition: form-data; name="stream"\r\n\r\n'
    f"ada\r\n--{_BOUNDARY}--\r\n"
).encode()
_RTSP = (
    b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nv=0\r\n$\x00\x00\x04abcd"
    b"OPTIONS rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
)

TARGETS = (
    Target("pictures", decode_picture, _pictures),
    Target(
        "websocket",
        lambda data, _: read_picture_message(data),
        lambda: [b"\x01\x00\x00\x00" + np.float64(1.79e12).tobytes() + b"\xff\xd8\xff", bytes(12)],
    ),
    Target("grpc", read_rpc, _rpc),
    Target("form", read_form, lambda: [_FORM]),
    Target(
        "form-type",
        read_form_type,
        lambda: [f"multipart/form-data; boundary={_BOUNDARY}\n".encode() + _FORM, b"text/plain\nx"],
    ),
    Target("rtsp", parse_rtsp, lambda: [_RTSP], (BrokenRtsp,)),
    Target(
        "addresses",
        of_text(read_address),
        lambda: [b"rtsp://ada:hunter2@camera.example:554/live?x=hunter2", b"http://[::1]:80/a.mjpg", b"rtsps://a/"],
    ),
)
