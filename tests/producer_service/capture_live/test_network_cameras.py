"""Cameras on a network as they are: they hang up, freeze, stall, want passwords, and come back."""

import itertools
import logging
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import trustme

from producer_service.capture.captured import Captured, DropPolicy, Interrupted, RefusalReason, Refused, SourceItem
from producer_service.capture.live_source import LiveSource, Patience
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.source_status import SourceState
from producer_service.capture.still_image import ImageLimits
from producer_service.pipeline import wall_clock_us
from tests.producer_service.capture_live.http_camera import HttpCamera
from tests.producer_service.capture_live.rtp_media import HevcMedia
from tests.producer_service.capture_live.rtsp_camera import RtspCamera
from tests.producer_service.made_media import encode_picture, write_video

QUICK = Patience(connect_s=3, picture_s=1, frozen_after_s=0.6, first_delay_s=0.05, longest_delay_s=0.2)
AnyCamera = RtspCamera | HttpCamera
MakeCamera = Callable[..., AnyCamera]


@pytest.fixture
def make_camera() -> Iterator[MakeCamera]:
    """`make_camera(RtspCamera, …)`, closed after the test."""
    made: list[AnyCamera] = []

    def make(kind: type[AnyCamera], *arguments: object, **options: object) -> AnyCamera:
        made.append(kind(*arguments, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for camera in made:
        camera.listener.close()


def watch(url: str, patience: Patience = QUICK) -> LiveSource:
    source = open_source(url, SourceOptions(patience=patience), wall_clock_us)
    assert isinstance(source, LiveSource)
    return source


def take_pictures(items: Generator[SourceItem, None, None], count: int) -> list[Captured]:
    taken: list[Captured] = []
    while len(taken) < count:
        item = next(items)
        assert isinstance(item, Captured)
        taken.append(item)
    return taken


def take_until_interrupted(items: Generator[SourceItem, None, None]) -> tuple[int, Interrupted]:
    """How many pictures came before it, and it."""
    for count, item in enumerate(items):
        if isinstance(item, Interrupted):
            return count, item
    raise AssertionError("it ended")


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_pictures_come_as_they_are_taken(make_camera: MakeCamera, kind: type[AnyCamera]) -> None:
    source = watch(make_camera(kind).url)
    with closing(source.read()) as items:
        taken = take_pictures(items, 30)
        late_us = wall_clock_us() - taken[-1].captured_at_us
    steps = np.diff([int(picture.image[60, 80, 0]) for picture in taken])
    assert [picture.index for picture in taken] == list(range(30))
    assert taken[0].image.shape == (120, 160, 3)
    # One picture after the other: steps of five, as they were drawn.
    assert np.all(np.abs(steps - 5) <= 2)
    assert late_us < 300_000
    assert source.drop_policy is DropPolicy.DROP_OLDEST
    assert not source.still
    assert source.status.last_frame_at_us == taken[-1].captured_at_us


def test_an_mjpeg_server_that_tells_no_lengths_is_read_as_well(make_camera: MakeCamera) -> None:
    with closing(watch(make_camera(HttpCamera, tell_length=False).url).read()) as items:
        assert len(take_pictures(items, 10)) == 10


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_that_hangs_up_is_connected_to_again_and_what_follows_is_marked(
    make_camera: MakeCamera, kind: type[AnyCamera]
) -> None:
    camera = make_camera(kind)
    source = watch(camera.url)
    with closing(source.read()) as items:
        take_pictures(items, 3)
        camera.listener.go_away()
        before = threading.Timer(0.5, camera.listener.come_back)
        before.start()
        count, _ = take_until_interrupted(items)
        [after] = take_pictures(items, 1)
    assert after.index == 3 + count
    assert source.status.reconnects == 1
    assert source.status.last_error is not None


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_that_sends_one_picture_over_and_over_is_said_to_be_frozen(
    make_camera: MakeCamera, kind: type[AnyCamera]
) -> None:
    camera = make_camera(kind)
    source = watch(camera.url)
    states: set[SourceState] = set()
    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.moods.frozen.set()
        looking = _look_at_states(source, states)
        take_until_interrupted(items)
        camera.moods.frozen.clear()
        take_pictures(items, 5)
        looking.set()
    assert SourceState.FROZEN in states
    assert "the same picture" in (source.status.last_error or "")


def _look_at_states(source: LiveSource, states: set[SourceState]) -> threading.Event:
    enough = threading.Event()

    def look() -> None:
        while not enough.wait(0.002):
            states.add(source.status.state)

    threading.Thread(target=look, daemon=True).start()
    return enough


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_that_keeps_the_line_and_says_nothing_is_left_and_tried_again(
    make_camera: MakeCamera, kind: type[AnyCamera]
) -> None:
    camera = make_camera(kind)
    source = watch(camera.url)
    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.moods.stalled.set()
        back = threading.Timer(1.5, camera.moods.stalled.clear)
        back.start()
        take_until_interrupted(items)
    assert "no picture for 1 s" in (source.status.last_error or "")


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
@pytest.mark.parametrize("mood", ["stalled", "deaf"])
def test_told_to_stop_it_ends_within_a_second_whatever_the_camera_does(
    make_camera: MakeCamera, kind: type[AnyCamera], mood: str
) -> None:
    camera = make_camera(kind)
    getattr(camera.moods, mood).set()
    source = watch(camera.url, Patience(connect_s=30, picture_s=30))
    ended = threading.Event()

    def read() -> None:
        assert list(source.read()) == []
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    while not camera.listener.connections:
        time.sleep(0.01)
    source.stop()
    assert ended.wait(1)
    assert source.status.state is SourceState.ENDED


def test_a_stop_it_was_opened_with_ends_it_too(make_camera: MakeCamera) -> None:
    stop = threading.Event()
    source = open_source(make_camera(RtspCamera).url, SourceOptions(), wall_clock_us, stop)
    with closing(source.read()) as items:
        next(items)
        stop.set()
        assert list(items) == []


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


def test_a_password_that_is_refused_after_pictures_came_is_tried_again_and_shown_nowhere(
    make_camera: MakeCamera, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    camera = make_camera(RtspCamera, "ada", "s3cret")
    assert isinstance(camera, RtspCamera)
    source = watch(camera.url_with("ada", "s3cret"))
    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.password = "another"
        camera.listener.hang_up()
        back = threading.Timer(1, setattr, (camera, "password", "s3cret"))
        back.start()
        take_until_interrupted(items)
    assert "refuses the user or the password" in caplog.text + (source.status.last_error or "")
    assert "s3cret" not in caplog.text + repr(source.status) + "".join(capfd.readouterr())


def refusal_of(source: LiveSource) -> Refused:
    [refused] = source.read()
    assert isinstance(refused, Refused)
    return refused


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


@pytest.mark.parametrize(
    ("name", "fourcc"), [("a.mp4", "mp4v"), ("a.mkv", "MJPG"), ("a.avi", "MJPG"), ("a.ts", "mpg2")]
)
def test_a_video_in_a_container_comes_through_ffmpeg(
    make_camera: MakeCamera, tmp_path: Path, name: str, fourcc: str
) -> None:
    path = write_video(tmp_path / name, frames=20, frames_per_s=25, fourcc=fourcc)
    camera = make_camera(HttpCamera)
    assert isinstance(camera, HttpCamera)
    camera.answers["/movie"] = ("200 OK", {"Content-Type": "application/octet-stream"}, path.read_bytes())
    with closing(watch(camera.url_of("/movie")).read()) as items:
        taken = take_pictures(items, 18)
    assert taken[0].image.shape == (120, 160, 3)
    assert taken[-1].image.mean() > taken[0].image.mean()


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


@pytest.fixture
def authority() -> trustme.CA:
    """Whose certificates the cameras have."""
    return trustme.CA()


def certify(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


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


def test_a_real_recording_over_rtsp_gives_the_pictures_of_its_file(make_camera: MakeCamera, shared_data: Path) -> None:
    recording = shared_data / "videos" / "hoy_001.mp4"
    camera = make_camera(RtspCamera, media=HevcMedia(recording))
    expected = [
        item.image for item in open_source(recording, SourceOptions(), lambda: 0).read() if isinstance(item, Captured)
    ]
    with closing(watch(camera.url).read()) as items:
        for index, picture in enumerate(take_pictures(items, 40)):
            np.testing.assert_array_equal(picture.image, expected[index])


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_whose_pictures_are_too_large_is_refused(make_camera: MakeCamera, kind: type[AnyCamera]) -> None:
    options = SourceOptions(patience=QUICK, limits=ImageLimits(max_pixels=160 * 120 - 1))
    [first, *_] = itertools.islice(open_source(make_camera(kind).url, options, wall_clock_us).read(), 1)
    assert isinstance(first, Refused)
    assert first.reason is RefusalReason.IMAGE_TOO_LARGE
