"""Pools of real worker processes whose landmarkers need no model, and pictures for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from producer_service.capture.captured import RgbImage
from producer_service.landmarks.landmarker import Landmarks
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
from tests.producer_service.finders import TROUBLESOME

PERSON = (200, 10, 10)


def paint(colour: tuple[int, int, int], height: int = 48, width: int = 64) -> RgbImage:
    return np.full((height, width, 3), colour, np.uint8)


def count_seen(found: Landmarks) -> int:
    assert found.right_hand is not None
    return int(found.right_hand[0, 0])


@contextmanager
def open_pool(**options: object) -> Iterator[LandmarkerPool]:
    pool = LandmarkerPool(PoolOptions(**{"workers": 1, "standby": 0, "opener": TROUBLESOME, **options}))  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        pool.close()
