"""Finding the rows a sink refuses: a batch it will not take is put in parts, down to single rows."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from connect_runtime.client import Polled
from connect_runtime.limits import HaltGuard
from connect_runtime.rejections import Rejection, RejectionReporter, Stage
from connect_runtime.sink import Sink, SinkFailed, TopicPartition
from kafka_io.failure_headers import name_class
from keypoints.codec import RawRecord
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.frame import FrameBatch

# What code raises that meets data nobody thought of.
_ODD_DATA: Final = (ArithmeticError, LookupError, TypeError, ValueError)


class RowRefused(Terminal):
    """A row the sink raised something of its own at. Fields: topic, partition, offset."""


class Originals:
    """The records between poll and put, as they came: a dead letter is one of them, byte for byte.

    Used from the polling and from the sink's thread: each call is one step of a deque's or a dict's.
    """

    def __init__(self) -> None:
        self._polled: dict[TopicPartition, deque[Sequence[RawRecord]]] = {}

    def keep(self, polled: Polled) -> None:
        """Hold on to these until they are forgotten."""
        for partition, records in polled.items():
            if records:
                self._polled.setdefault(TopicPartition(*partition), deque()).append(records)

    def forget(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Let go of what lies before these offsets."""
        for partition, next_offset in next_offsets.items():
            kept = self._polled.get(partition)
            while kept and kept[0][-1].offset < next_offset:
                kept.popleft()

    def clear(self) -> None:
        """Let go of everything."""
        self._polled.clear()

    def find(self, topic: str, partition: int, offset: int) -> RawRecord | None:
        """The record at this place, if it is held."""
        for records in tuple(self._polled.get(TopicPartition(topic, partition), ())):
            if records[0].offset <= offset <= records[-1].offset:
                return next((record for record in records if record.offset == offset), None)
        return None


@dataclass(slots=True)
class Handover:
    """A batch on its way into the sink, and what is left of it."""

    batch: FrameBatch
    pieces: deque[FrameBatch] = field(default_factory=deque)
    refused: list[Rejection] = field(default_factory=list)
    begun: bool = False


class RowIsolation:
    """Puts batches into a sink so that a row it refuses costs only that row. Lives on the sink's thread."""

    def __init__(self, originals: Originals, reporter: RejectionReporter, guard: HaltGuard) -> None:
        self._originals = originals
        self._reporter = reporter
        self._guard = guard
        # By partition, the offset after the last row the sink took, and after the last one it took or refused.
        self._accepted: dict[TopicPartition, int] = {}
        self._passed: dict[TopicPartition, int] = {}

    def begin(self) -> None:
        """An assignment begins, and nothing of the last one counts any more."""
        self._accepted.clear()
        self._passed.clear()

    def put(self, sink: Sink, handover: Handover) -> int:
        """Put the batch; returns how many rows the sink took.

        Whatever is raised, the same call goes on with what is left. Raises Transient, SinkFailed, TooManyRefused, or
        what the reporter raises; a row is passed over only once it is reported.
        """
        if not handover.begun:
            handover.begun = True
            handover.pieces.append(handover.batch)
        while handover.pieces:
            piece = handover.pieces[0]
            try:
                sink.put(piece)
            except Exception as error:
                if not len(piece) or not _is_about_rows(error):
                    raise
                parts = self._split(piece, error, handover, name_class(type(sink)))
                handover.pieces.popleft()
                handover.pieces.extendleft(part for part in reversed(parts) if len(part))
            else:
                handover.pieces.popleft()
                self._guard.pass_by(len(piece))
                self._accepted.update(_next_offsets(piece))
        self._report(handover)
        passed = _next_offsets(handover.batch)
        self._passed.update(passed)
        self._originals.forget(passed)
        return len(handover.batch) - len(handover.refused)

    def vouch(self, durable: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """What the sink says is durable, past the refused rows that follow the last row it took."""
        vouched = dict(durable)
        for partition, passed in self._passed.items():
            accepted = self._accepted.get(partition)
            if accepted is None or durable.get(partition, -1) >= accepted:
                vouched[partition] = max(passed, vouched.get(partition, passed))
        return vouched

    def _split(self, piece: FrameBatch, error: Exception, handover: Handover, sink_class: str) -> list[FrameBatch]:
        """What is left to put of a piece that was refused."""
        row = _named_row(error, len(piece))
        if row is None and len(piece) > 1:
            middle = len(piece) // 2
            return [piece.take(range(middle)), piece.take(range(middle, len(piece)))]
        row = row or 0
        rejection = self._reject(piece, row, error, sink_class)
        try:
            self._guard.check(rejection)
        except Terminal:
            # Those before it were tolerable; what is not reported now would be read and refused again.
            self._report(handover)
            raise
        handover.refused.append(rejection)
        return [piece.take(range(row)), piece.take(range(row + 1, len(piece)))]

    def _reject(self, piece: FrameBatch, row: int, error: Exception, sink_class: str) -> Rejection:
        place = (piece.topic, int(piece.partition[row]), int(piece.offset[row]))
        record = self._originals.find(*place)
        if record is None:
            raise SinkFailed(
                f"a row was refused whose record is gone: {error}", topic=place[0], partition=place[1], offset=place[2]
            ) from error
        return Rejection(record, Stage.TASK_PUT, _explain(error, place), sink_class)

    def _report(self, handover: Handover) -> None:
        if handover.refused:
            self._reporter.report(handover.refused)


def _next_offsets(batch: FrameBatch) -> dict[TopicPartition, int]:
    return {TopicPartition(batch.topic, index): offset for index, offset in batch.next_offsets().items()}


def _is_about_rows(error: Exception) -> bool:
    if isinstance(error, HolisticError):
        return isinstance(error, Terminal) and not isinstance(error, SinkFailed | Transient)
    return isinstance(error, _ODD_DATA)


def _named_row(error: Exception, rows: int) -> int | None:
    """The row of the batch the error names in its field `row`, if it does."""
    row = error.fields.get("row") if isinstance(error, HolisticError) else None
    if isinstance(row, int | np.integer) and 0 <= row < rows:
        return int(row)
    return None


def _explain(error: Exception, place: tuple[str, int, int]) -> HolisticError:
    if isinstance(error, HolisticError):
        return error
    topic, partition, offset = place
    refused = RowRefused(f"{type(error).__name__}: {error}", topic=topic, partition=partition, offset=offset)
    refused.__cause__ = error
    return refused
