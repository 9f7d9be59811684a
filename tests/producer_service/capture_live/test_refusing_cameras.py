"""Cameras that want passwords, send elsewhere or nothing of use: the reason is told, the password never."""

import itertools
import logging
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import trustme

from producer_service.capture.captured import Captured, RefusalReason, Refused
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.still_image import ImageLimits
from producer_service.pipeline import wall_clock_us
from tests.producer_service.capture_live.http_camera import HttpCamera
from tests.producer_service.capture_live.rtsp_camera import RtspCamera
from tests.producer_service.capture_live.watching import (
    QUICK,
    AnyCamera,
    MakeCamera,
    certify,
    refusal_of,
    take_pictures,
    take_until_interrupted,
    watch,
)
from tests.producer_service.made_media import encode_picture
from tests.producer_service.waiting import wait_until


@pytest.fixture
def authority() -> trustme.CA:
    """Whose certificates the cameras have."""
    return trustme.CA()


@pytest.mark.parametrize(
    ("kind", "wants"), [(RtspCamera, ("ada", "s3cret")), (HttpCamera, ("Basic YWRhOnMzY3JldA==",))]
)
def test_a_wrong_password_is_said_to_be_one_and_shown_nowhere(
    make_camera: MakeCamera,
    kind: type[AnyCamera],
    wants: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    camera = make_camera(kind, *wants)
    source = watch(camera.url_with("ada", "hunter2"))
    [refused] = source.read()
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.WRONG_CREDENTIALS
    assert "refuses the user or the password" in refused.message
    shown = "".join([repr(refused), repr(source.status), source.name, source.stream_id, caplog.text])
    assert "hunter2" not in shown + "".join(capfd.readouterr())
    assert "ada:" not in shown
    assert "***@127.0.0.1" in refused.name


def test_a_redirect_is_followed_nowhere(make_camera: MakeCamera) -> None:
    elsewhere = make_camera(RtspCamera)
    rtsp, http = make_camera(RtspCamera), make_camera(HttpCamera)
    assert isinstance(rtsp, RtspCamera)
    assert isinstance(http, HttpCamera)
    rtsp.redirect_to = elsewhere.url_with("u", "s3cret")
    http.answers["/video"] = ("302 Found", {"Location": elsewhere.url}, b"")
    for camera in (rtsp, http):
        refused = refusal_of(watch(camera.url))
        assert refused.reason is RefusalReason.REFUSED_ADDRESS
        assert "redirects to rtsp://" in refused.message
        assert "s3cret" not in refused.message
    assert elsewhere.listener.connections == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/jpeg", encode_picture(np.zeros((8, 8, 3), np.uint8), "JPEG")),
        ("text/html", b"<html>log in</html>"),
        ("application/vnd.apple.mpegurl", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/video\n" + b"#\n" * 300),
        ("video/mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/video\n" + b"#\n" * 300),
        ("video/mp4", b"ffconcat version 1.0\nfile /etc/passwd\n" + b"#\n" * 300),
        ("video/mp4", b"ID3\x04\x00\x00\x00\x00\x00\x00#EXTM3U\nhttp://127.0.0.1:{port}/video\n" + b"#\n" * 300),
        ("video/mp4", b"v=0\r\nm=video 5004 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\n" + b"#\n" * 300),
        ("video/mp4", b""),
        ("video/mp4", np.random.default_rng(3).bytes(5_000)),
    ],
)
def test_what_is_no_video_or_names_others_is_refused_before_anything_reads_it(
    make_camera: MakeCamera, content_type: str, body: bytes
) -> None:
    camera = make_camera(HttpCamera)
    assert isinstance(camera, HttpCamera)
    body = body.replace(b"{port}", str(camera.listener.port).encode())
    camera.answers["/movie"] = ("200 OK", {"Content-Type": content_type}, body)
    refused = refusal_of(watch(camera.url_of("/movie")))
    assert refused.reason is RefusalReason.UNREADABLE_STREAM
    assert camera.requests == ["/movie"]


