"""Capture runs ahead on its own thread, waits when nobody takes its pictures, and ends when told to."""

import threading
from collections.abc import Generator
from contextlib import closing

import numpy as np
import pytest

from producer_service.capture.captured import Captured, DropPolicy, Interrupted, Refused, SourceItem
from producer_service.capture.read_ahead import read_ahead


class Counting:
    """A source of endless black pictures that says how far it was read, and whether it was closed."""

    name = "counting"
    stream_id = "counting"
    still = False
    drop_policy = DropPolicy.WAIT
    expected_frames = None

    def __init__(self, breaks_at: int | None = None) -> None:
        self.read_frames = 0
        self.closed = threading.Event()
        self.thread: int | None = None
        self._breaks_at = breaks_at

    def read(self) -> Generator[SourceItem, None, None]:
        self.thread = threading.get_ident()
        try:
            while self.read_frames != self._breaks_at:
                self.read_frames += 1
                yield Captured(np.zeros((1, 1, 3), np.uint8), self.read_frames, self.read_frames - 1)
            raise OSError("the camera was pulled out")
        finally:
            self.closed.set()


def test_capture_never_runs_further_ahead_than_it_may() -> None:
    source = Counting()
    with closing(read_ahead(source, 3, threading.Event())) as pictures:
        for taken, picture in enumerate(pictures, start=1):
            assert isinstance(picture, Captured)
            # Three wait, one more is in the hands of the thread that cannot put it down.
            assert taken <= source.read_frames <= taken + 4
            if taken == 50:
                break
    assert source.closed.is_set()
    assert source.thread != threading.get_ident()


def test_after_a_stop_what_was_handed_over_still_arrives_and_nothing_else() -> None:
    source, stop = Counting(), threading.Event()
    indices = []
    with closing(read_ahead(source, 2, stop)) as pictures:
        for picture in pictures:
            assert isinstance(picture, Captured)
            indices.append(picture.index)
            if picture.index == 9:
                stop.set()
    assert indices == list(range(len(indices)))
    assert 10 <= len(indices) <= 13
    assert source.closed.is_set()


def test_leaving_the_loop_early_closes_the_source() -> None:
    source = Counting()
    pictures = read_ahead(source, 1, threading.Event())
    next(pictures)
    pictures.close()
    assert source.closed.is_set()


def test_an_error_of_the_source_reaches_whoever_takes_the_pictures_after_the_good_ones() -> None:
    source = Counting(breaks_at=3)
    pictures = read_ahead(source, 2, threading.Event())
    assert [next(pictures) is not None for _ in range(3)] == [True] * 3
    with pytest.raises(OSError, match="pulled out"):
        next(pictures)
    assert source.closed.is_set()


class Camera:
    """A live source of ten pictures, connected to again before the sixth, that then waits for a stop."""

    name = "camera"
    stream_id = "camera"
    still = False
    expected_frames = None
    drop_policy = DropPolicy.DROP_OLDEST

    def __init__(self) -> None:
        self.first_taken = threading.Event()
        self.given = threading.Event()
        self._stopped = threading.Event()

    def read(self) -> Generator[SourceItem, None, None]:
        for index in range(10):
            if index == 5:
                yield Interrupted("connected again")
            yield Captured(np.zeros((1, 1, 3), np.uint8), index, index)
            assert self.first_taken.wait(10)
        self.given.set()
        assert self._stopped.wait(10)

    def stop(self) -> None:
        self._stopped.set()


def test_of_a_live_source_the_newest_are_taken_those_overtaken_told_and_the_interruption_is_not_lost() -> None:
    camera, stop = Camera(), threading.Event()
    overtaken: list[Captured | Refused] = []
    taken: list[SourceItem] = []
    with closing(read_ahead(camera, 2, stop, overtaken.append)) as items:
        taken.append(next(items))
        camera.first_taken.set()
        assert camera.given.wait(5)
        taken += [next(items) for _ in range(3)]
        stop.set()
        assert list(items) == []
    kinds = [type(item) for item in taken]
    assert kinds == [Captured, Interrupted, Captured, Captured]
    indices = [item.index for item in [*taken, *overtaken] if isinstance(item, Captured)]
    assert sorted(indices) == list(range(10))
    assert [item.index for item in taken[2:] if isinstance(item, Captured)] == [8, 9]


def test_a_camera_that_gives_nothing_keeps_neither_a_stop_nor_a_leaver_waiting() -> None:
    camera, stop = Camera(), threading.Event()
    camera.first_taken.set()
    with closing(read_ahead(camera, 20, stop)) as items:
        assert len([next(items) for _ in range(11)]) == 11
        stop.set()
        assert list(items) == []
    camera = Camera()
    camera.first_taken.set()
    with closing(read_ahead(camera, 20, threading.Event())) as items:
        next(items)
        assert camera.given.wait(5)
