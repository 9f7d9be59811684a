"""A person before a camera, with a real browser, real MediaPipe and a real topic behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from skimage import data

from keypoints import HolisticFrame
from tests.producer_service.made_media import encode_picture
from tests.producer_service.page.films import read_video, write_camera, write_webm
from tests.producer_service.page.serving import Served
from tests.producer_service.page.visitor import LEFT, RIGHT, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe]

ReadTopic = Callable[[str], dict[tuple[int, int], HolisticFrame]]
NOBODY_FOUND = "422 (Unprocessable"
"""What Chromium says on its console of an upload without a person."""
STILL_TAKEN = "409"
"""What it says of a stream that is not let go yet."""


@pytest.fixture(scope="module")
def signer(shared_data: Path) -> Path:
    return shared_data / "videos" / "hoy_001.mp4"


@pytest.fixture(scope="module")
def browser(open_browser: Callable[..., Browser], signer: Path, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    film = write_camera(tmp_path_factory.mktemp("films") / "signer.y4m", read_video(signer, 640, 360))
    return open_browser(film=film)


def frames_of(read_topic: ReadTopic, served: Served, visitor: Visitor) -> dict[tuple[int, int], HolisticFrame]:
    """The visitor's frames on the topic, once it holds as many as the page says, and those it heard nothing of."""
    stream = visitor.text("stream-name")
    found: dict[tuple[int, int], HolisticFrame] = {}

    def are_all_there() -> bool:
        answered = sum(map(visitor.number, ("acknowledged", "dropped", "rejected", "unknown")))
        if visitor.sent > answered:
            return False
        found.clear()
        found.update((at, frame) for at, frame in read_topic(served.topic).items() if frame.stream_id == stream)
        more = len(found) - visitor.number("acknowledged")
        return 0 <= more <= visitor.number("unknown")

    visitor.wait_until(are_all_there)
    return found


def shown_position(visitor: Visitor) -> tuple[int, int]:
    return visitor.number("partition"), visitor.number("offset")


def test_the_camera_is_not_touched_before_somebody_agrees(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(browser, mediapipe_producer.address)
    visitor.page.click("#camera")
    visitor.expect_status("Read what is captured, and agree, first")
    assert visitor.page.locator("#agree-camera").is_disabled()
    visitor.drop("me.png", "image/png", encode_picture(data.astronaut()))
    assert (visitor.times_asked(), visitor.sent) == (0, 0)
    # By keyboard alone, from the box that has the focus now.
    for key in ("Space", "Tab", "Enter"):
        visitor.page.keyboard.press(key)
    visitor.expect_status("Live")
    assert visitor.times_asked() == 1
    visitor.await_acknowledged(1)
    visitor.page.click("#withdraw")
    visitor.expect_status("Consent taken back")
    assert visitor.page.locator("#gate").is_visible()
    sent = visitor.sent
    visitor.pass_time(20)
    assert visitor.sent == sent


def test_frames_of_a_camera_are_on_the_topic_where_the_page_says(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor], read_topic: ReadTopic
) -> None:
    visitor = visit(browser, mediapipe_producer.address)
    began_us = time.time_ns() // 1000
    visitor.agree()
    visitor.await_acknowledged(12)
    visitor.await_drawing()
    assert "body" in visitor.text("found")
    visitor.wait_until(lambda: visitor.text("rate") not in ("", "–"))
    steps = [f"{step}_ms" for step in ("network", "waiting", "decoding", "inference", "publishing")]
    rate, latency_ms, *steps_ms = visitor.texts("rate", "latency", *steps)
    assert float(rate) > 1
    assert all(step.endswith(" ms") for step in steps_ms)
    spent_ms = sum(float(step.removesuffix(" ms")) for step in steps_ms)
    assert spent_ms == pytest.approx(int(latency_ms.replace(",", "")), rel=0.25, abs=10)

    visitor.page.click("#pause")
    visitor.expect_status("Paused")
    frames = frames_of(read_topic, mediapipe_producer, visitor)
    sent = visitor.sent
    assert sent == len(frames)
    last = frames[shown_position(visitor)]
    assert (visitor.text("topic"), visitor.number("sequence")) == (mediapipe_producer.topic, last.sequence)
    assert visitor.number("epoch") == last.epoch
    assert (last.width, last.height, last.mirrored) == (640, 360, False)
    assert last.pose is not None
    assert [frame.sequence for _, frame in sorted(frames.items())] == list(range(len(frames)))
    assert all(began_us - 1_000_000 < frame.captured_at_us < time.time_ns() // 1000 for frame in frames.values())
    visitor.pass_time(30)
    assert visitor.sent == sent

    visitor.page.click("#pause")
    visitor.expect_status("Live")
    visitor.await_acknowledged(2)
    # Who is there after a pause may be somebody else.
    assert visitor.number("epoch") > last.epoch


def test_a_mirror_turns_the_view_and_a_mirrored_source_turns_the_sides(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor], read_topic: ReadTopic
) -> None:
    visitor = visit(browser, mediapipe_producer.address, allows=(STILL_TAKEN,))
    visitor.agree()
    visitor.page.click("#hide")
    visitor.await_acknowledged(5)
    visitor.page.click("#pause")
    visitor.expect_status("Paused")
    frames_of(read_topic, mediapipe_producer, visitor)
    mirrored = visitor.see()
    # People expect to see themselves as in a mirror: their left on the left.
    assert 0 < mirrored[LEFT].x < mirrored[RIGHT].x
    visitor.page.click("#mirror")
    as_others_see = visitor.see()
    for side in (LEFT, RIGHT):
        assert as_others_see[side].x == pytest.approx(1 - mirrored[side].x, abs=0.01)
    assert not any(frame.mirrored for frame in frames_of(read_topic, mediapipe_producer, visitor).values())

    visitor.page.click("#pause")
    visitor.page.click("#settings summary")
    epoch = visitor.number("epoch")
    visitor.page.check("#source-mirrored")
    visitor.wait_until(lambda: visitor.number("epoch") > epoch and visitor.text("status-text") == "Live")
    visitor.await_acknowledged(5)
    visitor.page.click("#pause")
    frames = frames_of(read_topic, mediapipe_producer, visitor)
    assert frames[shown_position(visitor)].mirrored
    # The same picture, said to be a reflection: what was the right hand is the left one now.
    assert any(frame.left_hand is not None for frame in frames.values() if frame.mirrored)
    assert not any(frame.left_hand is not None for frame in frames.values() if not frame.mirrored)


