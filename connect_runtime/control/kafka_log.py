"""The logs replicas agree through, as two compacted topics."""

from connect_runtime.compacted_log import CompactedLog, FollowedRecord
from connect_runtime.control.log import ControlRecord, ControlTopic, OnRecords
from connect_runtime.retry import Surroundings
from kafka_io.settings import KafkaSettings
from keypoints.topics import CONTROL_TOPICS


class KafkaControlLog:
    """Follows both topics on a thread of its own, and goes on trying while Kafka is away."""

    def __init__(self, settings: KafkaSettings, surroundings: Surroundings) -> None:
        """Connects to nothing yet."""
        self._log = CompactedLog(settings, surroundings, CONTROL_TOPICS, "settings and status")

    def follow(self, on_records: OnRecords) -> None:
        """Begin to read; `on_records` is also called, with nothing, when the end was reached for the first time."""
        self._log.follow(lambda records: on_records([_read(record) for record in records]))

    def append(self, topic: ControlTopic, key: str, value: bytes | None) -> int:
        """Write a record and wait for its acknowledgement. Raises ControlUnavailable."""
        return self._log.append(topic, key, value)

    def problem(self) -> str | None:
        """Why the topics are not known to their end yet."""
        return self._log.problem()

    def cluster_id(self) -> str | None:
        """The cluster's id, once the broker has said it."""
        return self._log.cluster_id()

    def close(self) -> None:
        """Stop reading and writing; what is not acknowledged within seconds is lost."""
        self._log.close()


def _read(record: FollowedRecord) -> ControlRecord:
    return ControlRecord(
        ControlTopic(record.topic), record.offset, record.timestamp_ms, record.key, record.value, record.is_news
    )
