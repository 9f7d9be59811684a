"""Recorded frames shown again, as fast as they were captured, or so many times faster."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.sink import AvatarSink
from keypoints.frame import FrameBatch

_LONGEST_PAUSE_S: Final = 2.0
"""Nobody watches a stage on which nothing happens: what was recorded longer apart follows after this."""

_TOGETHER_US: Final = 2_000
"""Frames captured so close to each other are shown as one scene."""


class PacedSink:
    """Gives an `AvatarSink` everybody's frames in the order of their capture, each when it is due.

    A `put` takes as long as its frames did; states go on being sent at their rate meanwhile. A stream that is alone on
    its partition may be read ahead of others: its frames are as near their time as the polls allow.
    """

    def __init__(
        self,
        shown_by: AvatarSink,
        speed: float = 1.0,
        clock_s: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`speed`: recorded seconds in one second, above 0."""
        self._shown_by = shown_by
        self._speed = speed
        self._clock_s = clock_s
        self._wait = wait
        self._reached_us: int | None = None
        self._due_s = 0.0
        self._next_offsets: dict[TopicPartition, int] = {}

    @property
    def tick_interval_s(self) -> float:
        """Seconds until the next state is due."""
        return self._shown_by.tick_interval_s

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """The group's offsets hold."""
        return self._shown_by.open(assignment)

    def put(self, batch: FrameBatch) -> None:
        """Show the frames."""
        order = np.argsort(batch.captured_at_us, kind="stable")
        captured_at_us = batch.captured_at_us[order]
        begins = np.flatnonzero(np.diff(captured_at_us, prepend=-1) > _TOGETHER_US)
        for rows in np.split(order, begins[1:] if len(begins) else []):
            if len(rows):
                self._wait_for(int(batch.captured_at_us[rows[0]]))
                self._shown_by.put(batch.take(rows))
        for partition, offset in batch.next_offsets().items():
            self._next_offsets[TopicPartition(batch.topic, partition)] = offset

    def tick(self) -> None:
        """Send again what is due."""
        self._shown_by.tick()

    def flush(self) -> None:
        """Nothing is held back."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """Everything put."""
        return self._next_offsets

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget the positions."""
        for partition in revoked:
            self._next_offsets.pop(partition, None)
        self._shown_by.close(revoked)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Begin anew."""
        self._reached_us = None
        self._shown_by.alter_offsets(offsets)

    def stop(self) -> None:
        """Release the sockets."""
        self._shown_by.stop()

    def _wait_for(self, captured_at_us: int) -> None:
        """Wait until a frame is due; what lies before those shown is due at once."""
        now_s = self._clock_s()
        if self._reached_us is None:
            self._due_s, self._reached_us = now_s, captured_at_us
        apart_s = max(0.0, (captured_at_us - self._reached_us) / 1e6) / self._speed
        self._due_s += min(apart_s, _LONGEST_PAUSE_S)
        self._reached_us = max(self._reached_us, captured_at_us)
        while (left_s := self._due_s - self._clock_s()) > 0.0:
            next_tick_s = self._shown_by.tick_interval_s
            self._wait(min(left_s, next_tick_s))
            if next_tick_s < left_s:
                self._shown_by.tick()
