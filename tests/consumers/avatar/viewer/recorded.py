"""Performances on a topic of the tests' own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from consumers.avatar.humanoid.rotations import Quaternions
from consumers.avatar.solver.solve import Solver
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.topics import frame_headers, record_key
from performers import Act, ActKind, Performer, Side

BEGAN_MS = 1_790_000_000_000.0
PER_S = 30.0


@dataclass(frozen=True)
class Recorded:
    """A topic, and what is on it."""

    topic: str
    frames: dict[str, FrameBatch]

    def solve_at(self, stream: str, at_ms: float) -> Quaternions:
        """The pose solved directly from the newest frame up to a moment, float64[55, 4]; NaN where nothing is seen."""
        frames = self.frames[stream]
        row = int(np.searchsorted(frames.captured_at_us, at_ms * 1000, side="right")) - 1
        pose: Quaternions = Solver(1).solve(frames.take([row]), np.zeros(1, np.intp)).rotations[0]
        return pose


def perform(stream: str, length_s: float, side: Side, *, from_s: float = 0.0, epoch: int = 1) -> FrameBatch:
    """Somebody who raises an arm again and again."""
    acts = [
        Act(ActKind.WAVE, start_s + 0.5, start_s + 2.5, side)
        for start_s in np.arange(0.0, length_s - 3.0, 3.0).tolist()
    ]
    batch = Performer(stream, acts, seed=3).batch(np.arange(int(length_s * PER_S)) / PER_S)
    shift_us = int((BEGAN_MS + from_s * 1000) * 1000)
    return replace(
        batch,
        captured_at_us=batch.captured_at_us + shift_us,
        processed_at_us=batch.processed_at_us + shift_us,
        timestamp_ms=(batch.captured_at_us + shift_us) // 1000,
        epoch=np.full(len(batch), epoch, np.int64),
    )


def publish_frames(
    kafka: KafkaSettings, topic: str, frames: Sequence[HolisticFrame], partition: int | None = None
) -> None:
    """Frames in order, each at the time it was captured."""
    with BoundedPublisher(kafka) as publisher:
        for frame in frames:
            publisher.publish(
                topic,
                record_key(frame.stream_id),
                encode(frame),
                frame_headers(),
                partition=partition,
                timestamp_ms=frame.captured_at_us // 1000,
            )


def frames_of(batch: FrameBatch) -> list[HolisticFrame]:
    return [batch.frame(row) for row in range(len(batch))]
