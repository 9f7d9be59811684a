"""Whether the stores hold what the topic holds: each offset once, none missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from typing import Final

import numpy as np

from connect_runtime.dead_letters import DeadLetter
from connect_runtime.gap_topic import read_gaps
from connect_runtime.offsets.forms import Place
from connect_runtime.redrive import read_dead_letters
from consumers.archive.audit_origins import Origins, ReadStore
from consumers.archive.audit_ranges import AuditedRange, find_ranges
from consumers.archive.audit_stores import NO_OFFSETS, StoreContent, read_parquet_content, read_postgres_content
from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.parquet.offset_set import OffsetSet, Run
from kafka_io.admin import topic_end_offsets, topic_id, topic_start_offsets
from kafka_io.group_offsets import committed_offsets, group_members
from kafka_io.settings import KafkaSettings

_DEAD_LETTERS: Final = "dead letters"
_REMOVED: Final = "removed"
_ELSEWHERE: Final = "under another identity"


@dataclass(frozen=True, slots=True)
class StoreAudit:
    """A store against the topic, for one partition."""

    store: str
    rows: int
    duplicates: int
    """Rows beyond one an offset."""
    gaps: tuple[Run, ...]
    """Runs of offsets the topic still holds and the store does not."""
    beyond: tuple[Run, ...]
    """Runs of offsets the store holds and the topic never had."""
    skipped: int = 0
    """Offsets the store does not hold because their records could not be used, and are dead letters."""
    removed: int = 0
    """Offsets the store does not hold any more because retention or `holistic forget` took their rows away."""
    elsewhere: int = 0
    """Offsets whose records the store holds, or accounts for, under the identity their origin header gives them."""
    doubled: tuple[Run, ...] = ()
    """Runs of offsets that have more than one row."""
    pending: tuple[Run, ...] = ()
    """Runs of offsets the store does not hold yet: its connector has not committed them, and will archive them."""

    @property
    def missing(self) -> int:
        """Offsets in the gaps."""
        return count_offsets(self.gaps)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to complain about."""
        return not (self.duplicates or self.gaps or self.beyond)


@dataclass(frozen=True, slots=True)
class OnlyIn:
    """Offsets from before the topic's start that one store has and another never had, or lost."""

    store: str
    not_in: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class PartitionAudit:
    """A partition of the topic, [start_offset, end_offset) as far as it was looked at, and how the stores hold it."""

    partition: int
    start_offset: int
    end_offset: int
    stores: tuple[StoreAudit, ...]
    only_in: tuple[OnlyIn, ...] = ()
    """What the topic cannot say who is right about. It does not make the audit unclean."""


