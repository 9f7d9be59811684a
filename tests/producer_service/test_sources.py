"""What is on disk becomes pictures with the right times, or a refusal that says what was wrong."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from keypoints.topics import InvalidStreamId
from producer_service.capture.captured import Captured, RefusalReason, Refused, Source, SourceItem
from producer_service.capture.open_source import SourceOptions, open_source
from tests.producer_service.made_media import (
    draw_quarters,
    encode_picture,
    ticks_per_s,
    vary_frame_rate,
    write_video,
)

OPENED_US = 1_700_000_000_000_000
GIVEN_US = 1_600_000_000_000_000


def open_now(path: Path, **options: object) -> Source:
    return open_source(path, SourceOptions(**options), lambda: OPENED_US)  # type: ignore[arg-type]


def pictures(items: Iterable[SourceItem]) -> list[Captured]:
    return [item for item in items if isinstance(item, Captured)]


def reasons(items: Iterable[SourceItem]) -> list[RefusalReason]:
    return [item.reason for item in items if isinstance(item, Refused)]


def write_pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(encode_picture(draw_quarters()))
    return folder


def test_every_frame_of_a_video_has_its_own_time_since_the_file_was_opened(tmp_path: Path) -> None:
    video = open_now(write_video(tmp_path / "walk.mp4", frames=20, frames_per_s=10))
    frames = pictures(video.read())
    assert [frame.captured_at_us - OPENED_US for frame in frames] == [100_000 * index for index in range(20)]
    assert [frame.index for frame in frames] == list(range(20))
    assert video.expected_frames == 20
    assert not video.still


def test_a_given_start_replaces_the_time_of_opening(tmp_path: Path) -> None:
    video = open_now(write_video(tmp_path / "walk.mp4", frames=3), started_at_us=GIVEN_US)
    assert [frame.captured_at_us for frame in pictures(video.read())] == [
        GIVEN_US,
        GIVEN_US + 100_000,
        GIVEN_US + 200_000,
    ]


def test_a_variable_frame_rate_keeps_its_rhythm(tmp_path: Path) -> None:
    path = write_video(tmp_path / "phone.mp4", frames=20, frames_per_s=10)
    ticks = ticks_per_s(path)
    vary_frame_rate(path, [(10, ticks // 20), (5, ticks // 5), (5, ticks // 10)])
    times_ms = [(frame.captured_at_us - OPENED_US) // 1000 for frame in pictures(open_now(path).read())]
    assert times_ms == [50 * index for index in range(10)] + [500 + 200 * index for index in range(5)] + [
        1500 + 100 * index for index in range(5)
    ]


def test_frames_of_a_video_are_red_first(tmp_path: Path) -> None:
    import cv2

    writer = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 220), dtype=np.uint8))
    writer.release()
    [frame] = pictures(open_now(tmp_path / "red.avi").read())
    assert frame.image.shape == (48, 64, 3)
    assert frame.image[24, 32, 0] > 200
    assert frame.image[24, 32, 2] < 20


@pytest.mark.parametrize(("name", "fourcc"), [("cut.avi", "MJPG"), ("cut.mkv", "MJPG")])
def test_a_video_cut_short_gives_the_frames_it_has_and_says_what_is_missing(
    tmp_path: Path, name: str, fourcc: str
) -> None:
    path = write_video(tmp_path / name, frames=40, fourcc=fourcc)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    items = list(open_now(path).read())
    assert 10 < len(pictures(items)) < 30
    assert reasons(items) == [RefusalReason.TRUNCATED_VIDEO]
    assert isinstance(items[-1], Refused)
    assert f"{len(pictures(items))} of 40 frames" in items[-1].message


def test_a_video_without_a_single_frame_is_said_to_be_empty(tmp_path: Path) -> None:
    assert reasons(open_now(write_video(tmp_path / "none.avi", frames=0, fourcc="MJPG")).read()) == [
        RefusalReason.EMPTY_VIDEO
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("junk.mp4", np.random.default_rng(3).bytes(50_000)),
        ("notes.txt", b"hello\n" * 100),
        ("sound.wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/part.ts\n"),
    ],
)
def test_a_file_that_is_no_video_is_unreadable(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert reasons(open_now(tmp_path / name).read()) == [RefusalReason.UNREADABLE_VIDEO]


def test_an_mp4_whose_index_was_never_written_is_unreadable(tmp_path: Path) -> None:
    path = write_video(tmp_path / "crashed.mp4", frames=30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reasons(open_now(path).read()) == [RefusalReason.UNREADABLE_VIDEO]


def test_a_missing_file_an_empty_folder_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert reasons(open_now(tmp_path / "gone.mp4").read()) == [RefusalReason.MISSING_FILE]
    assert reasons(open_now(tmp_path / "empty").read()) == [RefusalReason.EMPTY_FOLDER]
    assert reasons(open_now(tmp_path / "pipe").read()) == [RefusalReason.UNREADABLE_FILE]


def test_a_folder_is_read_as_a_person_would_number_it_and_goes_on_after_a_bad_picture(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "shots", "shot10.png", "shot9.png", "shot1.png")
    (folder / "shot2.png").write_bytes(b"no picture at all")
    (folder / "notes.txt").write_text("not a picture, and not called one")
    (folder / ".hidden.png").write_bytes(b"")
    source = open_now(folder)
    items = list(source.read())
    assert source.still
    assert source.expected_frames == 4
    assert [getattr(item, "index", None) for item in items] == [0, None, 2, 3]
    assert [Path(item.name).name for item in items if isinstance(item, Refused)] == ["shot2.png"]
    assert reasons(items) == [RefusalReason.NOT_AN_IMAGE]


def test_pictures_without_a_name_of_one_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    [picture] = pictures(open_now(write_pictures(tmp_path / "odd", "camera_upload_1") / "camera_upload_1").read())
    np.testing.assert_array_equal(picture.image, draw_quarters())


def test_pictures_of_a_folder_keep_their_order_in_time_even_with_one_given_start(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "shots", *(f"{index}.png" for index in range(5)))
    times = [picture.captured_at_us for picture in pictures(open_now(folder, started_at_us=GIVEN_US).read())]
    assert times == [GIVEN_US + index for index in range(5)]


def test_a_stream_is_named_after_its_file_or_folder_unless_told_otherwise(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "take.two", "ada.png")
    assert open_now(folder).stream_id == "take.two"
    assert open_now(folder / "ada.png").stream_id == "ada"
    assert open_now(folder / "ada.png", stream_id="dancer").stream_id == "dancer"


def test_a_stream_name_that_cannot_be_stored_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidStreamId):
        open_now(tmp_path, stream_id="a\x00b")


def test_a_real_recording_has_its_64_frames_at_30_a_second(shared_data: Path) -> None:
    frames = pictures(open_now(shared_data / "videos" / "hoy_001.mp4").read())
    times_us = np.array([frame.captured_at_us for frame in frames])
    assert len(frames) == 64
    assert times_us[0] == OPENED_US
    assert np.diff(times_us).min() > 0
    assert abs(np.median(np.diff(times_us)) - 33_333) <= 1
    assert frames[0].image.shape == (720, 1280, 3)
