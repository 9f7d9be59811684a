"""From capture's hand-over to the effect, for every frame."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demo.deliveries import Position
from producer_service.watchers import Delivered


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds over so many frames."""

    frames: int
    mean: float
    p50: float
    p99: float

    def as_dict(self) -> dict[str, float]:
        """For machine output."""
        return {"mean": round(self.mean, 1), "p50": round(self.p50, 1), "p99": round(self.p99, 1)}


@dataclass(frozen=True, slots=True)
class Durable:
    """At `at_us` everything below `next_offset` of a partition was durable."""

    partition: int
    next_offset: int
    at_us: int


def summarise(latencies_ms: Sequence[float]) -> Latency | None:
    """Mean and percentiles; None of nothing."""
    if not latencies_ms:
        return None
    values = np.array(latencies_ms)
    return Latency(len(values), float(values.mean()), *(float(np.percentile(values, share)) for share in (50, 99)))


def measure_to_durable(delivered: Iterable[Delivered], log: Iterable[Durable]) -> Latency | None:
    """From hand-over until the frame's offset was durable."""
    by_partition: dict[int, list[tuple[int, int]]] = {}
    for durable in sorted(log, key=lambda entry: entry.at_us):
        entries = by_partition.setdefault(durable.partition, [])
        if not entries or durable.next_offset > entries[-1][0]:
            entries.append((durable.next_offset, durable.at_us))
    latencies_ms = []
    for frame in delivered:
        entries = by_partition.get(frame.partition, [])
        index = bisect_right(entries, (frame.offset, 2**63))
        if index < len(entries):
            latencies_ms.append((entries[index][1] - frame.handed_over_us) / 1000)
    return summarise(latencies_ms)


def measure_to_moment(delivered: Iterable[Delivered], moments_us: Mapping[Position, int]) -> Latency | None:
    """From hand-over until the moment noted for the frame, for those that have one."""
    return summarise(
        [
            (moments_us[frame.partition, frame.offset] - frame.handed_over_us) / 1000
            for frame in delivered
            if (frame.partition, frame.offset) in moments_us
        ]
    )