@dataclass(frozen=True, slots=True)
class LostRun:
    """Offsets, `first` to `last`, that retention took before a connector had read them."""

    connector: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ArchiveAudit:
    """The whole topic. What was lost to a connector is on record; it does not make the audit unclean."""

    topic: str
    topic_id: str
    partitions: tuple[PartitionAudit, ...]
    lost: tuple[LostRun, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether every store holds every offset once."""
        return all(store.clean for partition in self.partitions for store in partition.stores)

    def of_store(self, store: str) -> list[StoreAudit]:
        """One store's part, by partition."""
        return [found for partition in self.partitions for found in partition.stores if found.store == store]


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What an audit takes into account beside topic and stores."""

    dead_letter_topics: Mapping[str, str] = field(default_factory=dict)
    """Store → where its connector's dead letters are: a record that is one is not missing."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Store → its connector's group: what that has not committed is pending. Without one it is missing."""
    first: Place | None = None
    end: Place | None = None
    """Only offsets from the one up to the other; None: all there are."""


def audit_archive(
    kafka: KafkaSettings,
    topic: str,
    *,
    database_url: str | None = None,
    archive_root: ArchiveLocation | None = None,
    dead_letter_topics: Mapping[str, str] | None = None,
    options: AuditOptions | None = None,
) -> ArchiveAudit:
    """Compare the topic with the stores that are given, and the stores with each other.

    What retention has removed from the topic may still be in the stores: it is neither missing nor beyond. Raises
    KafkaRefused when there is no such topic, UnreadableOffsets for a place that is none in it, PostgresUnavailable when
    the database cannot be reached.
    """
    options = options or AuditOptions(dead_letter_topics=dead_letter_topics or {})
    current_id = topic_id(kafka, topic)
    ranges = find_ranges(kafka, topic, options.first, options.end)
    # The archive may be running. What was committed and what had been published before a store is read must be in it;
    # what is in it need only have been published, and be kept, by the time it was read.
    must_be_there = topic_end_offsets(kafka, topic)
    committed = {store: _find_committed(kafka, group, topic) for store, group in options.groups.items()}
    read_store: dict[str, ReadStore] = {}
    if database_url is not None:
        read_store["postgres"] = partial(read_postgres_content, database_url)
    if archive_root is not None:
        read_store["parquet"] = partial(read_parquet_content, archive_root)
    contents = {store: read(topic, current_id, ranges) for store, read in read_store.items()}
    starts, ends = topic_start_offsets(kafka, topic), topic_end_offsets(kafka, topic)
    letters = {
        store: read_dead_letters(kafka, options.dead_letter_topics[store])
        for store in contents
        if options.dead_letter_topics.get(store)
    }
    origins = Origins(kafka, topic, _find_absent(contents, ranges, starts, must_be_there))
    excused = {
        store: _Excuses(
            find_skipped(letters.get(store, []), topic, current_id),
            {partition: content.removed for partition, content in held.items()},
            origins.find_held(read_store[store], partial(find_skipped, letters.get(store, []))),
        )
        for store, held in contents.items()
    }
    audited = []
    for partition, wanted in sorted(ranges.items()):
        in_topic = _Held(wanted.within(range(starts[partition], must_be_there[partition])), ends[partition], wanted)
        stores = tuple(
            _compare(
                store,
                held.get(partition, StoreContent()),
                excused[store].of(partition),
                in_topic,
                _settled_before(committed.get(store), partition),
            )
            for store, held in contents.items()
        )
        only_in = tuple(_find_only_in(contents, excused, partition, starts[partition]))
        audited.append(PartitionAudit(partition, in_topic.offsets.start, in_topic.offsets.stop, stores, only_in))
    return ArchiveAudit(topic, current_id, tuple(audited), _find_lost(kafka, topic, current_id))


def count_offsets(runs: Iterable[Run]) -> int:
    """How many offsets the runs have."""
    return sum(last - first + 1 for first, last in runs)


def find_skipped(letters: Iterable[DeadLetter], topic: str, topic_id: str) -> dict[int, OffsetSet]:
    """Partition → offsets of this life of the topic whose records are dead letters."""
    offsets: dict[int, set[int]] = {}
    for letter in letters:
        name, partition, offset = letter.identity
        of_another_life = letter.source[0] == topic and letter.topic_id not in {None, topic_id}
        if name == topic and not of_another_life:
            offsets.setdefault(partition, set()).add(offset)
    return {partition: OffsetSet.of(np.array(sorted(found))) for partition, found in offsets.items()}


@dataclass(frozen=True, slots=True)
class _Excuses:
    """Why a store need not hold an offset."""

    skipped: Mapping[int, OffsetSet]
    removed: Mapping[int, OffsetSet]
    elsewhere: Mapping[int, OffsetSet]

    def of(self, partition: int) -> dict[str, OffsetSet]:
        return {
            _DEAD_LETTERS: self.skipped.get(partition, NO_OFFSETS),
            _REMOVED: self.removed.get(partition, NO_OFFSETS),
            _ELSEWHERE: self.elsewhere.get(partition, NO_OFFSETS),
        }


@dataclass(frozen=True, slots=True)
class _Held:
    """What is looked at: offsets that must be in the stores, where the topic ends by now, and what was asked for."""

    offsets: range
    end: int
    wanted: AuditedRange


def _compare(
    store: str, held: StoreContent, excused: Mapping[str, OffsetSet], in_topic: _Held, committed: int | None
) -> StoreAudit:
    first, last = in_topic.offsets.start, in_topic.offsets.stop - 1
    absent = OffsetSet.of_runs(held.offsets.missing(first, last))
    counts: dict[str, int] = {}
    for reason, offsets in excused.items():
        left = absent.without(offsets)
        counts[reason], absent = len(absent) - len(left), left
    settled = last if committed is None else min(last, committed - 1)
    beyond = held.offsets.runs if in_topic.wanted.end is None else []
    return StoreAudit(
        store=store,
        rows=held.rows,
        duplicates=held.duplicates,
        gaps=tuple(absent.within(first, settled).runs),
        beyond=tuple((max(start, in_topic.end), end) for start, end in beyond if end >= in_topic.end),
        skipped=counts.get(_DEAD_LETTERS, 0),
        removed=counts.get(_REMOVED, 0),
        elsewhere=counts.get(_ELSEWHERE, 0),
        doubled=tuple(held.doubled.runs),
        pending=tuple(absent.within(max(first, settled + 1), last).runs),
    )


def _find_absent(
    contents: Mapping[str, Mapping[int, StoreContent]],
    ranges: Mapping[int, AuditedRange],
    starts: Mapping[int, int],
    ends: Mapping[int, int],
) -> dict[int, OffsetSet]:
    """Partition → offsets of the topic that one of the stores does not hold by their place in it."""
    absent: dict[int, OffsetSet] = {}
    for held in contents.values():
        for partition, wanted in ranges.items():
            in_topic = wanted.within(range(starts[partition], ends[partition]))
            offsets = held.get(partition, StoreContent()).offsets
            missing = OffsetSet.of_runs(offsets.missing(in_topic.start, in_topic.stop - 1))
            absent[partition] = absent.get(partition, NO_OFFSETS).union(missing)
    return absent


def _find_committed(kafka: KafkaSettings, group: str, topic: str) -> dict[int, int] | None:
    """Partition → committed next offset; None for a group that nobody is in, nor ever was: it has nothing pending."""
    committed = {partition: at for (name, partition), at in committed_offsets(kafka, group).items() if name == topic}
    return committed if committed or group_members(kafka, group) else None


def _settled_before(committed: Mapping[int, int] | None, partition: int) -> int | None:
    return None if committed is None else committed.get(partition, 0)


def _find_only_in(
    contents: Mapping[str, Mapping[int, StoreContent]],
    excused: Mapping[str, _Excuses],
    partition: int,
    start: int,
) -> Iterable[OnlyIn]:
    nothing = StoreContent()
    for store, other in permutations(contents, 2):
        only = contents[store].get(partition, nothing).offsets.within(0, start - 1)
        only = only.without(contents[other].get(partition, nothing).offsets)
        for offsets in excused[other].of(partition).values():
            only = only.without(offsets)
        if len(only):
            yield OnlyIn(store, other, tuple(only.runs))


def _find_lost(kafka: KafkaSettings, topic: str, topic_id: str) -> tuple[LostRun, ...]:
    return tuple(
        LostRun(gap.connector, gap.partition.partition, gap.first, gap.next_offset - 1)
        for gap in read_gaps(kafka, topic)
        if gap.topic_id == topic_id
    )
