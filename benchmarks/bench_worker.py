"""A sink that was held up: how late its frames are, put as they came and put together.

python benchmarks/bench_worker.py [--json]

The sink sleeps instead of working, 4 ms a call and 0.1 ms a row, and stands still for 60 ms once a second, as one that
is not given a processor does. Ten rows come every 6 ms: put one batch after the other it is busy for five of six ms.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.figures import print_figures
from connect_runtime.retry import Surroundings
from connect_runtime.sink import Assignment, TopicPartition
from connect_runtime.task_metrics import TaskMetrics
from connect_runtime.worker import SinkWorker, WorkerOptions
from keypoints import FrameBatch, HolisticFrame
from observability.metrics import Metrics

PLACE = TopicPartition("bench", 0)
ROWS = 10
EVERY_S = 0.006
SECONDS = 6.0
A_CALL_S = 0.004
A_ROW_S = 0.0001
HELD_UP_EVERY_S = 1.0
HELD_UP_S = 0.06
LATE_S = 0.02


class SlowSink:
    """Sleeps, and notes how late each row was; everything is durable at once."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []
        self.puts = 0
        self._held_up_at = time.monotonic() + HELD_UP_EVERY_S
        self._durable: dict[TopicPartition, int] = {}

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:  # noqa: ARG002
        """Nothing is stored."""
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Take its time."""
        if time.monotonic() >= self._held_up_at:
            self._held_up_at += HELD_UP_EVERY_S
            time.sleep(HELD_UP_S)
        time.sleep(A_CALL_S + A_ROW_S * len(batch))
        now_us = time.time_ns() // 1000
        self.waits_s += ((now_us - batch.captured_at_us) / 1e6).tolist()
        self.puts += 1
        self._durable[PLACE] = int(batch.offset.max()) + 1

    def flush(self) -> None:
        """Nothing is held back."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Everything put."""
        return self._durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Nothing to drop."""

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Nothing to move."""

    def stop(self) -> None:
        """Nothing to release."""


def measure(most_rows: int) -> tuple[float, float, int]:
    """The share of rows that were put late, the mean of how late in ms, and how many puts there were."""
    sink = SlowSink()
    frame = HolisticFrame(
        stream_id="bench", sequence=0, epoch=1, captured_at_us=1, processed_at_us=1, width=640, height=480
    )
    ten = [FrameBatch.from_frames([frame] * ROWS, topic=PLACE.topic, first_offset=ROWS * n) for n in range(2000)]
    options = WorkerOptions(None, 1.0, most_rows=most_rows)
    worker = SinkWorker("bench", lambda: sink, options, TaskMetrics(Metrics(), "bench", 0), Surroundings())
    worker.open(Assignment((PLACE,), 1, "bench", 0)).result(10)
    began = time.monotonic()
    for number in range(int(SECONDS / EVERY_S)):
        due_s = began + number * EVERY_S
        time.sleep(max(0.0, due_s - time.monotonic()))
        batch = ten[number]
        # From when it was due: a load that comes late hides nothing.
        batch.captured_at_us[:] = time.time_ns() // 1000 - int(1e6 * (time.monotonic() - due_s))
        if not worker.offer(batch, 60.0):
            raise RuntimeError("the worker took no batch for a minute")
    worker.flush().result(60)
    worker.stop(10)
    waits_s = np.array(sink.waits_s)
    return float((waits_s > LATE_S).mean()), 1000 * float(waits_s.mean()), sink.puts


def main() -> None:
    """Measure both in one run, and print."""
    apart_late, apart_ms, apart_puts = measure(most_rows=0)
    together_late, together_ms, together_puts = measure(most_rows=500)
    figures = {
        "apart_late_share": round(apart_late, 3),
        "together_late_share": round(together_late, 3),
        "apart_ms_mean": round(apart_ms, 1),
        "together_ms_mean": round(together_ms, 1),
        "apart_puts": apart_puts,
        "together_puts": together_puts,
        "late_of_apart": round(together_late / apart_late, 2) if apart_late else None,
    }
    print_figures(figures)


if __name__ == "__main__":
    main()
