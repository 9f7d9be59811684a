"""The Parquet connector as a process that sends itself a signal at a step of finishing a file.

Arguments: group, topic, folder, moment, signal. What the moments are is in MOMENTS.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from connect_runtime.sink import TopicPartition
from consumers.archive.connectors import read_clock_us
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink, RollLimits
from kafka_io.admin import topic_id
from kafka_io.settings import read_kafka_settings
from observability.logs import configure_logging

LISTED: Final = "after its entry is made"
MOMENTS: Final = (
    "before the file is written",
    "when half of it is written",
    "after it is written",
    "after it is published",
    LISTED,
    "before the offset is committed",
)
_TO_COME: Final = {LISTED: 2, "before the offset is committed": 2}
"""Which one of these moments since a file was listed, where it is not the first: there is to be one before."""


class Reach(Protocol):
    """Told that a moment has come; `prepare` is done first if it is the one at which the signal is to be sent."""

    def __call__(self, moment: str, prepare: Callable[[], object] = ...) -> None: ...


class InterruptedStorage(LocalStorage):
    """Says when it comes to a moment of a file's finish."""

    def __init__(self, root: Path, reach: Reach) -> None:
        super().__init__(root)
        self._reach = reach

    @contextmanager
    def stage(self, path: str) -> Iterator[BinaryIO]:
        is_file = path.endswith(".parquet")
        if is_file:
            self._reach("before the file is written")
        with super().stage(path) as file:
            yield file
            if is_file:
                file.flush()
                self._reach("when half of it is written", lambda: file.truncate(file.tell() // 2))
        if is_file:
            self._reach("after it is written")

    def publish(self, staged: str, path: str) -> None:
        super().publish(staged, path)
        if path.endswith(".parquet"):
            self._reach("after it is published")

    def create(self, path: str, content: bytes) -> bool:
        made = super().create(path, content)
        if b'"files":[{' in b"".join(content.split()):
            self._reach(LISTED)
        return made


class InterruptedSink(ParquetSink):
    """Says when the runtime asks it for offsets that it could commit."""

    def __init__(self, root: Path, group: str, reach: Reach) -> None:
        kafka = read_kafka_settings()
        storage = InterruptedStorage(root, reach)
        limits = RollLimits(rows=200, age_s=0.5)
        super().__init__(storage, group, lambda topic: topic_id(kafka, topic), read_clock_us, limits)
        self._reach = reach
        self._asked: Mapping[TopicPartition, int] = {}

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        offsets = super().durable_offsets()
        if offsets != self._asked:
            self._asked = offsets
            self._reach("before the offset is committed")
        return offsets


def main() -> int:
    group, topic, folder, wished, number = sys.argv[1:]
    configure_logging("human", "INFO")
    reached = 0
    has_listed = False

    def reach(moment: str, prepare: Callable[[], object] = lambda: None) -> None:
        nonlocal reached, has_listed
        has_listed |= moment == LISTED
        if has_listed and moment == wished:
            reached += 1
            if reached == _TO_COME.get(moment, 1):
                prepare()
                os.kill(os.getpid(), signal.Signals[number])

    config = {
        "topics": topic,
        "offset.flush.interval.ms": 500,
        "consumer.override.session.timeout.ms": 3000,
        "consumer.override.heartbeat.interval.ms": 500,
        "consumer.override.max.poll.records": 100,
    }
    connector = ConnectorSpec(group, config, lambda: InterruptedSink(Path(folder), group, reach))
    return run_connectors([connector], read_kafka_settings(), ServiceOptions())


if __name__ == "__main__":
    sys.exit(main())
