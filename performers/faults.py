"""What can go wrong between a camera and the topic, drawn by a seed: which stream, what, from which frame to which.

Drawn from times alone, before anything is published: the same load has the same faults, and whoever is to find them
can be told where they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from performers.rotations import FloatArray
from performers.tempo import InvalidLoad


class FaultKind(StrEnum):
    """Kinds of faults."""

    DROPOUT = "dropout"
    """Nobody is found for a while: every part null."""
    MISSING = "missing"
    """Frames are lost on the way to the topic: a hole in the sequence."""
    FROZEN = "frozen"
    """The same landmarks again and again, with new times."""
    LATE = "late"
    """A frame is published after younger ones, with the time it was captured at."""
    DUPLICATE = "duplicate"
    """A frame is published twice."""
    SIDES_SWAPPED = "sides_swapped"
    """Left and right of body and hands are exchanged for a while."""
    TIME_JUMP = "time_jump"
    """The source's clock is some seconds off for a while."""
    LIMB = "limb"
    """The right forearm is two and a half times as long for a while."""
    RATE_DROP = "rate_drop"
    """Only one frame of four is captured for a while; the sequence has no hole."""


FAULT_S: Final[dict[FaultKind, float]] = {
    FaultKind.DROPOUT: 1.0,
    FaultKind.MISSING: 0.6,
    FaultKind.FROZEN: 1.0,
    FaultKind.SIDES_SWAPPED: 0.8,
    FaultKind.TIME_JUMP: 0.8,
    FaultKind.LIMB: 0.6,
    FaultKind.RATE_DROP: 3.0,
}
"""How long a fault lasts on average, half as much to one and a half times as much; the others are of one frame."""
RATE_DROP_KEEPS: Final = 4
_CLEAR_S: Final = 0.5
"""So long nothing is wrong before a stream's first fault and after one that lasted."""
_CLEAR_FRAMES: Final = 2
"""So many frames nothing is wrong after a fault of one frame."""
_LATE_S: Final = (0.2, 1.5)
_AGAIN_S: Final = (0.0, 0.1)
_JUMP_S: Final = (2.0, 10.0)

FaultShares = Mapping[FaultKind, float]
"""The share of each stream's frames that each kind befalls, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls the captures `first` to `end` (not included) of one stream.

    `by_s` is by how much a late or repeated frame comes later, or a clock is off; 0 for other kinds.
    """

    kind: FaultKind
    first: int
    end: int
    by_s: float = 0.0


def draw_faults(captured_s: FloatArray, shares: FaultShares, chance: np.random.Generator) -> list[Fault]:
    """The faults of one stream whose frames are captured at `captured_s` (N,), in order; none overlap.

    What would arrive after the last of them is left out. Raises InvalidLoad when so much cannot go wrong with clear
    frames between.
    """
    wanted = {kind: share for kind, share in shares.items() if share > 0}
    if not wanted or len(captured_s) < 2:
        return []
    until_s = float(captured_s[-1])
    interval_s = until_s / (len(captured_s) - 1)
    lasts_s = {kind: FAULT_S.get(kind, interval_s) for kind in wanted}
    clear_s = {kind: _CLEAR_S if kind in FAULT_S else _CLEAR_FRAMES * interval_s for kind in wanted}
    a_second = {kind: share / lasts_s[kind] for kind, share in wanted.items()}
    in_all = sum(a_second.values())
    # What is left between faults once they, and the clear time after each, have had theirs.
    gap_s = 1 / in_all - sum(a_second[kind] / in_all * (lasts_s[kind] + clear_s[kind]) for kind in wanted)
    if gap_s < 0:
        raise InvalidLoad(
            "so many faults leave no clear frames between them",
            hint="ask for smaller shares; together they can be about half of the frames",
            shares={str(kind): share for kind, share in wanted.items()},
        )
    kinds = list(wanted)
    odds = [a_second[kind] / in_all for kind in kinds]
    faults: list[Fault] = []
    at_s = _CLEAR_S + float(chance.exponential(gap_s))
    while at_s < until_s:
        kind = kinds[int(chance.choice(len(kinds), p=odds))]
        length_s = lasts_s[kind] * float(chance.uniform(0.5, 1.5))
        first = int(np.searchsorted(captured_s, at_s))
        end = int(np.searchsorted(captured_s, at_s + length_s)) if kind in FAULT_S else first + 1
        by_s = _draw_delay(kind, chance)
        in_time = kind is FaultKind.TIME_JUMP or at_s + by_s <= until_s
        if first < end <= len(captured_s) and in_time:
            faults.append(Fault(kind, first, end, by_s))
        over_s = at_s + length_s if kind in FAULT_S else float(captured_s[min(first, len(captured_s) - 1)])
        at_s = over_s + clear_s[kind] + float(chance.exponential(gap_s))
    return faults


def count_faults(faults: Sequence[Fault]) -> dict[str, int]:
    """How many faults there are of each kind."""
    kinds = [fault.kind for fault in faults]
    return {str(kind): kinds.count(kind) for kind in FaultKind if kind in kinds}


def _draw_delay(kind: FaultKind, chance: np.random.Generator) -> float:
    if kind is FaultKind.LATE:
        return float(chance.uniform(*_LATE_S))
    if kind is FaultKind.DUPLICATE:
        return float(chance.uniform(*_AGAIN_S))
    if kind is FaultKind.TIME_JUMP:
        return float(chance.uniform(*_JUMP_S) * chance.choice((-1, 1)))
    return 0.0
