"""Which offsets of each partition an audit looks at."""

from collections.abc import Mapping
from dataclasses import dataclass

from connect_runtime.offsets.forms import Edge, Moment, OffsetMap, Place, UnreadableOffsets
from connect_runtime.sink import TopicPartition
from kafka_io.admin import topic_end_offsets, topic_partitions
from kafka_io.group_offsets import offsets_at
from kafka_io.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class AuditedRange:
    """Offsets [first, end) of a partition; without an end, up to where the topic ends, and whatever is beyond it."""

    first: int = 0
    end: int | None = None

    def within(self, held: range) -> range:
        """The offsets of `held` that are looked at."""
        last = held.stop if self.end is None else min(held.stop, self.end)
        first = max(held.start, self.first)
        return range(first, max(first, last))


def find_ranges(
    kafka: KafkaSettings, topic: str, first: Place | None = None, end: Place | None = None
) -> dict[int, AuditedRange]:
    """Partition → what is looked at. Partitions that a map of offsets does not name are absent.

    Raises KafkaRefused when there is no such topic, UnreadableOffsets for a place that is none in it.
    """
    partitions = topic_partitions(kafka, topic)
    now_ends = topic_end_offsets(kafka, topic)
    firsts = _find(kafka, topic, partitions, first or Edge.EARLIEST)
    ends = _find(kafka, topic, partitions, end or Edge.LATEST)
    return {
        partition: AuditedRange(_or(firsts[partition], now_ends[partition]), ends[partition])
        for partition in partitions
        if partition in firsts and partition in ends
    }


def _or(offset: int | None, end: int) -> int:
    return end if offset is None else offset


def _find(kafka: KafkaSettings, topic: str, partitions: list[int], place: Place) -> Mapping[int, int | None]:
    """Offset by partition; None: the end."""
    if isinstance(place, Edge):
        # What the topic no longer holds may still be in the stores.
        return dict.fromkeys(partitions, 0 if place is Edge.EARLIEST else None)
    if isinstance(place, Moment):
        found = offsets_at(kafka, [topic], place.timestamp_ms)
        return {partition: found[topic, partition] for partition in partitions}
    if not isinstance(place, OffsetMap):
        raise UnreadableOffsets("an audit has no place to shift from", given=place)
    unknown = set(place.offsets) - {TopicPartition(topic, partition) for partition in partitions}
    if unknown:
        names = ", ".join(f"{at.topic}-{at.partition}" for at in sorted(unknown))
        raise UnreadableOffsets(f"{topic} does not have {names}", given=place)
    return {at.partition: offset for at, offset in place.offsets.items()}
