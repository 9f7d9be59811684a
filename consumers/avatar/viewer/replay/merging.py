"""Records of several partitions in the order of their time, as far as it is known."""

import math
from collections import deque
from collections.abc import Iterable

from keypoints.codec import RawRecord


class _Lane:
    def __init__(self) -> None:
        self.waiting: deque[tuple[float, RawRecord]] = deque()
        self.bytes = 0
        self.newest_ms = -math.inf
        self.is_finished = False


class Merge:
    """Within a partition records keep their order: one whose time lies before an earlier one's has the earlier's."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self._lanes = {partition: _Lane() for partition in partitions}

    @property
    def known_until_ms(self) -> float:
        """Up to here every record has been added; infinite when there is nothing more to come."""
        return min((lane.newest_ms for lane in self._lanes.values() if not lane.is_finished), default=math.inf)

    @property
    def next_ms(self) -> float | None:
        """The time of the first record that waits."""
        return min((lane.waiting[0][0] for lane in self._lanes.values() if lane.waiting), default=None)

    @property
    def unfinished(self) -> list[int]:
        """Partitions of which there is more to come."""
        return [partition for partition, lane in self._lanes.items() if not lane.is_finished]

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nothing comes."""
        return all(lane.is_finished and not lane.waiting for lane in self._lanes.values())

    def add(self, partition: int, records: Iterable[RawRecord], wanted: frozenset[bytes] | None = None) -> None:
        """The partition's next records; only those with one of the `wanted` keys, or none, are kept."""
        lane = self._lanes[partition]
        for record in records:
            lane.newest_ms = max(lane.newest_ms, float(record.timestamp))
            if wanted is None or record.key is None or record.key in wanted:
                lane.waiting.append((lane.newest_ms, record))
                lane.bytes += len(record.value or b"")

    def finish(self, partition: int) -> None:
        """Nothing more comes of it."""
        self._lanes[partition].is_finished = True

    def newest_ms(self, partition: int) -> float:
        """The time of the newest record added."""
        return self._lanes[partition].newest_ms

    def waiting(self, partition: int) -> tuple[int, int]:
        """How many of its records wait, and their bytes."""
        lane = self._lanes[partition]
        return len(lane.waiting), lane.bytes

    def take_until(self, at_ms: float) -> list[RawRecord]:
        """The records up to this time, which wait no longer."""
        taken: list[tuple[float, RawRecord]] = []
        for lane in self._lanes.values():
            while lane.waiting and lane.waiting[0][0] <= at_ms:
                taken.append(lane.waiting.popleft())
                lane.bytes -= len(taken[-1][1].value or b"")
        taken.sort(key=lambda timed: timed[0])
        return [record for _, record in taken]
