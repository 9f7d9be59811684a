"""The partitions a member has: taken over where their last owner left them, and given up in order."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from kafka import TopicPartition

from keypoints.errors import HolisticError
from observability.metrics import Metrics
from producer_service.image_topic.group_member import GroupMember
from producer_service.image_topic.image_desk import ImageDesk
from producer_service.image_topic.looking_back import BackLooker, LookBack
from producer_service.image_topic.metrics import GONE
from producer_service.image_topic.partition_work import PartitionWork, Phase
from producer_service.image_topic.positions import OutputPositions, format_positions, parse_positions
from producer_service.image_topic.stream_lines import StreamLines

log = logging.getLogger(__name__)

_COMMIT_TIMEOUT_S = 5.0
_REFRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class OutputTopic:
    """The topic of frames."""

    name: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hands:
    """What the partitions are worked with."""

    member: GroupMember
    lines: StreamLines
    desk: ImageDesk
    back_looker: BackLooker


class Assignments:
    """Told of rebalances, and commits. For one thread at a time; the client's own stands still in a rebalance."""

    def __init__(
        self,
        hands: Hands,
        output: OutputTopic,
        drain_s: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hands = hands
        self._output = output
        self._drain_s = drain_s
        self._metrics = metrics
        self._clock = clock
        self.works: dict[int, PartitionWork] = {}
        self.joined = False
        self.ends: tuple[int, ...] = ()
        """Where the topic of frames ended when it was last asked."""
        self._new: set[int] = set()
        self._left_at: dict[int, int] = {}

    # ---- told by the client, from within `poll` and `close`

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Read nothing of these before they are taken over, which needs Kafka's answers, and they may fail to come."""
        numbers = [place.partition for place in partitions]
        self._hands.lines.close_all_but(numbers)
        for partition in numbers:
            self._hands.member.pause(partition)
        self.works = {}
        self._new = set(numbers)
        self.joined = True

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Take nothing more in, wait for what is under way, and commit.

        Lines stay open until it is known who gets their partitions.
        """
        self.joined = False
        self.give_up(place.partition for place in partitions)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Somebody else has them already: stop what was not begun."""
        self.joined = False
        self._let_go([place.partition for place in partitions])

    def _let_go(self, numbers: Sequence[int]) -> None:
        self._new.difference_update(numbers)
        for partition in numbers:
            work = self.works.pop(partition, None)
            if work is not None:
                work.phase = Phase.GIVEN_UP
        self._hands.lines.close_of(numbers)

    # ---- asked by the loop

    def take_over(self) -> None:
        """Go on where the group is with partitions that were assigned.

        Where an owner may have published more than it committed, that is looked for first. Raises KafkaUnavailable or
        KafkaRefused; then it is to be called again.
        """
        if not self._new:
            return
        bounds = self._hands.member.bounds(self._new)
        questions = []
        for partition in sorted(self._new):
            work, positions = self._begin(partition, *bounds[partition])
            self.works[partition] = work
            if self._left_at.pop(partition, None) != work.next_offset:
                # Others had it meanwhile: what its lines would track goes on elsewhere.
                self._hands.lines.close_of({partition})
            self._hands.member.seek(partition, work.next_offset)
            if work.phase is Phase.LOOKING_BACK and positions is not None:
                questions.append(self._ask(work, positions))
            self._new.discard(partition)
        self._hands.back_looker.look(questions)

    def prove_membership(self) -> None:
        """Let go of everything if the group went on without this process, as when it stood still for long.

        Raises KafkaUnavailable or KafkaRefused.
        """
        if not self.commit(self.works.values(), anyway=True):
            self._let_go(list(self.works))

    def give_up(self, partitions: Iterable[int]) -> None:
        """Wait for what is under way of these, commit, and let go of them. Raises nothing."""
        numbers = list(partitions)
        self._new.difference_update(numbers)
        works = [work for partition in numbers if (work := self.works.get(partition)) is not None]
        for work in works:
            work.take_nothing_more()
        deadline_s = self._clock() + self._drain_s
        try:
            while any(work.under_way for work in works) and (left_s := deadline_s - self._clock()) > 0:
                self._hands.desk.hear(left_s)
            if not self.commit(works, closing=True):
                log.info("the last offsets were not committed: their images are read again")
        except HolisticError as error:
            log.warning("the last offsets were not committed: %s", error.message)
        for work in works:
            if work.under_way:
                log.warning(
                    "images are under way as their partition is given up",
                    extra={"partition": work.partition, "images": work.under_way},
                )
                self._hands.lines.close_of({work.partition})
            else:
                self._left_at[work.partition] = work.next_offset
            work.phase = Phase.GIVEN_UP
            del self.works[work.partition]

    def refresh_ends(self) -> None:
        """Ask where the topic of frames ends. Raises KafkaUnavailable or KafkaRefused."""
        self.ends = self._hands.member.ends_of(self._output.name, self._output.partitions)

    def open_ready(self) -> None:
        """Begin to read partitions that were looked into: where one would find their frames is committed first."""
        opening = [work for work in self.works.values() if work.phase is Phase.OPENING]
        if not opening:
            return
        self.refresh_ends()
        if self.commit(opening):
            for work in opening:
                work.phase = Phase.RUNNING

    def read_again(self) -> None:
        """Begin anew with partitions of which a frame did not reach Kafka, once nothing of them is under way."""
        questions = []
        for work in self.works.values():
            if work.phase is Phase.FAILING and not work.under_way and self._clock() >= work.again_s:
                offset = work.advance()
                positions = work.find_positions(self._output.name, self.ends)
                work.begin_again(positions)
                self._hands.lines.close_of({work.partition})
                self._hands.member.seek(work.partition, offset)
                questions.append(self._ask(work, positions))
        self._hands.back_looker.look(questions)

    def resume_where_images_are(self, partitions: Iterable[int]) -> None:
        """There is nothing to be read at these partitions' offsets: begin them anew where there is."""
        owned = [partition for partition in partitions if partition in self.works]
        self._let_go(owned)
        for partition in owned:
            self._hands.member.pause(partition)
        self._new.update(owned)

    def commit(self, works: Iterable[PartitionWork], *, closing: bool = False, anyway: bool = False) -> bool:
        """Commit how far these are, where there is something new to say, or `anyway`. False: the group has moved on."""
        now_s = self._clock()
        offsets: dict[int, tuple[int, str]] = {}
        wanted: dict[int, tuple[int, OutputPositions]] = {}
        by_partition = {work.partition: work for work in works}
        for work in by_partition.values():
            if work.phase in {Phase.LOOKING_BACK, Phase.GIVEN_UP}:
                continue
            offset = work.advance()
            nothing_left = closing and work.left_nothing
            positions = (
                OutputPositions(self._output.name, None)
                if nothing_left
                else work.find_positions(self._output.name, self.ends)
            )
            before = work.committed
            moved = before is None or before[0] != offset or work.phase is Phase.OPENING or nothing_left
            stale = now_s - work.committed_s >= _REFRESH_S
            if anyway or (before != (offset, positions) and (moved or stale)):
                wanted[work.partition] = (offset, positions)
                offsets[work.partition] = (offset, format_positions(positions))
        if not offsets:
            return True
        if not self._hands.member.commit(offsets, _COMMIT_TIMEOUT_S):
            return False
        for partition, said in wanted.items():
            by_partition[partition].committed = said
            by_partition[partition].committed_s = now_s
        return True

    # ----

    def _begin(self, partition: int, start: int, end: int) -> tuple[PartitionWork, OutputPositions | None]:
        committed = self._hands.member.committed(partition)
        if committed is None:
            # Whoever reads it commits before it publishes: nothing of it can be there.
            return PartitionWork(partition, start, Phase.OPENING), None
        offset, metadata = committed
        positions = parse_positions(metadata, self._output.name)
        if offset < start:
            self._metrics.counter(GONE).inc(start - offset)
            log.warning(
                "images were gone before they were read",
                extra={"topic": self._hands.member.topic, "partition": partition, "first": offset, "next": start},
            )
        if offset > end:
            log.warning(
                "the broker has fewer images than were read",
                extra={"topic": self._hands.member.topic, "partition": partition, "committed": offset, "end": end},
            )
        must_look = positions is not None and positions.offsets is not None
        work = PartitionWork(
            partition, min(max(offset, start), end), Phase.LOOKING_BACK if must_look else Phase.OPENING
        )
        if positions is not None and work.next_offset == offset:
            work.committed = (offset, positions)
        return work, positions

    def _ask(self, work: PartitionWork, positions: OutputPositions) -> LookBack:
        def take_answer(published: frozenset[int]) -> None:
            if work.phase is Phase.LOOKING_BACK:
                work.add_published(published, positions)

        return LookBack(
            work.partition,
            work.next_offset,
            positions,
            lambda published: self._hands.desk.say(partial(take_answer, published)),
        )
