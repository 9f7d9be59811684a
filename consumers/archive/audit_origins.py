"""Records of a topic that are archived under another identity: those an origin header says they had before.

What the image path publishes, and what was restored to a topic, is such a record: the store holds it as the image's, or
as the first topic's, and not by its place in this one.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from consumers.archive.audit_ranges import AuditedRange
from consumers.archive.audit_stores import NO_OFFSETS, StoreContent
from consumers.archive.parquet.offset_set import OffsetSet
from kafka_io.admin import topic_end_offsets, topic_id
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import Terminal
from keypoints.topics import parse_origin

ReadStore = Callable[[str, str, Mapping[int, AuditedRange]], Mapping[int, StoreContent]]
"""Partition → what a store holds of a topic's life (name, id), in these ranges."""
Skipped = Callable[[str, str], Mapping[int, OffsetSet]]
"""Partition → offsets of a topic's life that are a connector's dead letters."""

_Pairs = dict[tuple[str, int], tuple[list[int], list[int]]]


class Origins:
    """Who records of a topic were before, of those whose offsets are asked for."""

    def __init__(self, kafka: KafkaSettings, topic: str, asked: Mapping[int, OffsetSet]) -> None:
        """Read them; only what lies behind the first offset asked for. Raises KafkaUnavailable or KafkaRefused."""
        self._kafka = kafka
        # Partition of the topic → (topic, partition) of the first identity → offsets here and there, in step.
        self._pairs: dict[int, _Pairs] = {}
        if not any(len(offsets) for offsets in asked.values()):
            return
        starts = topic_end_offsets(kafka, topic)
        starts |= {partition: offsets.runs[0][0] for partition, offsets in asked.items() if len(offsets)}
        for record in read_whole_topic(kafka, topic, starts=starts):
            origin = parse_origin(record.headers)
            if origin is not None and origin != (topic, record.partition, record.offset):
                of_partition = self._pairs.setdefault(record.partition, {})
                here, there = of_partition.setdefault(origin[:2], ([], []))
                here.append(record.offset)
                there.append(origin[2])

    def find_held(self, read: ReadStore, skipped: Skipped) -> dict[int, OffsetSet]:
        """Partition → offsets whose records a store has under their first identity, or had, or could not use."""
        names = {name for pairs in self._pairs.values() for name, _ in pairs}
        accounted = {name: self._find_accounted(name, read, skipped) for name in names}
        return {
            partition: _union(
                OffsetSet.of(np.array(here)[accounted[name].get(origin, NO_OFFSETS).holds(np.array(there))])
                for (name, origin), (here, there) in pairs.items()
            )
            for partition, pairs in self._pairs.items()
        }

    def _find_accounted(self, name: str, read: ReadStore, skipped: Skipped) -> dict[int, OffsetSet]:
        try:
            life = topic_id(self._kafka, name)
        except Terminal:
            # Which of the lives the archive saw was meant cannot be told any more.
            return {}
        partitions = {origin for pairs in self._pairs.values() for topic, origin in pairs if topic == name}
        held = read(name, life, dict.fromkeys(partitions, AuditedRange()))
        letters = skipped(name, life)
        nothing = StoreContent()
        return {
            partition: held.get(partition, nothing)
            .offsets.union(held.get(partition, nothing).removed)
            .union(letters.get(partition, NO_OFFSETS))
            for partition in partitions
        }


def _union(sets: Iterable[OffsetSet]) -> OffsetSet:
    joined = NO_OFFSETS
    for each in sets:
        joined = joined.union(each)
    return joined
