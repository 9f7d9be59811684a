"""Several connections writing chunks of frames at once, and the offsets up to which all of it is durable."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol

import numpy as np

from connect_runtime.sink import SinkFailed, TopicPartition
from consumers.archive.postgres.errors import PostgresUnavailable
from keypoints.errors import HolisticError, Transient
from keypoints.frame import FrameBatch

_PATIENCE_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """How many connections write at once, and how many rows a chunk has at most."""

    lanes: int = 2
    chunk_rows: int = 500


class ChunkWriter(Protocol):
    """What a lane needs of a connection: a write that is all or nothing and harmless when repeated."""

    def write(self, batch: FrameBatch) -> None: ...
    def close(self) -> None: ...


class _State(Enum):
    WRITING = auto()
    FAILED = auto()
    TO_RETRY = auto()
    WRITTEN = auto()


@dataclass(slots=True, eq=False)
class _Chunk:
    batch: FrameBatch
    next_offsets: Mapping[TopicPartition, int]
    state: _State = _State.WRITING
    error: HolisticError | None = field(default=None)


class WriteLanes:
    """Takes batches in order, writes them in chunks as large as they have piled up while the lanes were busy.

    So a trickle is written at once and a flood in few transactions. A chunk that fails stays where it is, nothing new
    is begun, and the failure is raised by the next call, which also has the chunk tried again.
    """

    def __init__(self, make_writer: Callable[[], ChunkWriter], lanes: int = 2, chunk_rows: int = 500) -> None:
        self._chunk_rows = chunk_rows
        self._changed = threading.Condition()
        self._waiting: deque[FrameBatch] = deque()
        self._chunks: deque[_Chunk] = deque()
        self._durable: dict[TopicPartition, int] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run_lane, args=(make_writer(),), name=f"archive-postgres-{lane}", daemon=True)
            for lane in range(lanes)
        ]
        for thread in self._threads:
            thread.start()

    def append(self, batch: FrameBatch) -> None:
        """Take a batch, waiting while a chunk's worth is waiting already. Raises an earlier chunk's failure instead."""
        with self._changed:
            self._await(lambda: self._waiting_rows() < self._chunk_rows)
            if len(batch):
                self._waiting.append(batch)
                self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether anything that was taken is not committed yet."""
        with self._changed:
            return bool(self._waiting or self._chunks)

    def drain(self) -> None:
        """Wait until all that was taken is committed. Raises what a chunk failed with."""
        with self._changed:
            self._await(lambda: not self._waiting and not self._chunks)

    def check(self) -> None:
        """Raise what a chunk failed with, if one has, and have it tried again."""
        with self._changed:
            self._raise_failure()

    def durable_offsets(self) -> dict[TopicPartition, int]:
        """For each partition the offset after the last row of the longest run of chunks that are all committed."""
        with self._changed:
            return dict(self._durable)

    def forget(self, partitions: Sequence[TopicPartition]) -> None:
        """Drop what waits for these partitions, after the chunks being written have ended one way or the other."""
        gone = set(partitions)
        with self._changed:
            self._changed.wait_for(
                lambda: all(chunk.state in (_State.FAILED, _State.WRITTEN) for chunk in self._chunks), _PATIENCE_S
            )
            self._waiting = deque(kept for batch in self._waiting if len(kept := _without(batch, gone)))
            for chunk in self._chunks:
                chunk.batch = _without(chunk.batch, gone)
                chunk.next_offsets = {key: value for key, value in chunk.next_offsets.items() if key not in gone}
            for partition in gone:
                self._durable.pop(partition, None)

    def stop(self) -> None:
        """Let the lanes end after what they are writing; what waits is dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def _await(self, condition: Callable[[], bool]) -> None:
        self._raise_failure()
        met = self._changed.wait_for(lambda: condition() or self._failed() is not None, _PATIENCE_S)
        self._raise_failure()
        if not met:
            raise PostgresUnavailable(
                f"Postgres took nothing for {_PATIENCE_S:.0f} s", waiting_rows=self._waiting_rows()
            )

    def _waiting_rows(self) -> int:
        return sum(len(batch) for batch in self._waiting)

    def _failed(self) -> _Chunk | None:
        return next((chunk for chunk in self._chunks if chunk.state is _State.FAILED), None)

    def _raise_failure(self) -> None:
        failed = self._failed()
        if failed is None:
            return
        for chunk in self._chunks:
            if chunk.state is _State.FAILED:
                chunk.state = _State.TO_RETRY
        self._changed.notify_all()
        assert failed.error is not None  # noqa: S101 - set together with the state
        raise failed.error

    def _run_lane(self, writer: ChunkWriter) -> None:
        try:
            while (chunk := self._next_chunk()) is not None:
                error = _write(writer, chunk.batch)
                with self._changed:
                    chunk.error = error
                    chunk.state = _State.WRITTEN if error is None else _State.FAILED
                    self._advance()
                    self._changed.notify_all()
        finally:
            writer.close()

    def _next_chunk(self) -> _Chunk | None:
        with self._changed:
            while not self._stopping:
                retried = next((chunk for chunk in self._chunks if chunk.state is _State.TO_RETRY), None)
                if retried is not None:
                    retried.state = _State.WRITING
                    return retried
                if self._waiting and self._failed() is None:
                    chunk = self._cut_chunk()
                    self._chunks.append(chunk)
                    self._changed.notify_all()
                    return chunk
                self._changed.wait()
        return None

    def _cut_chunk(self) -> _Chunk:
        batches = [self._waiting.popleft()]
        rows = len(batches[0])
        while self._waiting and self._waiting[0].topic == batches[0].topic:
            if rows + len(self._waiting[0]) > self._chunk_rows:
                break
            rows += len(self._waiting[0])
            batches.append(self._waiting.popleft())
        batch = FrameBatch.concat(batches)
        next_offsets = {
            TopicPartition(batch.topic, partition): offset for partition, offset in batch.next_offsets().items()
        }
        return _Chunk(batch, next_offsets)

    def _advance(self) -> None:
        while self._chunks and self._chunks[0].state is _State.WRITTEN:
            for partition, offset in self._chunks.popleft().next_offsets.items():
                self._durable[partition] = offset


def _write(writer: ChunkWriter, batch: FrameBatch) -> HolisticError | None:
    try:
        if len(batch):
            writer.write(batch)
    except (SinkFailed, Transient) as error:
        return error
    except Exception as error:  # noqa: BLE001 - a lane that dies would leave its chunk neither written nor failed
        # Raised by a later call, where it is about none of that call's rows.
        failed = SinkFailed(f"writing frames: {type(error).__name__}: {error}", rows=len(batch))
        failed.__cause__ = error
        return failed
    return None


def _without(batch: FrameBatch, gone: set[TopicPartition]) -> FrameBatch:
    partitions = [partition for topic, partition in gone if topic == batch.topic]
    return batch.take(~np.isin(batch.partition, partitions)) if partitions else batch
