"""How far a task is in each partition it owns, and how far it may commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connect_runtime.sink import TopicPartition


@dataclass(slots=True)
class _Position:
    first: int | None = None
    """Where this member began: nothing at or below it is ever committed by it."""
    put_next: int | None = None
    """Offset after the last row meant for the sink; None: none yet."""
    done_next: int | None = None
    """Offset after the last record dealt with: meant for the sink, or skipped as bad."""
    committed: int | None = None
    """What this member committed last."""
    newest_ms: int | None = None
    """Timestamp of the last record dealt with."""


class Progress:
    """Offsets of the owned partitions. `…_next` is the offset after the last one meant, the one to go on from."""

    def __init__(self) -> None:
        self._positions: dict[TopicPartition, _Position] = {}

    def own(self, partitions: Iterable[TopicPartition]) -> None:
        """Start anew for these partitions."""
        for partition in partitions:
            self._positions[partition] = _Position()

    def disown(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget these partitions: nothing of them may be committed any more."""
        for partition in partitions:
            self._positions.pop(partition, None)

    @property
    def owned(self) -> list[TopicPartition]:
        return sorted(self._positions)

    def start_at(self, partition: TopicPartition, next_offset: int) -> None:
        """The sink's own store says to go on here, so all before it is dealt with."""
        if partition in self._positions:
            self._positions[partition].first = next_offset - 1
            self._positions[partition].done_next = next_offset

    def note_put(self, partition: TopicPartition, next_offset: int) -> None:
        """Rows up to here are meant for the sink. Noted before it gets them: not durable until it says so."""
        if partition in self._positions:
            self._positions[partition].put_next = next_offset

    def note_done(self, partition: TopicPartition, first: int, next_offset: int, newest_ms: int) -> None:
        """Records from `first` up to here are dealt with: meant for the sink, or skipped and reported."""
        position = self._positions.get(partition)
        if position is not None:
            position.first = first if position.first is None else position.first
            position.done_next = next_offset
            position.newest_ms = newest_ms

    def note_committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The broker took these."""
        for partition, offset in offsets.items():
            if partition in self._positions:
                self._positions[partition].committed = offset

    def committable(self, durable: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """What may be committed and is not yet, given what the sink says is durable.

        When all rows meant for the sink are durable, so is everything dealt with, skipped records at the end included;
        before that only what the sink vouches for.
        """
        offsets: dict[TopicPartition, int] = {}
        for partition, position in self._positions.items():
            vouched = durable.get(partition)
            if position.put_next is None or (vouched is not None and vouched >= position.put_next):
                offset = position.done_next
            else:
                # A sink may still speak of an earlier time it had this partition; others have gone on since.
                offset = vouched if vouched is not None and vouched > (position.first or 0) else None
            if offset is not None and (position.committed is None or offset > position.committed):
                offsets[partition] = offset
        return offsets

    def has_uncommitted(self) -> bool:
        """Whether records were dealt with that are not committed."""
        return any(
            position.done_next is not None and position.done_next != position.committed
            for position in self._positions.values()
        )

    def lag_records(self, ends: Mapping[TopicPartition, int | None]) -> int:
        """Records between what was dealt with and these ends, over all partitions with something known."""
        lag = 0
        for partition, position in self._positions.items():
            end = ends.get(partition)
            if end is not None and position.done_next is not None:
                lag += max(0, end - position.done_next)
        return lag

    def lag_seconds(self, ends: Mapping[TopicPartition, int | None], now_ms: float) -> float:
        """Age of the newest record dealt with in the partition that is furthest behind; 0 when nothing waits."""
        ages = [
            (now_ms - position.newest_ms) / 1000
            for partition, position in self._positions.items()
            if position.newest_ms is not None
            and position.done_next is not None
            and (ends.get(partition) or 0) > position.done_next
        ]
        return max([0.0, *ages])