def test_a_picture_runs_ahead_of_its_points_when_that_is_wished(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(browser, mediapipe_producer.address)
    visitor.agree()
    visitor.await_acknowledged(1)
    visitor.wait_until(lambda: visitor.opacity_beside_the_person() == 255)
    visitor.page.click("#settings summary")
    visitor.page.uncheck("#in-step")
    # The canvas holds the points alone, and the video is seen behind it.
    visitor.await_acknowledged(2)
    assert visitor.opacity_beside_the_person() == 0
    assert visitor.page.locator("#video").is_visible()


def test_a_video_is_looked_at_to_its_end_at_its_own_times(
    mediapipe_producer: Served,
    browser: Browser,
    visit: Callable[..., Visitor],
    read_topic: ReadTopic,
    signer: Path,
    tmp_path: Path,
) -> None:
    video = write_webm(tmp_path / "signer.webm", read_video(signer, 480, 270), frames_per_s=10)
    visitor = visit(browser, mediapipe_producer.address)
    visitor.agree("#welcome-file, #agree-file")
    visitor.choose(video.name, "video/webm", video.read_bytes())
    visitor.expect_status("The video has ended")
    frames = frames_of(read_topic, mediapipe_producer, visitor)
    assert len(frames) + visitor.number("skipped") + visitor.number("dropped") <= 64
    times_us = sorted(frame.captured_at_us for frame in frames.values())
    assert 3_000_000 < times_us[-1] - times_us[0] < 6_500_000
    gaps_in_frames = [(later - earlier) * 10 / 1e6 for earlier, later in pairwise(times_us)]
    assert gaps_in_frames == pytest.approx([round(gap) for gap in gaps_in_frames], abs=0.1)
    assert visitor.times_asked() == 0


def test_a_photo_is_published_and_one_of_nobody_says_so(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor], read_topic: ReadTopic
) -> None:
    visitor = visit(browser, mediapipe_producer.address, allows=(NOBODY_FOUND,))
    visitor.agree("#agree-file")
    visitor.drop("astronaut.png", "image/png", encode_picture(data.astronaut()))
    visitor.expect_status("Photo published")
    frame = frames_of(read_topic, mediapipe_producer, visitor)[shown_position(visitor)]
    assert (frame.width, frame.height) == (512, 512)
    assert (visitor.text("found"), frame.face is not None) == ("body, face", True)
    assert min(side.pixels for side in visitor.see().values()) > 100

    visitor.drop("coffee.png", "image/png", encode_picture(data.coffee()))
    visitor.expect_problem("Nobody was found in the photo.")
    assert visitor.page.locator("#nobody").is_visible()
    assert (visitor.number("acknowledged"), visitor.number("rejected"), visitor.text("reasons")) == (
        1,
        1,
        "no person 1",
    )

    for name, kind, content, said in (
        ("notes.txt", "text/plain", b"hello", "“notes.txt” is neither a photo nor a video."),
        ("broken.jpg", "image/jpeg", b"\xff\xd8\xff\xe0 no more", "cannot read “broken.jpg” as a photo"),
        ("broken.mp4", "video/mp4", b"no video", "cannot play “broken.mp4”"),
        ("empty.png", "image/png", b"", "“empty.png” is empty."),
    ):
        visitor.drop(name, kind, content)
        visitor.expect_problem(said)
    visitor.expect_status("Ready")


def test_no_window_is_too_narrow_for_it(
    mediapipe_producer: Served, browser: Browser, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(browser, mediapipe_producer.address)
    for width, height in ((390, 844), (320, 640), (844, 390)):
        visitor.page.set_viewport_size({"width": width, "height": height})
        assert not visitor.is_wider_than_its_window()
    visitor.agree()
    visitor.await_acknowledged(3)
    visitor.page.click("#settings summary")
    for width, height in ((844, 390), (320, 640), (390, 844)):
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.pass_time(2)
        assert not visitor.is_wider_than_its_window()
