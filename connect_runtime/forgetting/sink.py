"""A sink around a sink: it keeps rows of forgotten streams from it, and says of them what a sink says of its rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from connect_runtime.forgetting.streams import ForgottenStreams
from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from observability.metrics import CounterDef

FORGOTTEN_RECORDS = CounterDef(
    "holistic_forgotten_records", "Records of forgotten streams that were kept from a store.", ("connector",)
)


class Ledger(Protocol):
    """What a sink needs of the ledger of forgotten streams."""

    forgotten: ForgottenStreams

    def catch_up(self) -> None:
        """Read all there is by now. Raises Transient or Terminal."""

    def look(self) -> bool:
        """Take what was added since, without waiting. Whether there was anything."""

    def close(self) -> None:
        """Let go."""


@runtime_checkable
class Forgetful(Protocol):
    """A sink that holds more of a stream than rows on their way."""

    def forget(self, forgotten: ForgottenStreams) -> None:
        """Let go of what is held of these streams; write nothing of it from now on."""


NoteErased = Callable[[FrameBatch], None]
"""Puts on record that these rows are not in the store and never will be. Again is no error. Raises Transient."""


class ForgettingSink:
    """Passes on what is not forgotten.

    What it keeps back counts as durable after the next `flush`: all rows before it are durable then, and it is on
    record that it was kept back. The same is done when nothing comes any more and all that was passed on is durable:
    a bounded replay may end with such rows, and no flush come. When the ledger grows, the sink is flushed at once: rows
    it took before would come out later, behind whoever is erasing.
    """

    def __init__(
        self,
        sink: TickingSink,
        ledger: Ledger,
        note_erased: NoteErased,
        on_kept_back: Callable[[int], None] = lambda _rows: None,
    ) -> None:
        self._sink = sink
        self._ledger = ledger
        self._note_erased = note_erased
        self._on_kept_back = on_kept_back
        self._must_flush = False
        self._kept_back: list[FrameBatch] = []
        self._kept_back_from: dict[TopicPartition, int] = {}
        self._passed_on: dict[TopicPartition, int] = {}
        self._has_put = False
        self._durable: dict[TopicPartition, int] = {}

    @property
    def tick_interval_s(self) -> float:
        """The sink's own."""
        return self._sink.tick_interval_s

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Know all that is forgotten before the first row."""
        self._ledger.catch_up()
        offsets = self._sink.open(assignment)
        self._let_go()
        return offsets

    def put(self, batch: FrameBatch) -> None:
        """Pass the rows on that are not forgotten."""
        self._look()
        self._has_put = True
        forgotten = self._ledger.forgotten.rows_of(batch)
        if forgotten is None:
            self._pass_on(batch)
            return
        if not forgotten.all():
            try:
                self._pass_on(batch.take(~forgotten))
            except Terminal as error:
                _name_row_of(error, np.flatnonzero(~forgotten))
                raise
        # Only now: had the sink refused the others, what follows them must not count as dealt with.
        kept_back = batch.take(forgotten)
        self._kept_back.append(kept_back)
        for partition in np.unique(kept_back.partition).tolist():
            first = int(kept_back.offset[kept_back.partition == partition].min())
            self._kept_back_from.setdefault(TopicPartition(batch.topic, partition), first)
        self._on_kept_back(int(forgotten.sum()))

    def tick(self) -> None:
        """Look at the ledger, and pass the tick on."""
        self._look()
        self._sink.tick()
        has_put, self._has_put = self._has_put, False
        if self._kept_back and not has_put and self._is_all_durable():
            self.flush()

    def flush(self) -> None:
        """Make everything durable, and put on record what was kept back."""
        self._sink.flush()
        # Noted together, for each note is a write of its own.
        for batch in _by_topic(self._kept_back):
            self._note_erased(batch)
            for partition, offset in batch.next_offsets().items():
                place = TopicPartition(batch.topic, partition)
                self._durable[place] = max(offset, self._durable.get(place, 0))
        self._kept_back.clear()
        self._kept_back_from.clear()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """The sink's own, and beyond them what was kept back after rows that are all durable.

        None is beyond a row that was kept back and is not on record yet: nobody would read it again, and it be missed.
        """
        durable = self._sink.durable_offsets()
        if not self._durable and not self._kept_back_from:
            return durable
        beyond = {**durable, **{place: max(at, durable.get(place, 0)) for place, at in self._durable.items()}}
        return {place: min(at, self._kept_back_from.get(place, at)) for place, at in beyond.items()}

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Let go of partitions; the next owner finds the same rows forgotten."""
        self._sink.close(revoked)
        gone = set(revoked)
        for place in gone:
            self._durable.pop(place, None)
            self._passed_on.pop(place, None)
            self._kept_back_from.pop(place, None)
        self._kept_back = [kept for batch in self._kept_back if len(kept := _without(batch, gone))]

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """The sink's own."""
        self._sink.alter_offsets(offsets)

    def stop(self) -> None:
        """Stop the sink and let the ledger go."""
        try:
            self._sink.stop()
        finally:
            self._ledger.close()

    def _pass_on(self, batch: FrameBatch) -> None:
        self._sink.put(batch)
        if len(self._ledger.forgotten):
            for partition, offset in batch.next_offsets().items():
                self._passed_on[TopicPartition(batch.topic, partition)] = offset

    def _is_all_durable(self) -> bool:
        durable = self._sink.durable_offsets()
        return all(durable.get(place, 0) >= offset for place, offset in self._passed_on.items())

    def _look(self) -> None:
        # Until it is done: a flush that fails is tried again with the call it was part of.
        self._must_flush |= self._ledger.look()
        if self._must_flush:
            self._let_go()
            self.flush()
            self._must_flush = False

    def _let_go(self) -> None:
        if len(self._ledger.forgotten) and isinstance(self._sink, Forgetful):
            self._sink.forget(self._ledger.forgotten)


def _by_topic(batches: Sequence[FrameBatch]) -> list[FrameBatch]:
    topics = dict.fromkeys(batch.topic for batch in batches)
    return [FrameBatch.concat([batch for batch in batches if batch.topic == topic]) for topic in topics]


def _without(batch: FrameBatch, gone: set[TopicPartition]) -> FrameBatch:
    return batch.take(~np.isin(batch.partition, [number for topic, number in gone if topic == batch.topic]))


def _name_row_of(error: Terminal, rows: NDArray[np.intp]) -> None:
    """The sink counts among the rows it was given."""
    row = error.fields.get("row")
    if isinstance(row, int | np.integer) and 0 <= row < len(rows):
        error.fields["row"] = int(rows[row])
