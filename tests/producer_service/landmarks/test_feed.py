"""A stream goes through one landmarker after another, and loses the pictures alone that broke one."""

from collections.abc import Callable

import pytest

from producer_service.landmarks.feed import LandmarkerFeed
from producer_service.landmarks.landmarker import LANDMARKERS_A_PICTURE, LandmarkerFailed
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.landmarks.pool.pooled_landmarker import PooledLandmarker
from tests.producer_service.finders import DIES
from tests.producer_service.landmarks.pools import PERSON, count_seen, open_pool, paint


def open_behind_deadly_pictures(pool: LandmarkerPool, deadly: int) -> Callable[[], PooledLandmarker]:
    """Opens streams whose workers die of another stream's picture that is before theirs, `deadly` times."""
    left = iter(range(deadly))

    def open_stream() -> PooledLandmarker:
        landmarker = pool.open_stream()
        if next(left, None) is not None:
            pool.open_stream().begin(paint(DIES))
        return landmarker

    return open_stream


def test_a_picture_whose_workers_die_of_others_pictures_one_after_the_other_is_found_all_the_same() -> None:
    with open_pool() as pool:
        feed = LandmarkerFeed(open_behind_deadly_pictures(pool, LANDMARKERS_A_PICTURE - 1))
        for _ in range(2):
            feed.hand_over(paint(PERSON))
        seen = [feed.take() for _ in range(2)]
        assert [count_seen(each.found) for each in seen] == [1, 2]
        assert [each.anew for each in seen] == [True, False]
        assert pool.replaced == LANDMARKERS_A_PICTURE - 1
        feed.close()


def test_a_picture_is_given_up_when_no_worker_lasts_and_the_next_one_is_found() -> None:
    with open_pool() as pool:
        feed = LandmarkerFeed(open_behind_deadly_pictures(pool, LANDMARKERS_A_PICTURE))
        for _ in range(2):
            feed.hand_over(paint(PERSON))
        with pytest.raises(LandmarkerFailed, match="is gone"):
            feed.take()
        assert count_seen(feed.take().found) == 1
        feed.close()
