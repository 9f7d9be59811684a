"""Publish archived records again: planned first, then done, and done again without doubling anything."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from connect_runtime.forgetting.ledger import read_forgotten
from consumers.archive.capture_range import CaptureRange
from consumers.archive.parquet.offset_set import OffsetSet
from consumers.archive.restore.source import RestoreSource
from consumers.archive.restore.survey import Survey, Wanted
from consumers.archive.restore.values import encode_values
from kafka_io.admin import create_topics, topic_id, topic_partitions
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import KafkaSettings
from kafka_io.topic_limits import TopicLimitsReader
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError, Terminal
from keypoints.frame import FrameBatch
from keypoints.topics import (
    ORIGIN_HEADER,
    SCHEMAS_TOPIC,
    SUITE_TOPICS,
    Headers,
    format_origin,
    parse_origin,
    restored_spec,
)

_USUAL_MESSAGE_BYTES: Final = 1024 * 1024 + 12

Progress = Callable[[int, int], None]
"""Told how many records are restored, and of how many."""


class NothingToRestore(Terminal):
    """The archive does not hold what was asked for. Fields: topic."""


class WouldBeMistaken(Terminal):
    """Restored, the records would pass for others, or end up where nobody meant them to. Fields: topic."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore, and where to. `into_live` allows the very topic the records came from."""

    topic: str
    to_topic: str
    captured: CaptureRange = CaptureRange()  # noqa: RUF009 - frozen
    stream_id: str | None = None
    into_live: bool = False


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do."""

    request: RestoreRequest
    wanted: Wanted
    left: Survey
    """What is to be published."""
    restored_before: Mapping[int, int]
    """Partition → how many of the records asked for are in the topic already."""
    partitions: int
    """Of the topic they go to; it has, or will have, so many."""
    makes_topic: bool


def plan_restore(kafka: KafkaSettings, source: RestoreSource, request: RestoreRequest) -> RestorePlan:
    """Find out what there is to do. Reads the topic to restore to, if it is there: what is in it is not doubled.

    Raises NothingToRestore, WouldBeMistaken, KafkaUnavailable, and what reading the store raises.
    """
    if request.to_topic == request.topic and not request.into_live:
        raise WouldBeMistaken(
            f"{request.topic} is where the records came from",
            hint="name another topic with --to-topic; --into-live if you mean it",
            topic=request.topic,
        )
    life = _find_life(kafka, source, request.topic)
    wanted = Wanted(request.topic, life, request.captured, request.stream_id)
    survey = source.survey(wanted, read_forgotten(kafka))
    there = _partitions_of(kafka, request.to_topic)
    restored = {} if there is None else _read_restored(kafka, request)
    left = survey.without(restored)
    count = there or max(_partitions_of(kafka, request.topic) or 0, _count_partitions(survey))
    before = {
        found.partition: len(found.offsets) - len(rest.offsets)
        for found, rest in zip(survey.partitions, left.partitions, strict=True)
    }
    return RestorePlan(request, wanted, left, before, count, there is None)


def execute_restore(
    kafka: KafkaSettings, source: RestoreSource, plan: RestorePlan, on_progress: Progress = lambda _done, _of: None
) -> int:
    """Publish what is left, and return how many records were acknowledged.

    Each goes to the partition it had, where there are as many, else to its key's. Killed in the middle, and planned
    again, it goes on with the rest. Raises Transient or Terminal.
    """
    if plan.makes_topic:
        largest = _largest_message(kafka, plan.request.topic)
        create_topics(kafka, [restored_spec(plan.request.to_topic, plan.partitions, largest)])
    registry_id = _announce(kafka, plan.request.topic)
    # Of a topic that is gone no more is known than what was archived of it.
    source_partitions = _partitions_of(kafka, plan.request.topic) or _count_partitions(plan.left)
    same_partitions = source_partitions == plan.partitions
    failed: list[HolisticError] = []
    total, done = plan.left.records, 0

    def note(delivery: Delivery) -> None:
        if delivery.error is not None:
            failed.append(delivery.error)

    with BoundedPublisher(kafka, on_delivery=note) as publisher:
        for found in plan.left.partitions:
            for batch in source.read(found):
                for row, value in enumerate(encode_values(batch, registry_id)):
                    key = batch.keys[row]
                    publisher.publish(
                        plan.request.to_topic,
                        key,
                        value,
                        _without_nulls(with_origin(batch, row)),
                        # Below 0 the record had none.
                        timestamp_ms if (timestamp_ms := int(batch.timestamp_ms[row])) >= 0 else None,
                        partition=_choose_partition(found.partition, key, plan.partitions, same=same_partitions),
                    )
                if failed:
                    raise failed[0]
                done += len(batch)
                on_progress(done, total)
        publisher.flush()
        if failed:
            raise failed[0]
        return publisher.counts().acknowledged


def with_origin(batch: FrameBatch, row: int) -> Headers:
    """A record's headers, and after them who it is, where they do not say so already."""
    headers = batch.headers[row]
    if parse_origin(headers) is not None:
        return headers
    identity = str(batch.identity_topic[row]), int(batch.identity_partition[row]), int(batch.identity_offset[row])
    return (*headers, (ORIGIN_HEADER, format_origin(*identity)))