def test_damaged_pictures_are_told_and_a_camera_that_sends_nothing_else_is_left(make_camera: MakeCamera) -> None:
    camera = make_camera(HttpCamera)
    assert isinstance(camera, HttpCamera)
    camera.damaged = True
    source = watch(camera.url)
    with closing(source.read()) as items:
        while source.status.last_error is None:
            item = next(items)
            assert isinstance(item, Refused)
            assert item.reason is RefusalReason.DAMAGED_IMAGE
            # The last of those that are too many is the reason of the loss, which shows with the next item.
            camera.damaged = camera.listener.connections == 1
        while not isinstance(next(items), Captured):
            pass
    assert camera.listener.connections >= 2
    assert "damaged" in source.status.last_error


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_whose_pictures_are_too_large_is_refused(make_camera: MakeCamera, kind: type[AnyCamera]) -> None:
    options = SourceOptions(patience=QUICK, limits=ImageLimits(max_pixels=160 * 120 - 1))
    [first, *_] = itertools.islice(open_source(make_camera(kind).url, options, wall_clock_us).read(), 1)
    assert isinstance(first, Refused)
    assert first.reason is RefusalReason.IMAGE_TOO_LARGE


@pytest.mark.parametrize("scheme", ["Digest", "Basic"])
def test_an_rtsp_camera_is_told_its_password_in_either_way_and_ffmpeg_never_is(
    make_camera: MakeCamera, scheme: str, capfd: pytest.CaptureFixture[str]
) -> None:
    camera = make_camera(RtspCamera, "ada", "s3cret", scheme)
    assert isinstance(camera, RtspCamera)
    with closing(watch(camera.url_with("ada", "s3cret")).read()) as items:
        take_pictures(items, 2)
    assert "s3cret" not in "".join(camera.requests)
    assert "s3cret" not in "".join(capfd.readouterr())


def test_an_http_camera_is_told_its_password(make_camera: MakeCamera) -> None:
    camera = make_camera(HttpCamera, "Basic YWRhOnMzY3JldA==")
    with closing(watch(camera.url_with("ada", "s3cret")).read()) as items:
        take_pictures(items, 2)


def test_a_password_that_is_refused_after_pictures_came_is_tried_again_and_shown_nowhere(
    make_camera: MakeCamera, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    camera = make_camera(RtspCamera, "ada", "s3cret")
    assert isinstance(camera, RtspCamera)
    source = watch(camera.url_with("ada", "s3cret"))

    def let_in_again() -> None:
        wait_until(lambda: "refuses the user or the password" in caplog.text + (source.status.last_error or ""))
        camera.password = "s3cret"

    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.password = "another"
        camera.listener.hang_up()
        threading.Thread(target=let_in_again, daemon=True).start()
        take_until_interrupted(items)
        take_pictures(items, 1)
    assert source.status.reconnects == 1
    assert "s3cret" not in caplog.text + repr(source.status) + "".join(capfd.readouterr())


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_over_tls_a_trusted_camera_is_read_and_found_again(
    make_camera: MakeCamera,
    kind: type[AnyCamera],
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    camera = make_camera(kind, tls=certify(authority, "127.0.0.1"))
    with closing(watch(camera.url).read()) as items:
        take_pictures(items, 30)
        camera.listener.hang_up()
        take_until_interrupted(items)
        take_pictures(items, 3)


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_over_tls_a_stranger_gets_neither_a_request_nor_a_password(
    make_camera: MakeCamera, kind: type[AnyCamera], authority: trustme.CA
) -> None:
    camera = make_camera(kind, tls=certify(authority, "127.0.0.1"))
    source = watch(camera.url_with("ada", "s3cret"))
    reading = threading.Thread(target=lambda: list(source.read()), daemon=True)
    reading.start()
    while source.status.last_error is None:
        time.sleep(0.01)
    source.stop()
    reading.join(2)
    assert not reading.is_alive()
    assert "certificate" in (source.status.last_error or "")
    assert camera.requests == []


def test_a_camera_nobody_answers_for_is_tried_for_ever_and_said_to_be_away_once(
    make_camera: MakeCamera, caplog: pytest.LogCaptureFixture
) -> None:
    camera = make_camera(RtspCamera)
    camera.listener.go_away()
    source = watch(camera.url_with("ada", "s3cret"))
    ended = threading.Thread(target=lambda: list(source.read()), daemon=True)
    ended.start()
    while source.status.last_error is None:
        time.sleep(0.01)
    time.sleep(0.5)
    source.stop()
    ended.join(1)
    assert not ended.is_alive()
    assert "connection refused" in (source.status.last_error or "")
    assert caplog.text.count("trying again") == 1
    assert "s3cret" not in caplog.text
