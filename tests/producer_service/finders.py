"""Landmarkers that need no model, to be opened in worker processes by name."""

import os
import signal
import time
from typing import Final

import numpy as np

from producer_service.capture.captured import RgbImage
from producer_service.landmarks.landmarker import LandmarkerFailed, Landmarks

HANGS: Final = (0, 0, 255)
DIES: Final = (0, 255, 0)
FAILS: Final = (255, 255, 255)
"""Colours of pictures that a `TroublesomeFinder` hangs at, dies at, or fails at."""

RIGHT_HAND: Final = "tests.producer_service.finders:open_right_hand_finder"
SLOW: Final = "tests.producer_service.finders:open_slow_finder"
TROUBLESOME: Final = "tests.producer_service.finders:open_troublesome_finder"
NOWHERE: Final = "tests.producer_service.finders:open_nothing"


class RightHandFinder:
    """A landmarker by colour: a right hand where it is red top left, nobody elsewhere, and white pictures break it.

    Its first point says how many pictures it has seen since it was opened or reset, as tracking would.
    """

    model = "right-hand-finder"

    def __init__(self) -> None:
        self.closed = False
        self.since_reset = 0
        # Nothing a codec could make smaller.
        self._hand = np.random.default_rng(9).random((21, 3)).astype(np.float32)

    def find(self, image: RgbImage) -> Landmarks:
        assert not self.closed
        self.since_reset += 1
        if image.min() == 255:
            raise LandmarkerFailed("white pictures break it", width=image.shape[1], height=image.shape[0])
        if image[0, 0, 0] < 100:
            return Landmarks()
        hand = self._hand.copy()
        hand[0, 0] = self.since_reset
        return Landmarks(right_hand=hand)

    def reset(self) -> None:
        assert not self.closed
        self.since_reset = 0

    def close(self) -> None:
        self.closed = True


class SlowFinder(RightHandFinder):
    """One that takes `SLOW_PICTURE_S` of the environment for a picture, and for ever at the picture `SLOW_HOLDS_AT`.

    So that a program is still at work when it is killed, however late that is.
    """

    def find(self, image: RgbImage) -> Landmarks:
        found = super().find(image)
        holds = self.since_reset == int(os.environ.get("SLOW_HOLDS_AT", "0"))
        time.sleep(600 if holds else float(os.environ.get("SLOW_PICTURE_S", "0")))
        return found


class TroublesomeFinder(RightHandFinder):
    """One that hangs at blue pictures, and takes its process with it at green ones."""

    def find(self, image: RgbImage) -> Landmarks:
        colour = tuple(int(value) for value in image[0, 0])
        if colour == HANGS:
            time.sleep(600)
        if colour == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().find(image)


def open_slow_finder(_still: bool) -> SlowFinder:
    return SlowFinder()


def open_right_hand_finder(_still: bool) -> RightHandFinder:
    return RightHandFinder()


def open_troublesome_finder(_still: bool) -> TroublesomeFinder:
    return TroublesomeFinder()


def open_nothing(_still: bool) -> RightHandFinder:
    raise SystemExit(3)
