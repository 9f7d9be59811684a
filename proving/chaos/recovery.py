"""How long effects stood still for a fault, and how soon after its end nobody was behind any more."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from proving.effects import NEVER_US, Effects

_STEP_US: Final = 20_000
_BEFORE_US: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault began and ended, and until when its consequences were watched; microseconds since 1970."""

    began_us: int
    ended_us: int
    until_us: int


def find_usual_waiting(effects: Effects, window: Window, least: float) -> float:
    """The most records that waited at any time in the 3 s before a fault, and not below `least`."""
    waiting = effects.waiting_at(_list_moments(window.began_us - _BEFORE_US, window.began_us))
    return max(least, float(waiting.max()))


def find_recovery_s(effects: Effects, window: Window, usual_waiting: float) -> float | None:
    """Seconds from the fault's end until no more than `usual_waiting` records waited, and stayed so.

    0 where that was never exceeded after the end; None where it still is when the watching ends.
    """
    moments = _list_moments(window.ended_us, window.until_us)
    behind = np.flatnonzero(effects.waiting_at(moments) > usual_waiting)
    if not len(behind):
        return 0.0
    last = int(behind[-1])
    if last == len(moments) - 1:
        return None
    return float(moments[last + 1] - window.ended_us) / 1e6


def find_standstill_s(effects: Effects, window: Window) -> float:
    """The longest time without an effect, from the fault's beginning to the end of the watching."""
    at_us = effects.effective_at_us
    inside = np.unique(at_us[(at_us >= window.began_us) & (at_us < min(window.until_us, NEVER_US))])
    edges = np.concatenate([[window.began_us], inside, [window.until_us]])
    return float(np.diff(edges).max()) / 1e6


def _list_moments(from_us: int, to_us: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.append(np.arange(from_us, to_us, _STEP_US, dtype=np.int64), np.int64(to_us))
