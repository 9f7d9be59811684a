"""The small topics that say what nothing else does: settings, roles, schemas, and above all who is forgotten."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kafka.consumer.fetcher import ConsumerRecord

from consumers.archive.backup.record import SavedRecord
from kafka_io.admin import create_topics
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import CONNECT_STATUS_TOPIC, FORGOTTEN_TOPIC, SUITE_TOPICS, TopicSpec

# The ledger first: from then on no service stores what is forgotten.
SAVED_TOPICS: Final[Sequence[TopicSpec]] = sorted(
    (
        spec
        for spec in SUITE_TOPICS
        # Who was alive when is of no use later.
        if spec.configs.get("cleanup.policy") == "compact" and spec.name != CONNECT_STATUS_TOPIC
    ),
    key=lambda spec: spec.name != FORGOTTEN_TOPIC,
)


def save_topics(kafka: KafkaSettings, specs: Iterable[TopicSpec] = SAVED_TOPICS) -> dict[str, tuple[SavedRecord, ...]]:
    """The newest record of each key. Raises KafkaUnavailable or KafkaRefused."""
    return {spec.name: tuple(_fold(read_whole_topic(kafka, spec.name)).values()) for spec in specs}


def restore_topics(
    kafka: KafkaSettings,
    saved: Mapping[str, Sequence[SavedRecord]],
    specs: Iterable[TopicSpec] = SAVED_TOPICS,
    replication: int | None = None,
) -> dict[str, int]:
    """Publish what the topics lack, and say how much that was. A key that is there is newer, and stays.

    Topics that are missing are made, with `replication` copies or as the brokers have it. Raises KafkaUnavailable,
    KafkaRefused.
    """
    wanted = [spec for spec in specs if spec.name in saved]
    create_topics(kafka, wanted, replication)
    return {spec.name: _publish_missing(kafka, spec.name, saved[spec.name]) for spec in wanted}


def find_missing(kafka: KafkaSettings, saved: Mapping[str, Sequence[SavedRecord]]) -> dict[str, int]:
    """How much `restore_topics` would publish. Raises KafkaUnavailable or KafkaRefused."""
    return {topic: len(_missing(kafka, topic, records)) for topic, records in saved.items()}


def list_keys(saved: Mapping[str, Sequence[SavedRecord]], topic: str) -> list[str]:
    """The keys of a saved topic that are text."""
    return [base64.b64decode(record.key).decode("utf-8", "replace") for record in saved.get(topic, ())]


def _publish_missing(kafka: KafkaSettings, topic: str, records: Sequence[SavedRecord]) -> int:
    failures: list[HolisticError] = []
    missing = _missing(kafka, topic, records)
    with BoundedPublisher(
        kafka, on_delivery=lambda delivery: failures.append(delivery.error) if delivery.error else None
    ) as publisher:
        for record in missing:
            headers = [(name, base64.b64decode(value)) for name, value in record.headers]
            publisher.publish(
                topic, base64.b64decode(record.key), base64.b64decode(record.value), headers, record.timestamp_ms
            )
    if failures:
        raise failures[0]
    return len(missing)


def _missing(kafka: KafkaSettings, topic: str, records: Sequence[SavedRecord]) -> list[SavedRecord]:
    # One that was taken away since is there too, as its end.
    there = {record.key for record in read_whole_topic(kafka, topic)}
    return [record for record in records if base64.b64decode(record.key) not in there]


def _fold(records: Iterable[ConsumerRecord]) -> dict[bytes, SavedRecord]:
    newest: dict[bytes, SavedRecord] = {}
    for record in records:
        if record.key is None:
            continue
        newest.pop(record.key, None)
        if record.value is not None:
            newest[record.key] = SavedRecord(
                _as_text(record.key),
                _as_text(record.value),
                tuple((name, _as_text(value or b"")) for name, value in record.headers),
                record.timestamp,
            )
    return newest


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()
