"""A take: one performer's recorded frames, solved and smoothed as live ones are, as states at an even rate."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from consumers.avatar.smoothing.motions import Motions
from consumers.avatar.solver.solve import Solver
from consumers.avatar.stage.timeline import Moment, choose_newest, read_moments
from consumers.avatar.states import AvatarStates, join_states
from keypoints.frame import FrameBatch

LONGEST_PAUSE_S: Final = 5.0
"""Nobody wants to wait for what comes next: what was captured longer apart follows after this."""

_SLOT: Final = np.zeros(1, dtype=np.intp)
_BLOCK: Final = 256


class TakeClock:
    """The time within the take of frames, from their epoch and capture time: it begins at 0 and never goes back."""

    def __init__(self, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self._longest_pause_s = longest_pause_s
        self._last: Moment | None = None
        self._at_s = 0.0
        self.began_us = 0
        """When the first frame was captured, microseconds since 1970."""
        self.frames = 0
        """Frames taken."""
        self.passed_over = 0
        """Frames that came too late or twice."""

    def place(self, moment: Moment) -> float | None:
        """The time of a frame, in seconds; None for one that is not newer than the one before."""
        choice = choose_newest([moment], [0], self._last)
        if choice.newest is None:
            self.passed_over += 1
            return None
        if self._last is not None:
            step_s = (moment.captured_at_us - self._last.captured_at_us) / 1e6
            # A clock that was set back says nothing of how long it was.
            self._at_s += min(step_s, self._longest_pause_s) if step_s > 0.0 else self._longest_pause_s
        else:
            self.began_us = moment.captured_at_us
        self._last = moment
        self.frames += 1
        return self._at_s


def solve_take(batches: Iterable[FrameBatch], rate: float, clock: TakeClock | None = None) -> Iterator[AvatarStates]:
    """The states at 0, 1/rate, 2/rate … seconds of frames of one performer, in the order of their topic, in blocks.

    What comes after the first person was seen; nothing when nobody was.
    """
    clock = clock or TakeClock()
    solver, motions = Solver(1), Motions(1, output_period_s=1.0 / rate)
    pending: list[AvatarStates] = []
    begun_s: float | None = None
    shown = 0
    for batch in batches:
        moments = read_moments(batch)
        for row, moment in enumerate(moments):
            if begun_s is None and not batch.has_person[row]:
                continue
            at_s = clock.place(moment)
            if at_s is None:
                continue
            begun_s = at_s if begun_s is None else begun_s
            while begun_s + shown / rate < at_s:
                pending.append(motions.states_at(_SLOT, np.array([begun_s + shown / rate])))
                shown += 1
            times = np.array([at_s])
            motions.observe(_SLOT, solver.solve(batch.take([row]), _SLOT), times, times)
        if len(pending) >= _BLOCK:
            yield join_states(pending)
            pending = []
    if begun_s is not None:
        pending.append(motions.states_at(_SLOT, np.array([begun_s + shown / rate])))
        yield join_states(pending)
