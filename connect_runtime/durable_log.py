"""A line whenever more became durable, for measuring a journey from outside the process."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

import orjson

from connect_runtime.sink import TopicPartition
from observability.line_file import LineFile


class DurableLog:
    """Appends {"connector", "topic", "partition", "next_offset", "at_us"}: what is below is durable at that time.

    An `on_durable` of the service. Each line is written whole and at once, so that a reader can follow the file.
    `now_us` is wall time in microseconds since 1970.
    """

    def __init__(self, path: Path, now_us: Callable[[], int]) -> None:
        """Raises Terminal when the file cannot be opened."""
        self._file = LineFile(path, "HOLISTIC_DURABLE_LOG")
        self._now_us = now_us
        self._lock = Lock()
        self._written: dict[tuple[str, TopicPartition], int] = {}

    def __call__(self, connector: str, durable: Mapping[TopicPartition, int]) -> None:
        """Append what is new."""
        at_us = self._now_us()
        with self._lock:
            for partition, next_offset in durable.items():
                if self._written.get((connector, partition), -1) >= next_offset:
                    continue
                self._written[connector, partition] = next_offset
                line = {
                    "connector": connector,
                    "topic": partition.topic,
                    "partition": partition.partition,
                    "next_offset": next_offset,
                    "at_us": at_us,
                }
                self._file.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def open_durable_log(path: Path | None) -> DurableLog | None:
    """The log in a file, by wall time; None where no file is named. Raises Terminal."""
    return None if path is None else DurableLog(path, lambda: time.time_ns() // 1000)
