"""What a service asks of a cluster besides records: topics, their ends, and a group's offsets."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.protocol.consumer import OffsetSpec, OffsetTimestamp

from kafka_io.connecting import connect_client
from kafka_io.errors import KafkaRefused, explain_kafka_error
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec

_BOOTSTRAP_TIMEOUT_MS = 10_000
_BROKER_DEFAULT = -1
_COORDINATOR_TIMEOUT_S = 15.0
_COORDINATOR_RETRY_S = 0.2


@contextmanager
def open_admin(settings: KafkaSettings, doing: str, **fields: object) -> Iterator[KafkaAdminClient]:
    """An admin client for the length of the block; kafka-python's errors leave it as Transient or Terminal."""
    options = settings.client_options() | {"bootstrap_timeout_ms": _BOOTSTRAP_TIMEOUT_MS}
    admin: KafkaAdminClient = connect_client(KafkaAdminClient, options, doing, **fields)
    try:
        yield admin
    except (kafka_errors.KafkaError, OSError) as error:
        raise explain_kafka_error(error, doing, **fields) from error
    finally:
        admin.close()


def create_topics(settings: KafkaSettings, specs: Iterable[TopicSpec], replication: int | None = None) -> list[str]:
    """Create the topics that do not exist yet, wait until each has leaders, and return the names of those created.

    `replication` None takes the broker's default. Two programs may do this at the same time.
    """
    wanted = list(specs)
    with open_admin(settings, "creating topics", topics=[spec.name for spec in wanted]) as admin:
        existing = set(admin.list_topics())
        missing = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": _BROKER_DEFAULT if replication is None else replication,
                "configs": dict(spec.configs),
            }
            for spec in wanted
            if spec.name not in existing
        }
        if not missing:
            return []
        answer = admin.create_topics(missing, raise_errors=False)
        created = []
        for topic in answer["topics"]:
            problem = kafka_errors.for_code(topic["error_code"])
            if problem is kafka_errors.NoError:
                created.append(topic["name"])
            elif problem is not kafka_errors.TopicAlreadyExistsError:
                raise explain_kafka_error(
                    problem(topic.get("error_message") or ""), f"creating topic {topic['name']}", topic=topic["name"]
                )
        admin.wait_for_topics(list(missing))
        return created


def delete_topic(settings: KafkaSettings, topic: str) -> None:
    """Delete a topic with its records; one that is not there is no error."""
    with open_admin(settings, f"deleting topic {topic}", topic=topic) as admin:
        try:
            admin.delete_topics([topic])
        except kafka_errors.UnknownTopicOrPartitionError:
            return


def topic_id(settings: KafkaSettings, topic: str) -> str:
    """The topic's UUID: a topic deleted and made again has another one. Raises KafkaRefused when there is none."""
    with open_admin(settings, f"describing topic {topic}", topic=topic) as admin:
        return str(_describe_topic(admin, topic)["topic_id"])


def topic_partitions(settings: KafkaSettings, topic: str) -> list[int]:
    """The topic's partitions in order. Raises KafkaRefused when there is no such topic."""
    with open_admin(settings, f"describing topic {topic}", topic=topic) as admin:
        return [partition.partition for partition in partitions_of(admin, topic)]


def topic_end_offsets(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """Partition → offset the next record will get."""
    with open_admin(settings, f"reading the ends of {topic}", topic=topic) as admin:
        return _list_offsets(admin, topic, OffsetSpec.LATEST)


def topic_start_offsets(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """Partition → first offset still there (retention moves it)."""
    with open_admin(settings, f"reading the starts of {topic}", topic=topic) as admin:
        return _list_offsets(admin, topic, OffsetSpec.EARLIEST)


def topic_time_ranges(settings: KafkaSettings, topic: str) -> dict[int, tuple[int, int] | None]:
    """Partition → the first record's timestamp and the largest one, ms since 1970; None where there is no record.

    Raises KafkaRefused when there is no such topic.
    """
    with open_admin(settings, f"reading what time {topic} spans", topic=topic) as admin:
        partitions = partitions_of(admin, topic)
        firsts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetTimestamp(0)))
        newest = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.MAX_TIMESTAMP))
        return {
            at.partition: (firsts[at].timestamp, max(firsts[at].timestamp, newest[at].timestamp))
            if firsts[at].offset >= 0
            else None
            for at in partitions
        }


def group_offsets(settings: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """Partition → committed next offset; partitions without a commit are absent."""
    with open_admin(settings, f"reading the offsets of group {group}", group=group, topic=topic) as admin:
        return _list_committed(admin, group, topic)


def group_lag(settings: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """Partition → records between the group's commit (the start, if none; never before it) and the end."""
    with open_admin(settings, f"reading the lag of group {group}", group=group, topic=topic) as admin:
        starts = _list_offsets(admin, topic, OffsetSpec.EARLIEST)
        ends = _list_offsets(admin, topic, OffsetSpec.LATEST)
        committed = _list_committed(admin, group, topic)
        return {
            partition: max(0, end - max(committed.get(partition, 0), starts.get(partition, 0)))
            for partition, end in ends.items()
        }


def refuse_hidden(settings: KafkaSettings, topic: str) -> None:
    """Raise KafkaRefused for a topic this login may not see; one that is not there is no error.

    A list of topics leaves out both, and what reads as empty may hold what must be known.
    """
    with open_admin(settings, f"looking for topic {topic}", topic=topic) as admin:
        try:
            _describe_topic(admin, topic)
        except _NoSuchTopic:
            return


class _NoSuchTopic(KafkaRefused):
    """There is no topic of that name. Fields: topic."""


def _describe_topic(admin: KafkaAdminClient, topic: str) -> dict[str, Any]:
    [described] = admin.describe_topics([topic])
    problem = kafka_errors.for_code(described["error_code"])
    if problem is kafka_errors.UnknownTopicOrPartitionError:
        raise _NoSuchTopic(f"there is no topic {topic}", topic=topic, hint="`holistic up` creates the suite's topics")
    if problem is not kafka_errors.NoError:
        raise explain_kafka_error(problem(), f"describing topic {topic}", topic=topic)
    answer: dict[str, Any] = described
    return answer


def partitions_of(admin: KafkaAdminClient, topic: str) -> list[TopicPartition]:
    """The topic's partitions in order. Raises KafkaRefused when there is no such topic."""
    indices = [partition["partition_index"] for partition in _describe_topic(admin, topic)["partitions"]]
    return [TopicPartition(topic, index) for index in sorted(indices)]


def _list_offsets(admin: KafkaAdminClient, topic: str, spec: OffsetSpec) -> dict[int, int]:
    answers = admin.list_partition_offsets(dict.fromkeys(partitions_of(admin, topic), spec))
    return {partition.partition: answer.offset for partition, answer in sorted(answers.items())}


def _list_committed(admin: KafkaAdminClient, group: str, topic: str) -> dict[int, int]:
    committed = list_committed(admin, group)
    return {
        partition.partition: offset.offset
        for partition, offset in sorted(committed.items())
        if partition.topic == topic and offset.offset >= 0
    }


def list_committed(admin: KafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """What the group has committed to in all topics; an offset below 0 stands for none."""
    # A new cluster makes its topic of offsets when the first group is asked for, and refuses until that has leaders.
    deadline = time.monotonic() + _COORDINATOR_TIMEOUT_S
    while True:
        try:
            committed: dict[TopicPartition, OffsetAndMetadata] = admin.list_group_offsets({group: None})[group]
        except kafka_errors.RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_COORDINATOR_RETRY_S)
        else:
            return committed
