"""What a load publishes, record by record, and when: columns, worked out before the first one leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from performers.faults import RATE_DROP_KEEPS, Fault, FaultKind, FaultShares, draw_faults
from performers.rotations import FloatArray


class Look(IntEnum):
    """How the landmarks of a record differ from those the performer gave."""

    AS_SEEN = 0
    NOBODY = 1
    SIDES_SWAPPED = 2
    LONG_LIMB = 3


_LOOKS: Final = {
    FaultKind.DROPOUT: Look.NOBODY,
    FaultKind.SIDES_SWAPPED: Look.SIDES_SWAPPED,
    FaultKind.LIMB: Look.LONG_LIMB,
}


@dataclass(frozen=True)
class Schedule:
    """N records as columns; times are microseconds from the load's start.

    `shows_us` is the moment of the performance whose landmarks are shown, `captured_us` what the record says it is, and
    `leaves_us` when it is to be published.
    """

    stream: NDArray[np.int64]
    sequence: NDArray[np.int64]
    shows_us: NDArray[np.int64]
    captured_us: NDArray[np.int64]
    leaves_us: NDArray[np.int64]
    look: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.stream)

    def take(self, rows: NDArray[Any]) -> Self:
        """The rows a mask or a list of indices picks, in that order."""
        return type(self)(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @classmethod
    def concat(cls, schedules: "Sequence[Schedule]") -> "Schedule":
        """The rows of several schedules, one after the other."""
        columns = {column.name: [getattr(each, column.name) for each in schedules] for column in fields(cls)}
        return cls(**{name: np.concatenate(values) for name, values in columns.items()})


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault as whoever reads the topic could find it: `first` and `end` (not included) are sequence numbers.

    `frames` is how many frames it befell; of those that are missing, or were not captured, how many are not there.
    """

    stream_id: str
    kind: FaultKind
    first: int
    end: int
    frames: int
    by_s: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"stream": self.stream_id, "kind": str(self.kind), "first": self.first, "end": self.end,
                "frames": self.frames, "by_s": self.by_s}  # fmt: skip


def take_turns(due_s: FloatArray, streams: int) -> Schedule:
    """Frames due at `due_s` (N,) seconds, given to the streams in turn, nothing wrong with any."""
    number = np.arange(len(due_s), dtype=np.int64)
    due_us = np.round(due_s * 1e6).astype(np.int64)
    sequence, stream = np.divmod(number, streams)
    return Schedule(stream, sequence, due_us, due_us, due_us, np.full_like(number, Look.AS_SEEN))


def inject_faults(
    schedule: Schedule, shares: FaultShares, stream_ids: Sequence[str], *, seed: int
) -> tuple[Schedule, list[InjectedFault]]:
    """The schedule with faults in it, in the order its records leave, and what they are, stream by stream.

    Faults depend on the seed, the shares, the stream's number and its times alone. Raises InvalidLoad.
    """
    if not any(shares.values()):
        return schedule, []
    spoilt: list[Schedule] = []
    injected: list[InjectedFault] = []
    for number, stream_id in enumerate(stream_ids):
        mine = schedule.take(schedule.stream == number)
        chance = np.random.Generator(np.random.Philox(key=[seed % 2**64, number]))
        faults = draw_faults(mine.captured_us / 1e6, shares, chance)
        records, sequence_of = _spoil(mine, faults)
        spoilt.append(records)
        injected += [_describe(stream_id, fault, sequence_of) for fault in faults]
    together = Schedule.concat(spoilt)
    return together.take(np.lexsort((together.stream, together.leaves_us))), injected


def _spoil(mine: Schedule, faults: Sequence[Fault]) -> tuple[Schedule, NDArray[np.int64]]:
    """One stream's records with its faults, and the sequence number (N + 1,) each capture has, or would have next."""
    columns = {column.name: getattr(mine, column.name).copy() for column in fields(mine)}
    captured = np.ones(len(mine), dtype=np.bool_)
    arrives = np.ones(len(mine), dtype=np.bool_)
    again: list[tuple[int, int]] = []
    for fault in faults:
        rows = slice(fault.first, fault.end)
        by_us = round(fault.by_s * 1e6)
        if fault.kind in _LOOKS:
            columns["look"][rows] = _LOOKS[fault.kind]
        elif fault.kind is FaultKind.FROZEN:
            columns["shows_us"][rows] = columns["shows_us"][fault.first]
        elif fault.kind is FaultKind.MISSING:
            arrives[rows] = False
        elif fault.kind is FaultKind.RATE_DROP:
            captured[rows] = np.arange(fault.end - fault.first) % RATE_DROP_KEEPS == 0
        elif fault.kind is FaultKind.TIME_JUMP:
            columns["captured_us"][rows] += by_us
        elif fault.kind is FaultKind.LATE:
            columns["leaves_us"][rows] += by_us
        else:
            again.append((fault.first, by_us))
    sequence_of = np.concatenate(([0], np.cumsum(captured)))
    columns["sequence"] = sequence_of[:-1]
    whole = Schedule(**columns)
    repeated = whole.take(np.array([row for row, _ in again], dtype=np.int64))
    repeated.leaves_us[:] += np.array([by_us for _, by_us in again], dtype=np.int64)
    return Schedule.concat([whole.take(captured & arrives), repeated]), sequence_of


def _describe(stream_id: str, fault: Fault, sequence_of: NDArray[np.int64]) -> InjectedFault:
    first, end = int(sequence_of[fault.first]), int(sequence_of[fault.end])
    not_captured = fault.end - fault.first - (end - first)
    frames = not_captured if fault.kind is FaultKind.RATE_DROP else end - first
    return InjectedFault(stream_id, fault.kind, first, end, frames, fault.by_s)
