"""The same frames through our whole chain and through Kalidokit, as what either shows 60 times a second.

Ours is the solver that remembers its performer, and the smoothing. Kalidokit is shown as it is, and eased as its
examples do it: both until the next frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.solver.solve import Solver
from consumers.avatar.states import SolvedMotion
from keypoints import FrameBatch
from tests.consumers.avatar.kalidokit.rival import ease, solve_with_kalidokit
from tests.consumers.avatar.playback import SLOT, play

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """At T moments: `frame` intp[T] is the newest frame; rotations float64[T, 55, 4]; `both` are the bones that both
    solved of some frame."""

    at_s: Values
    frame: NDArray[np.intp]
    ours: Values
    raw: Values
    eased: Values
    both: tuple[Bone, ...]

    def each(self) -> tuple[Values, Values, Values]:
        """Ours, Kalidokit's, and Kalidokit's eased."""
        return self.ours, self.raw, self.eased

    def after(self, at_s: float) -> "Shown":
        """Without the beginning."""
        rows = self.at_s > at_s
        ours, raw, eased = (rotations[rows] for rotations in self.each())
        return Shown(self.at_s[rows], self.frame[rows], ours, raw, eased, self.both)


def show(batch: FrameBatch) -> Shown:
    """Play a recording of one performer as if it came live."""
    at_s = (batch.captured_at_us - batch.captured_at_us[0]) / 1e6
    motion = solve_in_turn(batch)
    played = play(motion, at_s)
    frame = np.searchsorted(at_s, played.at_s + 1e-6, side="right") - 1
    raw = solve_with_kalidokit(batch).rotations()
    seen = np.isfinite(raw[..., 0]).any(axis=0) & np.isfinite(motion.rotations[..., 0]).any(axis=0)
    both = tuple(Bone(row) for row in np.flatnonzero(seen))
    return Shown(played.at_s, frame, played.rotations, raw[frame], ease(raw)[frame], both)


def solve_in_turn(batch: FrameBatch) -> SolvedMotion:
    """Frame by frame, as a service sees them."""
    solver = Solver(1)
    solved = [solver.solve(batch.take([row]), SLOT) for row in range(len(batch))]
    return SolvedMotion(
        np.concatenate([one.rotations for one in solved]),
        np.concatenate([one.shapes for one in solved]),
        np.concatenate([one.root_m for one in solved]),
    )
