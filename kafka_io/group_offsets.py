"""A group's offsets in all its topics: read them, move them while nobody is in it, and find offsets by time."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.protocol.consumer import OffsetSpec
from kafka.protocol.consumer.offsets import OffsetTimestamp

from kafka_io.admin import list_committed, open_admin, partitions_of
from kafka_io.errors import KafkaRefused, explain_kafka_error
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal

Partition = TypeVar("Partition", bound=tuple[str, int])
"""(topic, partition), or a named tuple of them: a mapping is invariant in its keys."""

# All of them say: there is nothing of this group to delete.
_NOTHING_THERE = (kafka_errors.GroupIdNotFoundError, kafka_errors.UnknownTopicOrPartitionError)
_STILL_LIVE = (
    kafka_errors.GroupSubscribedToTopicError,
    kafka_errors.NonEmptyGroupError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.UnknownMemberIdError,
)


class GroupIsLive(Terminal):
    """Somebody reads as a member of this group, so its offsets cannot be moved. Fields: group, members."""


@dataclass(frozen=True, slots=True)
class PartitionBounds:
    """What a partition holds: [start, end)."""

    start: int
    end: int


def committed_offsets(settings: KafkaSettings, group: str) -> dict[tuple[str, int], int]:
    """(topic, partition) → committed next offset, of every topic the group has committed to."""
    with open_admin(settings, f"reading the offsets of group {group}", group=group) as admin:
        return _committed(admin, group)


def group_members(settings: KafkaSettings, group: str) -> list[str]:
    """Ids of the group's members now; none for a group there is not."""
    with open_admin(settings, f"looking at group {group}", group=group) as admin:
        # Asked first, here and below: it waits for the coordinator, which a new cluster does not have at once.
        _committed(admin, group)
        return _members(admin, group)


def refuse_live(settings: KafkaSettings, group: str) -> None:
    """Raise GroupIsLive when the group has members."""
    members = group_members(settings, group)
    if members:
        raise _live(group, members)


def move_group(settings: KafkaSettings, group: str, offsets: Mapping[Partition, int | None]) -> None:
    """Set committed next offsets; None deletes a partition's. Nothing is changed while the group has members.

    Raises GroupIsLive, KafkaUnavailable or KafkaRefused.
    """
    doing = f"moving the offsets of group {group}"
    with open_admin(settings, doing, group=group) as admin:
        _committed(admin, group)
        if members := _members(admin, group):
            raise _live(group, members)
        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(offset, "", None)
            for partition, offset in offsets.items()
            if offset is not None
        }
        forgotten = [TopicPartition(*partition) for partition, offset in offsets.items() if offset is None]
        if wanted:
            _raise_first(admin.alter_group_offsets(group, wanted), group, doing)
        if forgotten:
            try:
                answers = admin.delete_group_offsets(group, forgotten)
            except _NOTHING_THERE:
                answers = {}
            _raise_first(
                {at: error for at, error in answers.items() if not issubclass(error, _NOTHING_THERE)}, group, doing
            )


def delete_group(settings: KafkaSettings, group: str) -> None:
    """Delete a group with its offsets; one there is not is no error. Raises GroupIsLive, or as `move_group`."""
    doing = f"deleting group {group}"
    with open_admin(settings, doing, group=group) as admin:
        _committed(admin, group)
        # kafka-python answers with the error's name.
        answer = admin.delete_groups([group])[group]
        if answer in {error.__name__ for error in _STILL_LIVE}:
            raise _live(group, _members(admin, group))
        if answer not in {"OK", *(error.__name__ for error in _NOTHING_THERE)}:
            problem: type[kafka_errors.KafkaError] = getattr(kafka_errors, answer, kafka_errors.UnknownError)
            raise explain_kafka_error(problem(), doing, group=group)


def matching_topics(settings: KafkaSettings, pattern: str) -> list[str]:
    """Names of the topics that match a pattern as a whole, sorted."""
    with open_admin(settings, "listing topics") as admin:
        return sorted(name for name in admin.list_topics() if re.fullmatch(pattern, name))


def partition_bounds(settings: KafkaSettings, topics: Iterable[str]) -> dict[tuple[str, int], PartitionBounds]:
    """What each partition of these topics holds now. Raises KafkaRefused when there is no such topic."""
    wanted = sorted(set(topics))
    with open_admin(settings, f"reading the ends of {', '.join(wanted)}", topics=wanted) as admin:
        partitions = _partitions(admin, wanted)
        starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return {
            (at.topic, at.partition): PartitionBounds(starts[at].offset, ends[at].offset) for at in sorted(partitions)
        }


def offsets_at(settings: KafkaSettings, topics: Iterable[str], timestamp_ms: int) -> dict[tuple[str, int], int | None]:
    """(topic, partition) → first offset whose record's timestamp is at or after this time (ms since 1970).

    None where no record is that young. Raises KafkaRefused when there is no such topic.
    """
    wanted = sorted(set(topics))
    with open_admin(settings, f"looking up a time in {', '.join(wanted)}", topics=wanted) as admin:
        partitions = _partitions(admin, wanted)
        found = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetTimestamp(max(0, timestamp_ms))))
        return {
            (at.topic, at.partition): found[at].offset if found[at].offset >= 0 else None for at in sorted(partitions)
        }


def _partitions(admin: KafkaAdminClient, topics: list[str]) -> list[TopicPartition]:
    return [partition for topic in topics for partition in partitions_of(admin, topic)]


def _committed(admin: KafkaAdminClient, group: str) -> dict[tuple[str, int], int]:
    found = list_committed(admin, group)
    return {(at.topic, at.partition): one.offset for at, one in sorted(found.items()) if one.offset >= 0}


def _members(admin: KafkaAdminClient, group: str) -> list[str]:
    described = admin.describe_groups([group]).get(group, {})
    return sorted(str(member["member_id"]) for member in described.get("members", []))


def _live(group: str, members: list[str]) -> GroupIsLive:
    return GroupIsLive(
        f"the group {group} is being read by {len(members)} member{'' if len(members) == 1 else 's'}",
        hint="stop the connector first: its offsets can only be moved while nobody reads",
        group=group,
        members=members,
    )


def _raise_first(answers: Mapping[TopicPartition, type[kafka_errors.KafkaError]], group: str, doing: str) -> None:
    for partition, error in answers.items():
        if issubclass(error, _STILL_LIVE):
            raise _live(group, [])
        if error is kafka_errors.UnknownTopicOrPartitionError:
            raise KafkaRefused(
                f"there is no partition {partition.topic}-{partition.partition}", topic=partition.topic,
                partition=partition.partition,
            )  # fmt: skip
        if error is not kafka_errors.NoError:
            raise explain_kafka_error(
                error(), f"{doing}: {partition.topic}-{partition.partition}", group=group, topic=partition.topic,
                partition=partition.partition,
            )  # fmt: skip
