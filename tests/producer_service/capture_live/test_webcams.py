"""A webcam that is not there, not ours, busy, mute or pulled out is said to be just that."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from producer_service.capture.captured import Captured, DropPolicy, Interrupted, RefusalReason, Refused, Source
from producer_service.capture.live_source import Around, LiveSource, Patience
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.source_status import SourceState
from producer_service.capture.webcam import (
    InvalidWebcam,
    OpenDevice,
    OpenedDevice,
    Webcam,
    WebcamOptions,
    is_webcam,
    parse_webcam,
)

QUICK = Patience(connect_s=2, picture_s=2, first_delay_s=0.01, longest_delay_s=0.02)
ME_US = 1_700_000_000_000_000


class MadeDevice:
    """A device of a few pictures, blue first, that says what it was asked."""

    def __init__(self, frames: int, *, opens: bool = True) -> None:
        self.asked: dict[int, float] = {}
        self.released = threading.Event()
        self._left = frames
        self._opens = opens

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._opens

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        assert not self.released.is_set()
        self._left -= 1
        image = np.zeros((48, 64, 3), np.uint8)
        image[..., 0] = 200 + self._left % 50
        return self._left >= 0, image

    def set(self, property_id: int, value: float, /) -> bool:
        self.asked[property_id] = value
        return True

    def release(self) -> None:
        self.released.set()


def opening(*devices: MadeDevice) -> OpenDevice:
    """Opens them one after the other."""
    left = iter(devices)

    def open_next(_device: int | str) -> OpenedDevice:
        return next(left)

    return open_next


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A place of devices with two in it."""
    for name in ("video0", "video2"):
        (tmp_path / name).touch()
    return tmp_path


def watch(webcam: Webcam) -> LiveSource:
    return LiveSource("webcam:0", "webcam-0", webcam, Around(lambda: ME_US), QUICK)


def refusal_of(source: Source) -> Refused:
    [refused] = source.read()
    assert isinstance(refused, Refused)
    return refused


def test_pictures_are_red_first_and_taken_when_they_were_grabbed(devices: Path) -> None:
    device = MadeDevice(1_000)
    source = watch(Webcam(0, WebcamOptions(1280, 720, 30), opening(device), devices))
    with closing(source.read()) as items:
        first, second = next(items), next(items)
    assert isinstance(first, Captured)
    assert isinstance(second, Captured)
    assert first.image.shape == (48, 64, 3)
    assert first.image[0, 0, 2] > 200
    assert first.image[0, 0, 0] == 0
    assert (first.captured_at_us, first.index, second.index) == (ME_US, 0, 1)
    assert device.asked == {
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
    }
    assert device.released.wait(2)
    assert source.drop_policy is DropPolicy.DROP_OLDEST


def test_pulled_out_and_put_back_it_goes_on_after_a_mark_that_nothing_is_continued(devices: Path) -> None:
    mute = [MadeDevice(0), MadeDevice(0, opens=False)]
    source = watch(Webcam(0, WebcamOptions(), opening(MadeDevice(3), *mute, MadeDevice(1_000)), devices))
    kinds = []
    with closing(source.read()) as items:
        for item in items:
            kinds.append(type(item))
            if len(kinds) == 6:
                break
    assert kinds == [Captured, Captured, Captured, Interrupted, Captured, Captured]
    assert source.status.reconnects == 1
    assert source.status.state is SourceState.ENDED
    assert all(device.released.is_set() for device in mute)


def test_a_device_that_is_not_there_is_named_with_those_that_are(devices: Path) -> None:
    refused = refusal_of(watch(Webcam(1, WebcamOptions(), opening(), devices)))
    assert refused.reason is RefusalReason.NO_DEVICE
    assert "no such device" in refused.message
    assert str(devices / "video0") in refused.message
    assert str(devices / "video2") in refused.message


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_device_of_others_says_how_to_become_one_of_them(devices: Path) -> None:
    (devices / "video0").chmod(0)
    refused = refusal_of(watch(Webcam(0, WebcamOptions(), opening(), devices)))
    assert "may not open it" in refused.message
    assert "group video" in refused.message


