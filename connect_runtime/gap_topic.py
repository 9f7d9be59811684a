"""The topic in which it stays on record what connectors could not read because it was gone.

One record for each gap, the topic is compacted. The key says which (`connector/topic/partition/from`), the value is a
JSON object: connector, topic, topic_id, partition, from, to (the first offset that could be read again), records,
noticed_at (milliseconds since 1970).
"""

from dataclasses import replace
from typing import Any

import orjson

from connect_runtime.client import Gap
from connect_runtime.sink import TopicPartition
from kafka_io.admin import create_topics, topic_id
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import GAPS_SPEC


def write_gap(settings: KafkaSettings, gap: Gap) -> None:
    """Put a gap on record, acknowledged. Raises KafkaUnavailable or KafkaRefused when it is not."""
    create_topics(settings, [GAPS_SPEC])
    known = replace(gap, topic_id=topic_id(settings, gap.partition.topic))
    failures: list[HolisticError] = []
    with BoundedPublisher(
        settings, on_delivery=lambda delivery: failures.append(delivery.error) if delivery.error else None
    ) as publisher:
        publisher.publish(GAPS_SPEC.name, _key(known), orjson.dumps(_value(known)))
    if failures:
        raise failures[0]


def read_gaps(settings: KafkaSettings, topic: str | None = None) -> list[Gap]:
    """The gaps on record, of one topic or of all, by connector and offset. Raises KafkaUnavailable or KafkaRefused."""
    found: dict[bytes, Gap | None] = {}
    for record in read_whole_topic(settings, GAPS_SPEC.name):
        if record.key is not None:
            found[record.key] = read_gap(record.value)
    gaps = [gap for gap in found.values() if gap is not None and topic in (None, gap.partition.topic)]
    return sorted(gaps, key=lambda gap: (gap.connector, gap.partition, gap.first))


def _key(gap: Gap) -> bytes:
    return f"{gap.connector}/{gap.partition.topic}/{gap.partition.partition}/{gap.first}".encode()


def _value(gap: Gap) -> dict[str, Any]:
    return {
        "connector": gap.connector,
        "topic": gap.partition.topic,
        "topic_id": gap.topic_id,
        "partition": gap.partition.partition,
        "from": gap.first,
        "to": gap.next_offset,
        "records": gap.records,
        "noticed_at": gap.noticed_at_ms,
    }


def read_gap(value: bytes | None) -> Gap | None:
    """None for a tombstone, and for what anyone else may have written there."""
    try:
        stored = orjson.loads(value or b"null")
        partition = TopicPartition(str(stored["topic"]), int(stored["partition"]))
        return Gap(
            connector=str(stored["connector"]),
            partition=partition,
            first=int(stored["from"]),
            next_offset=int(stored["to"]),
            noticed_at_ms=int(stored["noticed_at"]),
            topic_id=stored["topic_id"],
        )
    except (KeyError, TypeError, ValueError):
        return None
