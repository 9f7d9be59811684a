"""What one stream's pictures became, as its owner is told."""

import threading
from collections import Counter, deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from producer_service.capture.captured import Clock
from producer_service.live.outcome import Acknowledged, Dropped, PictureOutcome, Rejected

_WINDOW_US: Final = 5_000_000
_WINDOW_FRAMES: Final = 600


@dataclass(frozen=True, slots=True)
class LineReport:
    """A moment's figures of one stream. Rate (frames/s) and latency (ms, median) are those of the last five seconds.

    `epoch` and the last position are None before the first frame.
    """

    epoch: int | None
    acknowledged: int
    with_person: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    frames_per_s: float
    latency_ms: float | None
    last_partition: int | None
    last_offset: int | None
    last_acknowledged_us: int | None
    last_problem: str | None


class LineCounts:
    """Counts outcomes as they come, from any thread."""

    def __init__(self, now_us: Clock) -> None:
        self._now_us = now_us
        self._lock = threading.Lock()
        self._epoch: int | None = None
        self._acknowledged = 0
        self._with_person = 0
        self._dropped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._recent: deque[tuple[int, float]] = deque(maxlen=_WINDOW_FRAMES)
        self._last: Acknowledged | None = None
        self._last_problem: str | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Tracking begins."""
        with self._lock:
            self._epoch = epoch

    def count(self, settled: "Future[PictureOutcome]") -> None:
        """A picture's outcome is known."""
        outcome = settled.result()
        with self._lock:
            if isinstance(outcome, Acknowledged):
                self._acknowledged += 1
                self._with_person += outcome.frame.has_person
                self._last = outcome
                self._recent.append((outcome.delivered.acknowledged_us, outcome.spent.total_ms))
            elif isinstance(outcome, Dropped):
                self._dropped[outcome.reason] += 1
                self._last_problem = outcome.message
            elif isinstance(outcome, Rejected):
                self._rejected[outcome.reason.value] += 1
                self._last_problem = outcome.message

    def report(self) -> LineReport:
        """The figures of this moment."""
        with self._lock:
            since_us = self._now_us() - _WINDOW_US
            latencies_ms = sorted(ms for at_us, ms in self._recent if at_us > since_us)
            last = self._last
            return LineReport(
                epoch=self._epoch,
                acknowledged=self._acknowledged,
                with_person=self._with_person,
                dropped=dict(self._dropped),
                rejected=dict(self._rejected),
                frames_per_s=round(len(latencies_ms) * 1e6 / _WINDOW_US, 2),
                latency_ms=round(latencies_ms[len(latencies_ms) // 2], 1) if latencies_ms else None,
                last_partition=None if last is None else last.delivered.partition,
                last_offset=None if last is None else last.delivered.offset,
                last_acknowledged_us=None if last is None else last.delivered.acknowledged_us,
                last_problem=self._last_problem,
            )
