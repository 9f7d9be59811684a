"""Where each frame of the demo went, and when: the yardstick everything downstream is held against."""

import threading
from dataclasses import dataclass

from kafka_io.admin import group_offsets
from kafka_io.settings import KafkaSettings
from producer_service.watchers import Delivered, Watcher

Position = tuple[int, int]
"""Partition and offset."""


class DeliveryBook(Watcher):
    """Collects every acknowledged frame; safe to use from several producers at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delivered: list[Delivered] = []

    def frame_delivered(self, delivered: Delivered) -> None:
        """Remember one."""
        with self._lock:
            self._delivered.append(delivered)

    def all(self) -> list[Delivered]:
        """What was acknowledged so far."""
        with self._lock:
            return list(self._delivered)


@dataclass(frozen=True, slots=True)
class Lag:
    """How many offsets a group has yet to commit to be past the demo's last frame in every partition."""

    group: str
    records: int


def measure_lag(kafka: KafkaSettings, group: str, delivered: list[Delivered]) -> Lag:
    """How far the group is behind the frames delivered."""
    if not delivered:
        return Lag(group, 0)
    ends: dict[int, int] = {}
    for frame in delivered:
        ends[frame.partition] = max(ends.get(frame.partition, 0), frame.offset + 1)
    committed = group_offsets(kafka, group, delivered[0].topic)
    return Lag(group, sum(max(0, end - committed.get(partition, 0)) for partition, end in ends.items()))
