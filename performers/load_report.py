"""What became of a load: every record it asked for, what was wrong with them on purpose, and what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from keypoints.errors import HolisticError
from performers.clock import Clock
from performers.load_plan import Rehearsal


@dataclass(frozen=True)
class LoadReport:
    """What became of a load; times are milliseconds where they do not say seconds.

    `scheduled` frames − `withheld` (missing, or not captured) + `repeated` = `frames` asked of Kafka = `acknowledged` +
    `failed`. `faults` says how many faults of each kind were injected (`faults`), and how many frames they befell
    (`frames`). `late` frames were handed over more than 20 ms after they were to leave. Latency runs from when a frame
    was to leave (as fast as possible: from its handing over) to its acknowledgement; it is None when nothing was
    acknowledged. `cpu_cores` is processor time of this process over wall time, from the first frame to the last
    acknowledgement; rendering was before, and took `rehearsal_s`.
    """

    asked_rate: float
    achieved_rate: float
    streams: int
    frames: int
    late: int
    acknowledged: int
    failed: int
    ack_ms_p50: float | None
    ack_ms_p99: float | None
    ack_ms_max: float | None
    bytes: int
    seconds: float
    scheduled: int
    withheld: int
    repeated: int
    faults: Mapping[str, Mapping[str, int]]
    epoch: int
    rehearsal_s: float
    cpu_cores: float
    cpu_cores_user: float
    cpu_cores_sys: float
    streams_by_acts: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was acknowledged."""
        return self.acknowledged == self.frames


@dataclass(frozen=True, slots=True)
class Course:
    """How a load went on this side: what is known when the last acknowledgement is in. `cpu_s` is user and system."""

    epoch: int
    late: int
    sent_bytes: int
    lasted_s: float
    wall_s: float
    cpu_s: tuple[float, float]


class LoadLedger:
    """Remembers when each record was to leave, and what became of it. `settle` may be called from another thread."""

    def __init__(self, records: int, clock: Clock) -> None:
        self._clock = clock
        # Written, not only asked for: else the system gives the memory bit by bit, and a long load seems to leak.
        self._since_us = np.full(records, 0, dtype=np.int64)
        self._latency_us = np.full(records, -1, dtype=np.int64)
        self.first_error: HolisticError | None = None

    def expect(self, number: int, since_us: int) -> None:
        """From when on the latency of a record counts."""
        self._since_us[number] = since_us

    def settle(self, number: int, error: HolisticError | None) -> None:
        """A record was acknowledged, or failed."""
        if error is None:
            self._latency_us[number] = self._clock.now_us() - self._since_us[number]
            return
        self.first_error = self.first_error or error

    def report(self, rehearsal: Rehearsal, course: Course) -> LoadReport:
        """The sums; a record whose fate is not known by now has failed."""
        plan = rehearsal.plan
        latencies_ms = self._latency_us[self._latency_us >= 0] / 1000.0
        quantiles = np.quantile(latencies_ms, [0.5, 0.99, 1.0]).tolist() if len(latencies_ms) else [None] * 3
        records = len(self._latency_us)
        user_s, system_s = course.cpu_s
        wall_s = max(course.wall_s, 1e-6)
        return LoadReport(
            asked_rate=records / plan.seconds,
            achieved_rate=records / max(course.lasted_s, 1e-6),
            streams=plan.streams,
            frames=records,
            late=course.late,
            acknowledged=len(latencies_ms),
            failed=records - len(latencies_ms),
            ack_ms_p50=quantiles[0],
            ack_ms_p99=quantiles[1],
            ack_ms_max=quantiles[2],
            bytes=course.sent_bytes,
            seconds=course.lasted_s,
            scheduled=plan.frames,
            withheld=rehearsal.withheld,
            repeated=rehearsal.repeated,
            faults=rehearsal.count_faults(),
            epoch=course.epoch,
            rehearsal_s=rehearsal.took_s,
            cpu_cores=(user_s + system_s) / wall_s,
            cpu_cores_user=user_s / wall_s,
            cpu_cores_sys=system_s / wall_s,
            streams_by_acts=rehearsal.count_streams(),
        )
