"""What is kept of a picture on its way to Kafka."""

import gc
import weakref
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest

from keypoints.frame import HolisticFrame
from producer_service.capture.captured import Captured
from producer_service.encode import EpochClock
from producer_service.landmarks.landmarker import Landmarks
from producer_service.ledger import Ledger
from producer_service.live.equipment import Equipment, LandmarkerSupply
from producer_service.live.job import Job
from producer_service.live.outcome import Acknowledged
from producer_service.live.processing import Handling, decode_picture, publish_landmarks
from producer_service.publish import FramePublisher
from producer_service.travelling import FrameFacts, Settled


class KafkaIsAway:
    """A publisher whose frames all wait for their answer."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def publish(self, frame: HolisticFrame, handed_over_us: int, settled: Settled, **_: object) -> None:
        delivered = FrameFacts.of(frame, handed_over_us).delivered("topic", 0, 7, 5_000)
        self.waiting.append(lambda: settled(delivered))


def test_a_frame_that_waits_for_kafka_does_not_hold_its_picture() -> None:
    away, times_us = KafkaIsAway(), iter((2_000, 3_000))
    equipment = Equipment(
        cast(LandmarkerSupply, None),
        lambda data, memory: np.zeros((1, 1, 3), np.uint8),
        cast(FramePublisher, away),
        Ledger(),
        EpochClock(),
        lambda: next(times_us),
    )
    image = np.zeros((48, 64, 3), np.uint8)
    picture = weakref.ref(image)
    job = Job(Captured(image, 1_000, 0), 1_000, equipment.ledger)
    step = decode_picture(job, None, equipment)
    assert step is not None
    numbering = equipment.epochs.begin("ada", 1_000)
    publish_landmarks(job, step, Landmarks(), numbering, "model", Handling(), equipment)
    outcome = job.outcome
    del image, step, job
    gc.collect()
    assert picture() is None
    away.waiting.pop()()
    settled = outcome.result(0)
    assert isinstance(settled, Acknowledged)
    assert settled.spent.total_ms == pytest.approx(4.0)
