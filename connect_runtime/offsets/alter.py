"""Moving a stopped connector: the offsets its sink keeps for itself, and those of its group, both or neither."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from connect_runtime.sink import Sink, TopicPartition
from kafka_io.group_offsets import committed_offsets, delete_group, move_group, partition_bounds, refuse_live
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Terminal
from observability.logs import error_fields

log: Final = logging.getLogger(__name__)


class NoSuchPartition(Terminal):
    """An offset was given for a partition no topic has. Fields: partitions."""


def read_group(kafka: KafkaSettings, group: str) -> dict[TopicPartition, int]:
    """The group's committed next offsets, in all topics."""
    return {TopicPartition(*at): offset for at, offset in committed_offsets(kafka, group).items()}


def alter_offsets(
    kafka: KafkaSettings, group: str, make_sink: Callable[[], Sink], offsets: Mapping[TopicPartition, int | None]
) -> None:
    """Move the sink's own offsets and then the group's; None forgets a partition's.

    Raises GroupIsLive while the group has members, NoSuchPartition, or what made the sink or Kafka refuse: nothing has
    moved then. (Had the sink moved when Kafka refused, it was moved back; state it dropped on its way stays dropped.)
    """
    refuse_live(kafka, group)
    # Asked for before anything moves: Kafka would take some and refuse the others.
    known = {TopicPartition(*at) for at in partition_bounds(kafka, {at.topic for at in offsets})}
    if unknown := sorted(set(offsets) - known):
        names = ", ".join(f"{at.topic}-{at.partition}" for at in unknown)
        raise NoSuchPartition(f"there is no partition {names}", partitions=unknown)
    before = read_group(kafka, group)
    _alter_both(make_sink, offsets, {at: before.get(at) for at in offsets}, lambda: move_group(kafka, group, offsets))


def reset_offsets(kafka: KafkaSettings, group: str, make_sink: Callable[[], Sink], topics: set[str]) -> None:
    """Forget the sink's own offsets of these topics and of what the group knows, and delete the group's.

    Raises as `alter_offsets`.
    """
    refuse_live(kafka, group)
    before = read_group(kafka, group)
    held = {TopicPartition(*at) for at in partition_bounds(kafka, topics)}
    partitions = held | {at for at in before if at.topic in topics}
    offsets: dict[TopicPartition, int | None] = dict.fromkeys(sorted(partitions))
    _alter_both(make_sink, offsets, {at: before.get(at) for at in offsets}, lambda: delete_group(kafka, group))


def _alter_both(
    make_sink: Callable[[], Sink],
    offsets: Mapping[TopicPartition, int | None],
    before: Mapping[TopicPartition, int | None],
    move_groups: Callable[[], None],
) -> None:
    sink = make_sink()
    try:
        sink.alter_offsets(offsets)
        try:
            move_groups()
        except HolisticError as error:
            log.warning("moving the group failed; the sink moves back: %s", error.message, extra=error_fields(error))
            sink.alter_offsets(before)
            raise
    finally:
        sink.stop()
