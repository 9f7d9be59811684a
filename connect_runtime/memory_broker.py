"""A broker in memory that behaves as Kafka does towards a group: for trying a sink out, and for tests.

It has topics, partitions, timestamps and headers; groups with generations and eager rebalances; commits that are
refused from an older generation; members whose session a caller may end. Nothing is ever written to disk.
"""

import re
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connect_runtime.client import CommitRefused, Gap, Membership, Polled, PositionsGone, RebalanceListener
from connect_runtime.sink import TopicPartition
from keypoints.errors import Terminal
from keypoints.topics import Headers

_MAX_POLL_RECORDS = 500


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record as a consumer gets it; `timestamp` is milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class _Log:
    start: int = 0
    records: list[MemoryRecord] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + len(self.records)

    def read(self, offset: int, limit: int) -> list[MemoryRecord]:
        """Records from an offset on that is there."""
        first = offset - self.start
        return self.records[first : first + limit]


@dataclass(slots=True)
class _Group:
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    generation: int = 0
    members: dict[str, "MemoryConsumer"] = field(default_factory=dict)
    joining: bool = False
    joined: set[str] = field(default_factory=set)
    assigned: dict[str, list[TopicPartition]] = field(default_factory=dict)


class MemoryBroker:
    """Holds topics and groups; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._logs: dict[str, list[_Log]] = {}
        self._groups: dict[str, _Group] = {}
        self._gaps: dict[tuple[str, TopicPartition, int], Gap] = {}
        self._members_made = 0

    def create_topic(self, topic: str, partitions: int) -> None:
        """Make a topic. Raises Terminal when it is there already."""
        with self._changed:
            if topic in self._logs:
                raise Terminal(f"topic {topic} exists", topic=topic)
            self._logs[topic] = [_Log() for _ in range(partitions)]
            for group in self._groups.values():
                if any(topic in member.topics for member in group.members.values()):
                    self._start_rebalance(group)

    def ensure_topic(self, topic: str, partitions: int) -> None:
        """Make a topic that is not there yet."""
        with self._changed:
            self._logs.setdefault(topic, [_Log() for _ in range(partitions)])

    def append(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
        timestamp_ms: int = 0,
    ) -> int:
        """Append a record and return its offset. Without `partition` the key decides (no key: partition 0)."""
        with self._changed:
            logs = self._logs[topic]
            index = zlib.crc32(key or b"") % len(logs) if partition is None else partition
            log = logs[index]
            offset = log.end
            log.records.append(MemoryRecord(topic, index, offset, timestamp_ms, key, value, headers))
            self._changed.notify_all()
            return offset

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Forget the records below an offset, as retention does."""
        with self._changed:
            log = self._logs[topic][partition]
            gone = min(max(before, log.start), log.end) - log.start
            del log.records[:gone]
            log.start += gone

    def records(self, topic: str, partition: int = 0) -> list[MemoryRecord]:
        """All records there are of a partition."""
        with self._changed:
            return list(self._logs[topic][partition].records)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Partition → offset the next record will get."""
        with self._changed:
            return {index: log.end for index, log in enumerate(self._logs[topic])}

    def committed(self, group: str) -> dict[TopicPartition, int]:
        """The group's committed next offsets."""
        with self._changed:
            return dict(self._groups[group].committed) if group in self._groups else {}

    def gaps(self) -> list[Gap]:
        """What connectors could not read because it was gone, in the order it was noticed."""
        with self._changed:
            return list(self._gaps.values())

    def members(self, group: str) -> list[str]:
        """Ids of the group's members."""
        with self._changed:
            return sorted(self._groups[group].members) if group in self._groups else []

    def rebalance(self, group: str) -> None:
        """Have every member of the group give up its partitions and join again."""
        with self._changed:
            self._start_rebalance(self._groups[group])

    def expire(self, group: str, member_id: str) -> None:
        """End a member's session, as if its heartbeats had stopped: it learns of it when it polls or commits."""
        with self._changed:
            self._remove(self._groups[group], member_id)

    def consumer(self, group: str, max_poll_records: int = _MAX_POLL_RECORDS) -> "MemoryConsumer":
        """A new member of the group; it joins when it polls."""
        return MemoryConsumer(self, group, max_poll_records)

    # What follows is for MemoryConsumer, which holds `_changed` while it calls.

    def _join(self, consumer: "MemoryConsumer", group_name: str) -> str:
        self._members_made += 1
        member_id = f"member-{self._members_made}"
        group = self._groups.setdefault(group_name, _Group())
        group.members[member_id] = consumer
        self._start_rebalance(group)
        return member_id

    def _remove(self, group: _Group, member_id: str) -> None:
        if group.members.pop(member_id, None) is None:
            return
        group.joined.discard(member_id)
        group.assigned.pop(member_id, None)
        self._start_rebalance(group)
        self._finish_rebalance(group)

    def _start_rebalance(self, group: _Group) -> None:
        group.joining = True
        group.joined.clear()
        self._changed.notify_all()

    def _finish_rebalance(self, group: _Group) -> None:
        if not group.joining or group.joined != set(group.members):
            return
        group.joining = False
        group.generation += 1
        topics = sorted({topic for member in group.members.values() for topic in member.topics})
        partitions = [TopicPartition(topic, index) for topic in topics for index in range(len(self._logs[topic]))]
        members = sorted(group.members)
        group.assigned = {member: partitions[turn :: len(members)] for turn, member in enumerate(members)}
        self._changed.notify_all()