@pytest.mark.parametrize(
    ("device", "what"), [(MadeDevice(0), "gives no pictures"), (MadeDevice(0, opens=False), "cannot")]
)
def test_a_device_that_another_program_uses_is_given_back_and_said_to_be_busy(
    devices: Path, device: MadeDevice, what: str
) -> None:
    refused = refusal_of(watch(Webcam(0, WebcamOptions(), opening(device), devices)))
    assert refused.reason is RefusalReason.BUSY_DEVICE
    assert what in refused.message
    assert "another program" in refused.message
    assert device.released.is_set()


def test_a_device_that_hangs_does_not_keep_a_stop_waiting(devices: Path) -> None:
    reached, let_go = threading.Event(), threading.Event()

    def open_slowly(_device: int | str) -> OpenedDevice:
        reached.set()
        let_go.wait(30)
        return MadeDevice(0)

    source = watch(Webcam(0, WebcamOptions(), open_slowly, devices))
    ended = threading.Event()

    def read() -> None:
        assert list(source.read()) == []
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert reached.wait(5)
    source.stop()
    assert ended.wait(1)
    let_go.set()


@pytest.mark.parametrize("name", ["webcam:97", "/dev/video97"])
def test_with_the_real_opencv_a_missing_device_says_so(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    source = open_source(name, SourceOptions(), lambda: ME_US)
    refused = refusal_of(source)
    assert refused.reason is RefusalReason.NO_DEVICE
    assert "/dev/video97" in refused.message or "no such device" in refused.message
    assert "WARN" not in capfd.readouterr().err


def test_with_the_real_opencv_a_file_that_is_no_device_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    refused = refusal_of(watch(Webcam(str(tmp_path / "video0"), WebcamOptions(), devices=tmp_path)))
    assert refused.reason is RefusalReason.BUSY_DEVICE


def test_a_webcam_is_named_with_what_is_asked_of_it() -> None:
    assert parse_webcam("webcam:0") == (0, WebcamOptions())
    assert parse_webcam("webcam:12?width=1280&height=720&fps=30") == (12, WebcamOptions(1280, 720, 30))
    assert parse_webcam("/dev/video3") == ("/dev/video3", WebcamOptions())
    assert open_source("webcam:0?fps=5", SourceOptions(), lambda: 0).stream_id == "webcam-0"
    assert open_source("/dev/video3", SourceOptions(), lambda: 0).stream_id == "dev-video3"


@pytest.mark.parametrize(
    "name",
    [
        "webcam:",
        "webcam:x",
        "webcam:0?zoom=2",
        "webcam:0?width=0",
        "webcam:0?fps=1000",
        "webcam:0?width=-1",
        "webcam:0?fps=²",
    ],
)
def test_a_webcam_named_wrongly_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(InvalidWebcam):
        parse_webcam(name)
    assert "write webcam:0" in refusal_of(open_source(name, SourceOptions(), lambda: 0)).message


def test_devices_are_told_from_files(tmp_path: Path) -> None:
    assert is_webcam("webcam:anything")
    assert is_webcam("/dev/video0")
    assert is_webcam("/dev/v4l/by-id/usb-046d_HD_Webcam_C525-video-index0")
    assert not is_webcam("/dev/tty")
    assert not is_webcam("/dev/v4l/by-id/../../watchdog")
    assert not is_webcam("/dev/video0/../watchdog")
    assert not is_webcam("/dev/video0\n")
    assert not is_webcam(str(tmp_path / "video0"))
    assert not is_webcam("/dev/shm")
    assert not is_webcam("/dev/\x00")


Look = Callable[[], float]


def numbers(*values: float) -> Look:
    left: Iterator[float] = iter(values)
    return lambda: next(left)


def test_the_wait_before_another_try_doubles_up_to_its_limit_and_is_never_the_same_for_all() -> None:
    patience = Patience(first_delay_s=0.5, longest_delay_s=30)
    assert [patience.delay_s(failed, lambda: 1.0) for failed in (1, 2, 3, 6, 7, 8, 10_000)] == [
        0.5,
        1,
        2,
        16,
        30,
        30,
        30,
    ]
    assert [patience.delay_s(2, numbers(chance)) for chance in (0.0, 0.5)] == [0.5, 0.75]
