"""Cameras on a network as they are: they hang up, freeze, stall, and come back."""

import threading
import time
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from producer_service.capture.captured import Captured, DropPolicy
from producer_service.capture.live_source import Patience
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.source_status import SourceState
from producer_service.pipeline import wall_clock_us
from tests.producer_service.capture_live.http_camera import HttpCamera
from tests.producer_service.capture_live.rtp_media import HevcMedia
from tests.producer_service.capture_live.rtsp_camera import RtspCamera
from tests.producer_service.capture_live.watching import (
    QUICK,
    AnyCamera,
    MakeCamera,
    take_pictures,
    take_until_interrupted,
    watch,
)
from tests.producer_service.made_media import write_video
from tests.producer_service.waiting import wait_until


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_pictures_come_as_they_are_taken(make_camera: MakeCamera, kind: type[AnyCamera]) -> None:
    source = watch(make_camera(kind).url)
    with closing(source.read()) as items:
        taken = take_pictures(items, 20)
        late_us = []
        for _ in range(10):
            taken += take_pictures(items, 1)
            late_us.append(wall_clock_us() - taken[-1].captured_at_us)
    steps = np.diff([int(picture.image[60, 80, 0]) for picture in taken])
    assert [picture.index for picture in taken] == list(range(30))
    assert taken[0].image.shape == (120, 160, 3)
    # One picture after the other: steps of five, as they were drawn.
    assert np.all(np.abs(steps - 5) <= 2)
    assert median(late_us) < 300_000
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
        before = threading.Timer(0.3, camera.listener.come_back)
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
    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.moods.frozen.set()
        take_until_interrupted(items)
        # It stays so until a picture comes of the next connection.
        assert source.status.state is SourceState.FROZEN
        camera.moods.frozen.clear()
        pictures = (item for item in items if isinstance(item, Captured))
        assert len(list(islice(pictures, 5))) == 5
    assert "the same picture" in (source.status.last_error or "")


@pytest.mark.parametrize("kind", [RtspCamera, HttpCamera])
def test_a_camera_that_keeps_the_line_and_says_nothing_is_left_and_tried_again(
    make_camera: MakeCamera, kind: type[AnyCamera]
) -> None:
    camera = make_camera(kind)
    source = watch(camera.url, replace(QUICK, picture_s=1.5))

    def come_back() -> None:
        wait_until(lambda: source.status.last_error is not None)
        camera.moods.stalled.clear()

    with closing(source.read()) as items:
        take_pictures(items, 2)
        camera.moods.stalled.set()
        threading.Thread(target=come_back, daemon=True).start()
        take_until_interrupted(items)
    assert "no picture for 1.5 s" in (source.status.last_error or "")


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


def test_a_real_recording_over_rtsp_gives_the_pictures_of_its_file(make_camera: MakeCamera, shared_data: Path) -> None:
    recording = shared_data / "videos" / "hoy_001.mp4"
    camera = make_camera(RtspCamera, media=HevcMedia(recording))
    expected = [
        item.image for item in open_source(recording, SourceOptions(), lambda: 0).read() if isinstance(item, Captured)
    ]
    with closing(watch(camera.url).read()) as items:
        for index, picture in enumerate(take_pictures(items, 40)):
            np.testing.assert_array_equal(picture.image, expected[index])
