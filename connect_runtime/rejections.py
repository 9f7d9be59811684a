"""What becomes of a record that cannot be used: reported, counted, and only then passed over."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from connect_runtime.retry import Surroundings
from connect_runtime.sink import TopicPartition
from connect_runtime.task_metrics import TaskMetrics
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError, Terminal
from observability.logs import error_fields

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """Kafka Connect's names of where in a task a record failed."""

    VALUE_CONVERTER = "VALUE_CONVERTER"
    TASK_PUT = "TASK_PUT"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that cannot be used, where that was found, and why."""

    record: RawRecord
    stage: Stage
    error: HolisticError
    found_by: str = "connect_runtime.decoding.Decoder"
    """Class of what could not use it."""

    @property
    def partition(self) -> TopicPartition:
        return TopicPartition(self.record.topic, self.record.partition)


class RecordRefused(Terminal):
    """A record that cannot be used, where `errors.tolerance` allows none. Fields: topic, partition, offset, stage."""


class RejectionReporter(Protocol):
    """Takes rejected records. The offset goes past them only after this returned."""

    def report(self, rejections: list[Rejection]) -> None:
        """Account for these. Raises Transient or Terminal when that failed: then they are not passed over."""


class LogReporter:
    """Writes one warning for each rejected record, and counts it."""

    def __init__(self, connector: str, metrics: TaskMetrics, surroundings: Surroundings) -> None:
        self._connector = connector
        self._metrics = metrics
        self._around = surroundings

    def report(self, rejections: list[Rejection]) -> None:
        """Never raises."""
        for rejection in rejections:
            record = rejection.record
            log.warning(
                "record skipped: %s", rejection.error.message,
                extra={
                    **error_fields(rejection.error),
                    "connector": self._connector, "stage": rejection.stage.value, "topic": record.topic,
                    "partition": record.partition, "offset": record.offset, "bytes": len(record.value or b""),
                },
            )  # fmt: skip
            self._metrics.failed_record(self._around.wall_clock(), skipped=True)


def name_record(record: RawRecord) -> str:
    """A record's place, for people."""
    return f"{record.topic}-{record.partition} offset {record.offset}"


def refuse(rejection: Rejection) -> RecordRefused:
    """The error a task fails with at this record."""
    record = rejection.record
    return RecordRefused(
        f"{name_record(record)} cannot be used: {rejection.error.message}",
        hint="errors.tolerance=all skips and reports such records",
        topic=record.topic, partition=record.partition, offset=record.offset, stage=rejection.stage.value,
    )  # fmt: skip
