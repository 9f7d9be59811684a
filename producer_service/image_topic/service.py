"""The loop of a member: poll, hand to streams, hear what became of it, commit."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from keypoints.errors import HolisticError, Transient
from observability.logs import error_fields
from observability.metrics import Metrics
from producer_service.image_topic.assignments import Assignments, Hands
from producer_service.image_topic.group_member import ImagesGone
from producer_service.image_topic.metrics import PARTITIONS, STREAMS, WAITING
from producer_service.image_topic.partition_work import PartitionWork, Phase

log = logging.getLogger(__name__)

_BUSY_POLL_S: Final = 0.01
_IDLE_POLL_S: Final = 0.2
_KAFKA_AWAY_S: Final = 0.5
_ENDS_EVERY_S: Final = 5.0
_LOOK_FOR_END_S: Final = 0.5
_LEAVE_TIMEOUT_S: Final = 10.0
# Less than the group's patience with a member that says nothing.
_STOOD_STILL_S: Final = 8.0
# What one partition may have waiting before it is read no further.
_WAITING_RECORDS: Final = 24
_WAITING_BYTES: Final = 16 * 1024 * 1024


class ImageTopicService:
    """Works as a member of the group until it is told to stop, or until all partitions are done up to given offsets."""

    def __init__(
        self,
        hands: Hands,
        assignments: Assignments,
        commit_every_s: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hands = hands
        self._assignments = assignments
        self._commit_every_s = commit_every_s
        self._metrics = metrics
        self._clock = clock
        self._commit_due_s = 0.0
        self._ends_due_s = 0.0
        self._look_for_end_s = 0.0
        self._polled_s = clock()

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, be they none."""
        return self._assignments.joined

    def run(self, stop: threading.Event, until: Mapping[int, int] | None = None) -> None:
        """Until `stop`, or until the group's committed offsets have reached `until` (by partition).

        Then what is under way is waited for and committed, and the group is left. Raises Terminal.
        """
        try:
            self._hands.member.join(self._assignments)
            while not stop.is_set() and not self._has_reached(until):
                try:
                    self._turn()
                except ImagesGone as gone:
                    self._assignments.resume_where_images_are(gone.partitions)
                except Transient as error:
                    log.warning("Kafka does not answer: %s", error.message, extra=error_fields(error))
                    stop.wait(_KAFKA_AWAY_S)
        finally:
            self._leave()

    def _turn(self) -> None:
        works = self._assignments.works
        busy = any(work.under_way or work.waiting for work in works.values())
        polled = self._hands.member.poll(_BUSY_POLL_S if busy else _IDLE_POLL_S)
        if self._clock() - self._polled_s > _STOOD_STILL_S:
            self._assignments.prove_membership()
        self._polled_s = self._clock()
        self._assignments.take_over()
        works = self._assignments.works
        for partition, records in polled.items():
            work = works.get(partition)
            if work is not None and work.phase is Phase.RUNNING:
                self._hands.desk.take_in(work, records)
        self._hands.desk.hear()
        now_s = self._clock()
        if works and now_s >= self._ends_due_s:
            self._ends_due_s = now_s + _ENDS_EVERY_S
            self._assignments.refresh_ends()
        self._assignments.open_ready()
        self._assignments.read_again()
        self._hands.desk.hand_out(works.values(), self._assignments.ends)
        self._hands.lines.tidy({stream_id for work in works.values() for stream_id in work.waiting})
        self._throttle(works)
        if now_s >= self._commit_due_s:
            self._commit_due_s = now_s + self._commit_every_s
            self._assignments.commit(works.values())
        self._show(works)

    def _throttle(self, works: Mapping[int, PartitionWork]) -> None:
        """Read on only what there is room for; polling goes on, and with it the membership."""
        for partition, work in works.items():
            has_room = (
                work.phase is Phase.RUNNING
                and not work.short_of_room
                and work.waiting_records < _WAITING_RECORDS
                and work.waiting_bytes < _WAITING_BYTES
            )
            if has_room and work.paused:
                self._hands.member.resume(partition)
            elif not has_room and not work.paused:
                self._hands.member.pause(partition)
            work.paused = not has_room

    def _show(self, works: Mapping[int, PartitionWork]) -> None:
        self._metrics.gauge(PARTITIONS).set(len(works))
        self._metrics.gauge(STREAMS).set(len(self._hands.lines))
        self._metrics.gauge(WAITING).set(sum(work.waiting_records for work in works.values()))

    def _has_reached(self, until: Mapping[int, int] | None) -> bool:
        """Other members' partitions count as well, so the group is asked."""
        if until is None or not self.joined or self._clock() < self._look_for_end_s:
            return False
        self._look_for_end_s = self._clock() + _LOOK_FOR_END_S
        try:
            for partition, end in until.items():
                committed = self._hands.member.committed(partition)
                if (0 if committed is None else committed[0]) < end:
                    return False
        except Transient as error:
            log.debug("the group's offsets cannot be read: %s", error.message)
            return False
        return True

    def _leave(self) -> None:
        self._assignments.give_up(list(self._assignments.works))
        self._hands.back_looker.close()
        try:
            self._hands.member.close(_LEAVE_TIMEOUT_S)
        except HolisticError as error:
            log.warning("the group could not be left in order: %s", error.message)
        self._hands.lines.close_all_but(())
