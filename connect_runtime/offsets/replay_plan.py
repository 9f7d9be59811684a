"""Where a connector's group would go: each partition's current and new offset, kept within what the topic holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connect_runtime.config import ConnectorConfig
from connect_runtime.offsets.forms import Edge, Moment, OffsetMap, Place, Shift
from connect_runtime.sink import TopicPartition
from kafka_io.group_offsets import PartitionBounds, committed_offsets, matching_topics, offsets_at, partition_bounds
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal


class NothingToReplay(Terminal):
    """The request moves no partition. Fields: connector."""


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """One partition: where its group is (None: nowhere yet), where it would go, and what the topic holds of it."""

    partition: TopicPartition
    current: int | None
    new: int
    start: int
    """First offset the topic still holds."""
    end: int
    """Offset the next record will get."""
    warning: str | None = None

    @property
    def to_read(self) -> int:
        """Records between the new offset and the end."""
        return self.end - self.new


@dataclass(frozen=True, slots=True)
class PlannedRange:
    """One partition of a bounded replay: [first, end) is read again."""

    partition: TopicPartition
    first: int
    end: int
    warnings: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Offsets in the range."""
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Situation:
    """What Kafka says of a connector's topics and group now."""

    bounds: Mapping[TopicPartition, PartitionBounds]
    current: Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Target:
    """An offset found for a place, and what has to be said about it."""

    offset: int
    warning: str | None = None


def find_topics(config: ConnectorConfig, kafka: KafkaSettings) -> tuple[str, ...]:
    """The topics a connector reads: those it names, or those that match its pattern now."""
    if config.topics_pattern is None:
        return config.topics
    return tuple(matching_topics(kafka, config.topics_pattern))


def look_at(kafka: KafkaSettings, group: str, topics: Sequence[str]) -> Situation:
    """Ask Kafka. Raises KafkaRefused when a topic does not exist, KafkaUnavailable."""
    bounds = {TopicPartition(*at): found for at, found in partition_bounds(kafka, topics).items()}
    current = {TopicPartition(*at): offset for at, offset in committed_offsets(kafka, group).items()}
    return Situation(bounds, {at: offset for at, offset in current.items() if at in bounds})


def find_targets(place: Place, situation: Situation, kafka: KafkaSettings) -> dict[TopicPartition, Target]:
    """The offset that is meant in each partition, never outside of what the topic holds.

    Partitions that are not meant (not named in a map; never committed, so that there is nothing to shift from) are
    absent. Raises KafkaRefused for a map that names a partition there is not.
    """
    if isinstance(place, Edge):
        return {at: Target(held.start if place is Edge.EARLIEST else held.end) for at, held in situation.bounds.items()}
    if isinstance(place, Moment):
        return _at_moment(place, situation, kafka)
    if isinstance(place, Shift):
        wanted = {at: offset + place.by for at, offset in situation.current.items()}
    else:
        wanted = dict(place.offsets)
        _refuse_unknown(place, situation)
    return {at: _clamp(offset, situation.bounds[at]) for at, offset in sorted(wanted.items())}


def plan_moves(connector: str, place: Place, situation: Situation, kafka: KafkaSettings) -> list[PlannedMove]:
    """A move for each partition that is meant. Raises NothingToReplay when none is, or as `find_targets`."""
    moves = [
        PlannedMove(
            at,
            situation.current.get(at),
            target.offset,
            situation.bounds[at].start,
            situation.bounds[at].end,
            target.warning,
        )
        for at, target in sorted(find_targets(place, situation, kafka).items())
    ]
    if not moves:
        raise NothingToReplay(
            f"there is nothing to move: {connector} has committed no offset yet"
            if isinstance(place, Shift)
            else f"there is nothing to move: the topics of {connector} have no partitions that are meant",
            hint="say where to go with --from" if isinstance(place, Shift) else None,
            connector=connector,
        )
    return moves


def plan_ranges(first: Place, end: Place, situation: Situation, kafka: KafkaSettings) -> list[PlannedRange]:
    """A range for each partition that both places mean. Raises as `find_targets`."""
    firsts = find_targets(first, situation, kafka)
    ends = find_targets(end, situation, kafka)
    return [
        PlannedRange(
            at,
            firsts[at].offset,
            max(firsts[at].offset, ends[at].offset),
            tuple(one.warning for one in (firsts[at], ends[at]) if one.warning is not None),
        )
        for at in sorted(set(firsts) & set(ends))
    ]


def _at_moment(moment: Moment, situation: Situation, kafka: KafkaSettings) -> dict[TopicPartition, Target]:
    found = offsets_at(kafka, sorted({at.topic for at in situation.bounds}), moment.timestamp_ms)
    targets = {}
    for at, held in situation.bounds.items():
        offset = found.get(at)
        if offset is not None:
            targets[at] = _clamp(offset, held)
        else:
            targets[at] = Target(held.end, "no record is that young: its end is meant" if held.end else None)
    return targets


def _clamp(offset: int, held: PartitionBounds) -> Target:
    if offset < held.start:
        return Target(held.start, f"{offset} is gone (or never was): the topic begins at {held.start}")
    if offset > held.end:
        return Target(held.end, f"{offset} is not there yet: the topic ends at {held.end}")
    return Target(offset)


def _refuse_unknown(place: OffsetMap, situation: Situation) -> None:
    unknown = sorted(set(place.offsets) - set(situation.bounds))
    if unknown:
        names = ", ".join(f"{at.topic}-{at.partition}" for at in unknown)
        raise NothingToReplay(f"the connector does not read {names}", partitions=unknown)
