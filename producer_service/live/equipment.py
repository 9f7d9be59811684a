"""What every open stream of a producer shares."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from producer_service.capture.captured import Clock, RgbImage
from producer_service.encode import EpochClock
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.feed import StreamLandmarker
from producer_service.ledger import Ledger
from producer_service.live.outcome import PictureOutcome
from producer_service.publish import FramePublisher

Decode = Callable[[bytes, PictureMemory | None], RgbImage]
"""Untrusted bytes to u8[height, width, 3], within `memory` where there is one. Raises InvalidImage."""

WatchOutcome = Callable[["Future[PictureOutcome]"], None]
"""Called with every picture's outcome, on whatever thread knows it; must be quick."""


def ignore_outcome(_: "Future[PictureOutcome]") -> None:
    """For who does not measure."""


class LandmarkerSupply(Protocol):
    """Where landmarkers come from."""

    def open_stream(self) -> StreamLandmarker:
        """One that tracks a stream of its own. Raises NoLandmarkerFree or LandmarkerFailed."""

    def lend_still(self) -> AbstractContextManager[StreamLandmarker]:
        """One that remembers nothing, for the length of a block. Raises LandmarkerFailed."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """Landmarkers and decoders to take pictures through, Kafka behind them, and the book of what became of all."""

    landmarkers: LandmarkerSupply
    decode: Decode
    publisher: FramePublisher
    ledger: Ledger
    epochs: EpochClock
    now_us: Clock
    watch_outcome: WatchOutcome = ignore_outcome
