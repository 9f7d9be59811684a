"""Hands images to their streams, each stream's in order, and hears what became of them."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from keypoints.codec import RawRecord
from keypoints.errors import HolisticError, Terminal
from observability.logs import error_fields
from observability.metrics import Metrics
from producer_service.capture.captured import RefusalReason
from producer_service.image_topic.dead_letters import ImageDeadLetters
from producer_service.image_topic.image_record import UnusableImage, read_image
from producer_service.image_topic.metrics import ALREADY_PUBLISHED, DEAD_LETTERS, PUBLISHED, READ, READ_AGAIN
from producer_service.image_topic.partition_work import Entry, PartitionWork, Phase
from producer_service.image_topic.stream_lines import NoRoomForStream, OpenLine, StreamLines
from producer_service.live.outcome import Acknowledged, Dropped, PictureOutcome, Rejected

log = logging.getLogger(__name__)

_BROKEN_IN_A_ROW: Final = 50
"""So many pictures the landmarker breaks at, one after the other, are no matter of the pictures."""
_LETTER_AGAIN_S: Final = 1.0
_FIRST_FAILURE_S: Final = 0.5
_LONGEST_FAILURE_S: Final = 10.0

CheckTime = Callable[[int], None]
"""Raises Terminal for a capture time (ms since 1970) the topic of frames does not take."""


class ImageDesk:
    """For one thread at a time; what other threads have to say waits until it is heard."""

    def __init__(
        self,
        lines: StreamLines,
        letters: ImageDeadLetters,
        check_time: CheckTime,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines = lines
        self._letters = letters
        self._check_time = check_time
        self._metrics = metrics
        self._clock = clock
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._unsent: list[tuple[float, Callable[[], None]]] = []
        self._broken_in_a_row = 0

    def say(self, news: Callable[[], None]) -> None:
        """Have something done when news are heard next; from any thread."""
        self._news.put(news)

    def hear(self, timeout_s: float = 0.0) -> None:
        """Do what there is to be done; where there is nothing, wait for it. Raises Terminal when all pictures fail."""
        now_s = self._clock()
        due, self._unsent = (
            [letter for due_s, letter in self._unsent if due_s <= now_s],
            [(due_s, letter) for due_s, letter in self._unsent if due_s > now_s],
        )
        for letter in due:
            letter()
        try:
            self._news.get(timeout=timeout_s)() if timeout_s > 0 else self._news.get_nowait()()
            while True:
                self._news.get_nowait()()
        except Empty:
            return

    def take_in(self, work: PartitionWork, records: Sequence[RawRecord]) -> None:
        """Let a partition's records wait for their streams; what cannot be one's picture becomes a dead letter."""
        self._metrics.counter(READ).inc(len(records))
        for record in records:
            entry = Entry(record)
            work.add(entry)
            if record.offset in work.published:
                entry.done = True
                self._metrics.counter(ALREADY_PUBLISHED).inc()
                continue
            try:
                entry.image = read_image(record)
                self._check_time(entry.image.picture.captured_at_us // 1000)
            except Terminal as error:
                work.begin()
                self._send_letter(work, entry, error, "VALUE_CONVERTER", read_image.__module__)
                continue
            work.let_wait(entry, entry.image.stream_id)

    def hand_out(self, works: Iterable[PartitionWork], ends: tuple[int, ...]) -> None:
        """Give every stream as many of its pictures as it has room for. `ends` are those of the topic of frames."""
        for work in works:
            if work.phase is Phase.RUNNING:
                work.short_of_room = False
                for stream_id in list(work.waiting):
                    self._hand_out_stream(work, stream_id, ends)

    def _hand_out_stream(self, work: PartitionWork, stream_id: str, ends: tuple[int, ...]) -> None:
        while queue := work.waiting.get(stream_id):
            image = queue[0].image
            if image is None:
                raise ValueError("only pictures wait for a stream")
            try:
                line = self._lines.find_room(image, work.partition)
            except NoRoomForStream:
                work.short_of_room = True
                return
            if line is None:
                return
            entry = work.hand_over(stream_id, ends)
            self._lines.note_handed(line)
            line.line.submit(image.picture).add_done_callback(partial(self._note_outcome, work, entry, line))

    def _note_outcome(
        self, work: PartitionWork, entry: Entry, line: OpenLine, settled: "Future[PictureOutcome]"
    ) -> None:
        """Called on whatever thread."""
        self.say(partial(self._take_outcome, work, entry, line, settled.result()))

    def _take_outcome(self, work: PartitionWork, entry: Entry, line: OpenLine, outcome: PictureOutcome) -> None:
        self._lines.note_settled(line)
        if isinstance(outcome, Acknowledged):
            self._broken_in_a_row = 0
            self._metrics.counter(PUBLISHED).inc()
            work.failures = 0
            work.note_done(entry)
        elif work.phase is Phase.GIVEN_UP:
            work.under_way -= 1
        elif isinstance(outcome, Rejected):
            self._take_rejected(work, entry, outcome)
        else:
            self._take_dropped(work, outcome)

    def _take_rejected(self, work: PartitionWork, entry: Entry, outcome: Rejected) -> None:
        error = UnusableImage(outcome.message, reason=outcome.reason.value)
        if outcome.reason is not RefusalReason.INFERENCE_FAILED:
            self._send_letter(work, entry, error, "VALUE_CONVERTER", "producer_service.capture.still_image")
            return
        self._broken_in_a_row += 1
        if self._broken_in_a_row >= _BROKEN_IN_A_ROW:
            work.under_way -= 1
            raise Terminal(
                f"the landmarker failed at {_BROKEN_IN_A_ROW} pictures in a row: {outcome.message}",
                hint="no more of them become dead letters; is the machine out of memory, or the installation damaged?",
            )
        self._send_letter(work, entry, error, "TASK_PUT", "producer_service.landmarks.landmarker.Landmarker")

    def _take_dropped(self, work: PartitionWork, outcome: Dropped) -> None:
        work.under_way -= 1
        if work.phase is not Phase.RUNNING:
            return
        work.phase = Phase.FAILING
        work.again_s = self._clock() + min(_LONGEST_FAILURE_S, _FIRST_FAILURE_S * 2.0 ** min(work.failures, 8))
        work.failures += 1
        work.take_nothing_more()
        self._metrics.counter(READ_AGAIN).inc()
        log.warning(
            "a frame did not reach Kafka, its partition is read again: %s", outcome.message,
            extra={"partition": work.partition, "offset": work.next_offset, "reason": outcome.reason},
        )  # fmt: skip

    def _send_letter(self, work: PartitionWork, entry: Entry, error: HolisticError, stage: str, found_by: str) -> None:
        def told(problem: HolisticError | None) -> None:
            self.say(partial(take_answer, problem))

        def take_answer(problem: HolisticError | None) -> None:
            if problem is not None:
                self._unsent.append((self._clock() + _LETTER_AGAIN_S, send))
                log.warning("a dead letter is sent again: %s", problem.message, extra=error_fields(problem))
                return
            work.note_done(entry)
            self._metrics.counter(DEAD_LETTERS).inc()
            log.warning(
                "image skipped: %s", error.message,
                extra={
                    **error_fields(error), "topic": entry.record.topic, "partition": entry.record.partition,
                    "offset": entry.record.offset, "bytes": len(entry.record.value or b""),
                },
            )  # fmt: skip

        def send() -> None:
            if work.phase is Phase.GIVEN_UP:
                work.under_way -= 1
                return
            self._letters.send(entry.record, stage, found_by, error, told)

        send()
