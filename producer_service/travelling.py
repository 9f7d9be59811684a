"""What is remembered of a frame between its publication and Kafka's answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from keypoints.errors import HolisticError
from keypoints.frame import HolisticFrame
from observability.tracing import PublishTrace
from producer_service.watchers import Delivered

Settled = Callable[[Delivered | HolisticError], None]
"""Told what became of a frame: where it is, or why it is not there."""


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """Which frame it is, and when it was where (wall time, µs since 1970); see `Delivered`."""

    stream_id: str
    epoch: int
    sequence: int
    captured_at_us: int
    handed_over_us: int
    processed_at_us: int
    has_person: bool

    @classmethod
    def of(cls, frame: HolisticFrame, handed_over_us: int) -> Self:
        """The facts of a frame that capture handed over then."""
        return cls(
            frame.stream_id,
            frame.epoch,
            frame.sequence,
            frame.captured_at_us,
            handed_over_us,
            frame.processed_at_us,
            frame.has_person,
        )

    def delivered(self, topic: str, partition: int, offset: int, acknowledged_us: int) -> Delivered:
        """The frame where Kafka put it."""
        return Delivered(
            stream_id=self.stream_id,
            epoch=self.epoch,
            sequence=self.sequence,
            topic=topic,
            partition=partition,
            offset=offset,
            captured_at_us=self.captured_at_us,
            handed_over_us=self.handed_over_us,
            processed_at_us=self.processed_at_us,
            acknowledged_us=acknowledged_us,
            has_person=self.has_person,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Travelling:
    """A frame on its way; each is another, whatever it says."""

    facts: FrameFacts
    trace: PublishTrace
    settled: Settled | None = None
