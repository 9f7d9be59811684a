"""What the tests of publishing share: frames, a broker that can be stopped, and what was said of each frame."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from keypoints.errors import HolisticError
from local_stack.layout import Layout
from local_stack.status import read_status
from producer_service.ledger import Ledger
from producer_service.pipeline import wall_clock_us
from producer_service.publish import FramePublisher
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered, Watcher

_RANDOM = np.random.default_rng(11)


def make_frame(stream_id: str, sequence: int, *, with_face: bool = True) -> HolisticFrame:
    """A frame of 6 kB that no codec makes smaller, or of a few bytes without a face."""
    now_us = wall_clock_us()
    face = _RANDOM.random((478, 3)).astype(np.float32) if with_face else None
    return HolisticFrame(
        stream_id=stream_id,
        sequence=sequence,
        epoch=1,
        captured_at_us=now_us,
        processed_at_us=now_us,
        width=64,
        height=48,
        face=face,
    )


class News(Watcher):
    """Keeps what is said of each frame, by stream and sequence."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, int], list[Delivered | HolisticError]] = {}
        self.watched: list[Delivered] = []
        self._changed = threading.Condition()

    def frame_delivered(self, delivered: Delivered, /) -> None:
        self.watched.append(delivered)

    def about(self, frame: HolisticFrame) -> Callable[[Delivered | HolisticError], None]:
        """To be handed over with the frame."""
        said = self.said.setdefault((frame.stream_id, frame.sequence), [])

        def note(what: Delivered | HolisticError) -> None:
            with self._changed:
                said.append(what)
                self._changed.notify_all()

        return note

    def wait_until(self, enough: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Until what was said is enough."""
        with self._changed:
            assert self._changed.wait_for(enough, timeout_s), self.said

    def delivered(self) -> list[Delivered]:
        return [what for said in list(self.said.values()) for what in said if isinstance(what, Delivered)]

    def failed(self) -> list[HolisticError]:
        return [what for said in list(self.said.values()) for what in said if isinstance(what, HolisticError)]

    def all_told_once(self) -> bool:
        return all(len(said) == 1 for said in self.said.values())


class Service:
    """A publisher as a service has it, with its ledger, and what it said."""

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings) -> None:
        self.ledger = Ledger()
        self.news = News()
        self.publisher = FramePublisher(
            kafka, settings, self.ledger, [self.news], wall_clock_us, stops_on_failure=False
        )

    def send(
        self,
        frame: HolisticFrame,
        *,
        wait: bool = False,
        may_spill: bool = False,
        origin: tuple[str, int, int] | None = None,
    ) -> None:
        """As capture would: counted as read, then published."""
        self.ledger.count_frame_read()
        self.publisher.publish(
            frame, wall_clock_us(), self.news.about(frame), wait=wait, may_spill=may_spill, origin=origin
        )


@contextmanager
def broker_stopped(data_dir: Path) -> Iterator[None]:
    """Kafka that answers nothing, within the block."""
    pid = _broker_pid(data_dir)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def kill_broker(data_dir: Path) -> None:
    """The supervisor starts another after a while."""
    os.kill(_broker_pid(data_dir), signal.SIGKILL)


@contextmanager
def broker_killed(data_dir: Path, away_s: float) -> Iterator[None]:
    """Kafka is killed, and started again after `away_s`; the block may end sooner."""
    pid = _broker_pid(data_dir)
    supervisor = psutil.Process(pid).parent()
    assert supervisor is not None
    back_s = time.monotonic() + away_s
    # It would start another at once.
    supervisor.suspend()
    try:
        os.kill(pid, signal.SIGKILL)
        yield
    finally:
        time.sleep(max(0.0, back_s - time.monotonic()))
        supervisor.resume()


def _broker_pid(data_dir: Path) -> int:
    status = read_status(Layout(data_dir))
    part = status.part("kafka") if status else None
    assert part is not None
    assert part.pid is not None
    return part.pid
