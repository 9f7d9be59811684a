"""What a sink is asked to do, in the order it was asked, until its thread comes to it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connect_runtime.isolation import Handover
from connect_runtime.sink import Sink
from keypoints.frame import FrameBatch


class CallKind(Enum):
    """Which of a sink's methods; PUT alone comes with frames."""

    OPEN = auto()
    PUT = auto()
    FLUSH = auto()
    TICK = auto()
    CLOSE = auto()
    ALTER = auto()


class WaitingFrames:
    """Batches that wait for the sink; those that wait together are one put once it begins.

    A sink that has fallen behind is the one that gets its frames in few calls: what a call costs before the first row
    is then paid once, and it catches up.
    """

    def __init__(self, batch: FrameBatch) -> None:
        self._batches = [batch]
        self._handover: Handover | None = None
        self.rows = len(batch)
        self.bytes = batch.coordinate_bytes

    def takes(self, batch: FrameBatch, most_rows: int) -> bool:
        """Whether the batch may be put with these, at most so many rows at once."""
        return self._batches[0].topic == batch.topic and self.rows + len(batch) <= most_rows

    def add(self, batch: FrameBatch) -> None:
        """Put the batch with these; only until they are handed over."""
        self._batches.append(batch)
        self.rows += len(batch)
        self.bytes += batch.coordinate_bytes

    def hand_over(self) -> Handover:
        """All of them as one, the same each time it is asked: a put that is tried again goes on where it stopped."""
        if self._handover is None:
            self._handover = Handover(FrameBatch.concat(self._batches))
            self._batches.clear()
        return self._handover


@dataclass(slots=True)
class SinkCall:
    """One call of a sink, of an era; `done` is what came of it."""

    kind: CallKind
    make: Callable[[Sink], Any]
    done: Future[Any]
    era: int
    frames: WaitingFrames | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of the frames it brings."""
        return 0 if self.frames is None else self.frames.bytes