class MemoryConsumer:
    """A `TaskConsumer` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker, group: str, max_poll_records: int) -> None:
        self._named: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self._broker = broker
        self._group_name = group
        self._max_poll_records = max_poll_records
        self._listener: RebalanceListener | None = None
        self._membership = Membership(-1, "")
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener, pattern: str | None = None) -> None:
        """Join the group at the next poll; see `TaskConsumer`. Raises Terminal when a topic does not exist."""
        missing = sorted(topic for topic in topics if topic not in self._broker._logs)
        if missing:
            raise Terminal(f"there is no topic {', '.join(missing)}", topics=missing)
        self._named = tuple(topics)
        self._pattern = None if pattern is None else re.compile(pattern)
        self._listener = listener

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics there are of those subscribed to."""
        if self._pattern is None:
            return self._named
        matched = (topic for topic in self._broker._logs if self._pattern.fullmatch(topic))
        return tuple(dict.fromkeys([*self._named, *matched]))

    def poll(self, timeout_s: float) -> Polled:
        """Records as soon as there are any; see `TaskConsumer`."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._take_part()
            with self._broker._changed:
                records = self._read()
                remaining = deadline - time.monotonic()
                if records or remaining <= 0:
                    return records
                if not self._has_news():
                    self._broker._changed.wait(remaining)

    def commit(self, offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:  # noqa: ARG002 - never waits
        """Commit these next offsets. Raises CommitRefused from outside the group's current generation."""
        with self._broker._changed:
            group = self._group()
            me = self._membership
            if group is None or me.member_id not in group.members or me.generation != group.generation:
                raise CommitRefused(f"{me.member_id} is not of the group's generation", group=self._group_name)
            if group.joining and me.member_id in group.joined:
                raise CommitRefused("a rebalance is in progress", group=self._group_name)
            not_mine = sorted(set(offsets) - set(self._positions))
            if not_mine:
                raise CommitRefused(f"{me.member_id} does not own {not_mine}", group=self._group_name)
            group.committed.update(offsets)
            self._broker._changed.notify_all()

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Return no records of these until they are resumed."""
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Return records of these again."""
        self._paused.difference_update(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading at this offset. Raises ValueError for a partition that is not this member's."""
        if partition not in self._positions:
            raise ValueError(f"{partition} is not assigned")
        self._positions[partition] = offset

    def rewind(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Go on reading at the group's committed offsets, else at the start."""
        with self._broker._changed:
            group = self._group()
            committed = group.committed if group else {}
            found = {partition: committed[partition] for partition in partitions if partition in committed}
            self._positions |= {
                partition: offset for partition, offset in found.items() if partition in self._positions
            }
        self.start_over([partition for partition in partitions if partition not in found])
        return found

    def start_over(self, partitions: Sequence[TopicPartition]) -> None:
        """Go on reading at the first record there is."""
        self._positions |= {
            partition: start for partition, start in self.log_starts(partitions).items() if partition in self._positions
        }

    def log_starts(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset there still is of each partition."""
        with self._broker._changed:
            return {partition: self._log(partition).start for partition in partitions}

    def record_gap(self, gap: Gap) -> None:
        """Keep that these records were never read."""
        with self._broker._changed:
            self._broker._gaps[gap.connector, gap.partition, gap.first] = gap

    def membership(self) -> Membership:
        """As whom the group knows this member."""
        return self._membership

    def known_end(self, partition: TopicPartition) -> int | None:
        """The offset the next record of this partition will get."""
        with self._broker._changed:
            return self._log(partition).end if partition in self._positions else None

    def close(self, timeout_s: float) -> None:  # noqa: ARG002 - never waits
        """Leave the group, telling the listener first."""
        self._tell(revoked=True)
        with self._broker._changed:
            group = self._group()
            if group is not None:
                self._broker._remove(group, self._membership.member_id)
            self._membership = Membership(-1, "")

    def _take_part(self) -> None:
        """Follow the group: learn of a lost session, give partitions up, join, take partitions over."""
        while True:
            with self._broker._changed:
                group = self._group()
                me = self._membership
                if group is None or me.member_id not in group.members:
                    step = "join"
                elif group.joining and me.member_id not in group.joined:
                    step = "rejoin"
                elif not group.joining and me.generation != group.generation:
                    step = "take over"
                else:
                    return
            if step == "join":
                self._tell(revoked=False)
                with self._broker._changed:
                    self._membership = Membership(-1, self._broker._join(self, self._group_name))
            elif step == "rejoin":
                self._tell(revoked=True)
                with self._broker._changed:
                    group = self._group()
                    if group is not None and me.member_id in group.members:
                        group.joined.add(me.member_id)
                        self._broker._finish_rebalance(group)
            else:
                self._take_over()

    def _take_over(self) -> None:
        with self._broker._changed:
            group = self._group()
            if group is None or self._membership.member_id not in group.assigned or group.joining:
                return
            self._membership = Membership(group.generation, self._membership.member_id)
            mine = group.assigned[self._membership.member_id]
            self._positions = {part: group.committed.get(part, self._log(part).start) for part in mine}
            self._paused.clear()
        if self._listener is not None:
            self._listener.on_assigned(sorted(mine))

    def _tell(self, *, revoked: bool) -> None:
        mine = sorted(self._positions)
        if mine and self._listener is not None:
            if revoked:
                self._listener.on_revoked(mine)
            else:
                self._listener.on_lost(mine)
        self._positions = {}

    def _has_news(self) -> bool:
        group = self._group()
        me = self._membership
        return (
            group is None
            or me.member_id not in group.members
            or (group.joining and me.member_id not in group.joined)
            or (not group.joining and me.generation != group.generation)
        )

    def _read(self) -> dict[TopicPartition, list[MemoryRecord]]:
        wanted = {partition: offset for partition, offset in self._positions.items() if partition not in self._paused}
        logs = {partition: self._log(partition) for partition in wanted}
        gone = {part: at for part, at in wanted.items() if not logs[part].start <= at <= logs[part].end}
        if gone:
            raise PositionsGone("there are no records at the offsets asked for", gone)
        room = self._max_poll_records
        records: dict[TopicPartition, list[MemoryRecord]] = {}
        for partition, position in wanted.items():
            found = logs[partition].read(position, room)
            if found:
                records[partition] = found
                self._positions[partition] = found[-1].offset + 1
                room -= len(found)
        return records

    def _group(self) -> _Group | None:
        return self._broker._groups.get(self._group_name)

    def _log(self, partition: TopicPartition) -> _Log:
        return self._broker._logs[partition.topic][partition.partition]
