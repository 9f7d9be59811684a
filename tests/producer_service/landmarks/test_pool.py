"""Worker processes: each stream keeps its own tracking, and what breaks takes nobody else with it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keypoints.errors import Terminal
from producer_service.capture.captured import RgbImage
from producer_service.landmarks.landmarker import LandmarkerFailed, LandmarkerLost, NoLandmarkerFree
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
from tests.producer_service.finders import DIES, FAILS, HANGS, NOWHERE
from tests.producer_service.landmarks.pools import PERSON, count_seen, open_pool, paint
from tests.producer_service.waiting import wait_until

_KILL_A_WORKER = """
import os, signal, time
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
pool = LandmarkerPool(PoolOptions(workers=1, standby=0))
os.kill(pool.report()[0].pid, signal.SIGKILL)
while not pool.replaced:
    time.sleep(0.01)
assert pool.await_ready(60)
pool.close()
"""


def test_two_streams_on_one_worker_keep_their_tracking_apart() -> None:
    with open_pool() as pool:
        ada, bob = pool.open_stream(), pool.open_stream()
        assert [count_seen(ada.find(paint(PERSON))) for _ in range(3)] == [1, 2, 3]
        assert count_seen(bob.find(paint(PERSON))) == 1
        assert count_seen(ada.find(paint(PERSON))) == 4


def test_a_stream_that_is_opened_after_another_sees_nothing_of_it() -> None:
    with open_pool() as pool:
        first = pool.open_stream()
        first.find(paint(PERSON))
        first.close()
        assert count_seen(pool.open_stream().find(paint(PERSON))) == 1


def test_streams_are_spread_over_the_workers_and_stay_there() -> None:
    with open_pool(workers=2) as pool:
        landmarkers = [pool.open_stream() for _ in range(4)]
        assert sorted(report.streams for report in pool.report()) == [2, 2]
        before = [landmarker.worker.pid for landmarker in landmarkers]
        for landmarker in landmarkers:
            landmarker.find(paint(PERSON))
        assert [landmarker.worker.pid for landmarker in landmarkers] == before
        landmarkers[0].close()
        assert sorted(report.streams for report in pool.report()) == [1, 2]


def test_pictures_grow_and_shrink_and_arrive_as_they_are() -> None:
    with open_pool() as pool:
        landmarker = pool.open_stream()
        for height, width in ((2, 3), (2160, 3840), (48, 64)):
            assert landmarker.find(paint(PERSON, height, width)).right_hand is not None
            assert not landmarker.find(paint((0, 0, 0), height, width)).has_person
        in_place = landmarker.memory.reserve(48, 64)
        in_place[:] = PERSON
        assert landmarker.memory.holds(in_place)
        assert landmarker.find(in_place).right_hand is not None


def test_more_streams_than_there_is_room_for_are_refused_until_one_closes() -> None:
    with open_pool(streams_a_worker=2) as pool:
        first = pool.open_stream()
        pool.open_stream()
        with pytest.raises(NoLandmarkerFree, match="2 streams"):
            pool.open_stream()
        first.close()
        pool.open_stream()


def test_a_worker_that_dies_takes_its_own_picture_alone_and_is_replaced() -> None:
    with open_pool(workers=2) as pool:
        doomed, other = pool.open_stream(), pool.open_stream()
        other.find(paint(PERSON))
        with pytest.raises(LandmarkerFailed, match="killed by signal 9"):
            doomed.find(paint(DIES))
        assert count_seen(other.find(paint(PERSON))) == 2
        assert pool.await_ready(20)
        assert count_seen(pool.open_stream().find(paint(PERSON))) == 1
        assert pool.replaced == 1


def test_whoever_waits_behind_a_picture_that_kills_the_worker_can_try_again() -> None:
    with open_pool(hang_s=3.0) as pool:
        hanging, behind = pool.open_stream(), pool.open_stream()
        raised: list[Exception] = []

        def find(landmarker_image: tuple[object, RgbImage]) -> None:
            landmarker, image = landmarker_image
            try:
                landmarker.find(image)  # type: ignore[attr-defined]
            except (LandmarkerFailed, LandmarkerLost) as error:
                raised.append(error)

        threads = [threading.Thread(target=find, args=((hanging, paint(HANGS)),))]
        threads[0].start()
        wait_until(lambda: hanging.worker.waiting == 1)
        threads.append(threading.Thread(target=find, args=((behind, paint(PERSON)),)))
        threads[1].start()
        for thread in threads:
            thread.join(20)
        assert {type(error) for error in raised} == {LandmarkerFailed, LandmarkerLost}
        assert "no answer within 3 s" in str(next(error for error in raised if isinstance(error, LandmarkerFailed)))
        assert count_seen(pool.open_stream().find(paint(PERSON))) == 1


def test_a_picture_a_graph_cannot_take_costs_the_stream_its_tracking_and_nobody_else() -> None:
    with open_pool() as pool:
        ada, bob = pool.open_stream(), pool.open_stream()
        bob.find(paint(PERSON))
        with pytest.raises(LandmarkerFailed, match="white pictures"):
            ada.find(paint(FAILS))
        assert count_seen(bob.find(paint(PERSON))) == 2
        assert pool.replaced == 0


def test_a_worker_that_grew_too_large_is_replaced_while_its_streams_move() -> None:
    with open_pool(max_rss_bytes=1, rss_a_stream_bytes=0, standby=1) as pool:
        landmarker = pool.open_stream()
        landmarker.find(paint(PERSON))

        def is_moved() -> bool:
            try:
                landmarker.find(paint(PERSON))
            except LandmarkerLost:
                return True
            return False

        wait_until(is_moved)
        landmarker.close()
        wait_until(lambda: pool.replaced >= 1)
        assert count_seen(pool.open_stream().find(paint(PERSON))) == 1


def test_a_still_remembers_nothing_when_its_worker_died_between_two() -> None:
    with open_pool() as pool:
        with pool.lend_still() as landmarker:
            assert landmarker.find(paint(PERSON)).right_hand is not None
            os.kill(landmarker.worker.pid, signal.SIGKILL)
        wait_until(lambda: pool.replaced == 1)
        with pool.lend_still() as landmarker:
            assert landmarker.find(paint(PERSON)).right_hand is not None


def test_streams_opened_and_closed_leave_no_file_and_no_process_behind() -> None:
    with open_pool(workers=2) as pool:
        pool.open_stream().close()
        before, pictures = count_open_files(), count_open_files("/memfd:")
        for _ in range(100):
            pool.open_stream().close()
        assert count_open_files("/memfd:") == pictures
        # One of each would be a hundred; others of this process open some, too, and close them.
        assert count_open_files() < before + 50
        pids = [report.pid for report in pool.report()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_that_cannot_start_are_said_and_not_tried_for_ever() -> None:
    with pytest.raises(Terminal, match="no worker for MediaPipe came up"):
        LandmarkerPool(PoolOptions(workers=1, standby=0, opener=NOWHERE, start_s=30))


@pytest.mark.mediapipe
def test_a_worker_that_is_killed_leaves_no_directory_behind_where_its_user_has_no_home(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    subprocess.run(
        [sys.executable, "-c", _KILL_A_WORKER],
        env={**environment, "HOME": str(tmp_path / "nowhere"), "TMPDIR": str(tmp_path)},
        timeout=120,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []


def count_open_files(kind: str = "") -> int:
    """Descriptors of this process on what is named so."""
    return sum(os.path.realpath(descriptor).find(kind) >= 0 for descriptor in Path("/proc/self/fd").iterdir())


def worker_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("worker ")}


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    # A service that other tests share may have workers of its own.
    before = worker_threads()
    yield
    wait_until(lambda: worker_threads() <= before)
