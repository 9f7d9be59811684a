"""Solved motion played as the service plays it: each frame is shown on its arrival, and 60 times a second from then."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.smoothing.motions import Motions
from consumers.avatar.states import AvatarStates, SolvedMotion

Values = NDArray[np.float64]

OUTPUT_S: Final = 1 / 60
SLOT: Final = np.array([0])


@dataclass(frozen=True)
class Playback:
    """What was shown at T moments: `rotations` float64[T, 55, 4], `shapes` float64[T, 51], `root_m` float64[T, 3]."""

    at_s: Values
    rotations: Values
    shapes: Values
    root_m: Values
    outliers: int

    def degrees(self, bone: Bone) -> Values:
        """float64[T]: how far a bone is turned about y, signed."""
        angle: Values = np.degrees(2.0 * np.arctan2(self.rotations[:, bone, 1], self.rotations[:, bone, 3]))
        return (angle + 180.0) % 360.0 - 180.0


def turned(degrees: Values | float) -> Values:
    """float64[N, 55, 4]: all bones turned by so much about y, one row for each number."""
    half = np.radians(np.atleast_1d(np.asarray(degrees, dtype=np.float64))) / 2
    rotations = np.zeros((len(half), BONE_COUNT, 4))
    rotations[:, :, 1], rotations[:, :, 3] = np.sin(half)[:, None], np.cos(half)[:, None]
    return rotations


def solved(rotations: Values, shapes: Values | None = None, root_m: Values | None = None) -> SolvedMotion:
    """Solved motion of these rotations; shapes and root are not seen unless they are given."""
    count = len(rotations)
    return SolvedMotion(
        rotations,
        np.full((count, SHAPE_COUNT), np.nan) if shapes is None else shapes,
        np.full((count, 3), np.nan) if root_m is None else root_m,
    )


def take(motion: SolvedMotion, rows: slice | NDArray[np.intp]) -> SolvedMotion:
    """Some of the rows."""
    return SolvedMotion(motion.rotations[rows], motion.shapes[rows], motion.root_m[rows])


def observe(motions: Motions, motion: SolvedMotion, at_s: float, arrived_s: float | None = None) -> None:
    """One frame of the performer in slot 0."""
    moment = np.array([at_s])
    motions.observe(SLOT, motion, moment, moment if arrived_s is None else np.array([arrived_s]))


def show(motions: Motions, at_s: float) -> AvatarStates:
    """The state of the performer in slot 0."""
    return motions.states_at(SLOT, np.array([at_s]))


def play(motion: SolvedMotion, at_s: Values, arrived_s: Values | None = None) -> Playback:
    """All frames in turn, each shown when it arrives and every 1/60 s from then until the next."""
    motions = Motions()
    arrivals = at_s if arrived_s is None else arrived_s
    moments: list[float] = []
    states: list[AvatarStates] = []
    for row, arrived in enumerate(arrivals):
        observe(motions, take(motion, slice(row, row + 1)), float(at_s[row]), float(arrived))
        until = arrivals[row + 1] if row + 1 < len(arrivals) else arrived + OUTPUT_S
        for moment in np.arange(arrived, until - 1e-4, OUTPUT_S):
            moments.append(float(moment))
            states.append(show(motions, float(moment)))
    return Playback(
        np.array(moments),
        np.concatenate([state.rotations for state in states]),
        np.concatenate([state.shapes for state in states]),
        np.concatenate([state.root_m for state in states]),
        motions.outliers,
    )
