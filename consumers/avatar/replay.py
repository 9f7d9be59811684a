"""Recorded frames shown again, as fast as they were captured."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from connect_runtime.sink import Assignment, TopicPartition
from consumers.avatar.sink import AvatarSink
from keypoints.frame import FrameBatch

_LONGEST_PAUSE_S: Final = 2.0
"""Nobody watches a stage on which nothing happens: what was recorded longer apart follows after this."""


class PacedSink:
    """Gives an `AvatarSink` one performer's frames one by one, each when it is due.

    The performer is `stream`, or the first one seen with a person in it; the frames of others are passed over. A `put`
    takes as long as its frames did.
    """

    def __init__(
        self,
        shown_by: AvatarSink,
        stream: str | None,
        clock_s: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._shown_by = shown_by
        self._stream = stream
        self._clock_s = clock_s
        self._wait = wait
        self._last_captured_us: int | None = None
        self._due_s = 0.0
        self._next_offsets: dict[TopicPartition, int] = {}

    @property
    def tick_interval_s(self) -> float:
        """Seconds between keep-alive states."""
        return self._shown_by.tick_interval_s

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """The group's offsets hold."""
        return self._shown_by.open(assignment)

    def put(self, batch: FrameBatch) -> None:
        """Show the performer's frames."""
        if self._stream is None and batch.has_person.any():
            self._stream = str(batch.stream_id[int(np.argmax(batch.has_person))])
        for row in np.flatnonzero(batch.stream_id == self._stream).tolist():
            self._wait_for(int(batch.captured_at_us[row]))
            self._shown_by.put(batch.take([row]))
        for partition, offset in batch.next_offsets().items():
            self._next_offsets[TopicPartition(batch.topic, partition)] = offset

    def tick(self) -> None:
        """Send the state again when nothing was sent for a while."""
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
        self._last_captured_us = None
        self._shown_by.alter_offsets(offsets)

    def stop(self) -> None:
        """Release the sockets."""
        self._shown_by.stop()

    def _wait_for(self, captured_at_us: int) -> None:
        now_s = self._clock_s()
        if self._last_captured_us is None:
            self._due_s = now_s
        else:
            apart_s = (captured_at_us - self._last_captured_us) / 1e6
            self._due_s += min(max(0.0, apart_s), _LONGEST_PAUSE_S)
        self._last_captured_us = captured_at_us
        if self._due_s > now_s:
            self._wait(self._due_s - now_s)
