"""The two logs replicas agree through, of which each reads all that is written, in the order in which it is."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from keypoints.topics import CONNECT_CONFIGS_TOPIC, CONNECT_STATUS_TOPIC


class ControlTopic(StrEnum):
    """Settings and wishes, and how everybody is."""

    CONFIGS = CONNECT_CONFIGS_TOPIC
    STATUS = CONNECT_STATUS_TOPIC


@dataclass(frozen=True, slots=True)
class ControlRecord:
    """One record as it was read."""

    topic: ControlTopic
    offset: int
    timestamp_ms: int
    key: str
    value: bytes | None
    is_news: bool
    """Written since the reader caught up for the first time."""


OnRecords = Callable[[Sequence[ControlRecord]], None]


class ControlLog(Protocol):
    """Two compacted topics of one partition each, followed from their beginning."""

    def follow(self, on_records: OnRecords) -> None:
        """Begin to read; `on_records` is called on the reader's thread, one call at a time."""

    def append(self, topic: ControlTopic, key: str, value: bytes | None) -> int:
        """Write a record and return its offset once the log has it. Raises ControlUnavailable."""

    def problem(self) -> str | None:
        """What keeps the log from having been read up to its end; None: nothing."""

    def cluster_id(self) -> str | None:
        """Name of the cluster the log is on, once it is known."""

    def close(self) -> None:
        """Stop reading and writing."""


class MemoryControlLog:
    """The log of a process that shares nothing with any other; several herders of a test may follow one."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._lock = threading.RLock()
        self._ends = dict.fromkeys(ControlTopic, 0)
        self._newest: dict[tuple[ControlTopic, str], ControlRecord] = {}
        self._followers: list[OnRecords] = []

    def follow(self, on_records: OnRecords) -> None:
        """Begin to read."""
        with self._lock:
            on_records([replace(record, is_news=False) for record in self._newest.values()])
            self._followers.append(on_records)

    def append(self, topic: ControlTopic, key: str, value: bytes | None) -> int:
        """Write a record; everybody has read it when this returns."""
        with self._lock:
            offset = self._ends[topic]
            self._ends[topic] += 1
            record = ControlRecord(topic, offset, int(self._wall_clock() * 1000), key, value, is_news=True)
            self._newest.pop((topic, key), None)
            self._newest[(topic, key)] = record
            for on_records in self._followers:
                on_records([record])
            return offset

    def problem(self) -> str | None:
        """Nothing ever."""
        return None

    def cluster_id(self) -> str | None:
        """Of no cluster."""
        return None

    def close(self) -> None:
        """Holds nothing."""