def _count_partitions(survey: Survey) -> int:
    return max((found.partition for found in survey.partitions), default=0) + 1


def _choose_partition(partition: int, key: bytes | None, partitions: int, *, same: bool) -> int | None:
    if same:
        return partition
    # Without a key a record would go anywhere, and out of order.
    return partition % partitions if key is None else None


def _without_nulls(headers: Headers) -> list[tuple[str, bytes]]:
    # The client sends no null; an empty value says as little.
    return [(name, value if value is not None else b"") for name, value in headers]


def _find_life(kafka: KafkaSettings, source: RestoreSource, topic: str) -> str:
    """The id of the topic whose records are restored: the one there is, else the last one the archive knows."""
    known = source.known_lives(topic)
    if not known:
        raise NothingToRestore(
            f"the archive holds nothing of {topic}", hint="`holistic streams` shows what it holds",
            topic=topic,
        )  # fmt: skip
    try:
        live = topic_id(kafka, topic)
    except Terminal:
        return known[-1]
    if live not in known:
        raise WouldBeMistaken(
            f"{topic} was deleted and made again since: what the archive holds is of the former one, and would pass "
            "for records of this one",
            hint=f"delete {topic} while you restore; records of both cannot be told apart by their origin header",
            topic=topic,
        )
    return live


def _partitions_of(kafka: KafkaSettings, topic: str) -> int | None:
    try:
        return len(topic_partitions(kafka, topic))
    except Terminal:
        return None


def _read_restored(kafka: KafkaSettings, request: RestoreRequest) -> dict[int, OffsetSet]:
    """Partition → offsets of the records, as they first were, that are in the topic to restore to."""
    offsets: dict[int, array[int]] = {}
    for record in read_whole_topic(kafka, request.to_topic):
        topic, partition, offset = parse_origin(record.headers) or (record.topic, record.partition, record.offset)
        if topic == request.topic:
            offsets.setdefault(partition, array("q")).append(offset)
    return {partition: OffsetSet.of(np.array(found, dtype=np.int64)) for partition, found in offsets.items()}


def _largest_message(kafka: KafkaSettings, topic: str) -> int:
    try:
        return max(TopicLimitsReader(kafka).read(topic).max_message_bytes or 0, _USUAL_MESSAGE_BYTES)
    except Terminal:
        return _USUAL_MESSAGE_BYTES


def _announce(kafka: KafkaSettings, topic: str) -> int | None:
    """Make our schema known again, under the subject its producers use: a registry then answers with the same id."""
    if kafka.schema_registry_url is None:
        create_topics(kafka, [spec for spec in SUITE_TOPICS if spec.name == SCHEMAS_TOPIC])
    return announce_schema(kafka, subject=f"{topic}-value")
