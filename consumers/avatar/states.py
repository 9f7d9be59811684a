"""What is passed from room to room: the motion solved of frames, and the states that avatars show.

Space: Unity's (left-handed, y up, +z forward, metres), the performer facing +z in T-pose, so that their left is at −x.
Rotations are local quaternions (x, y, z, w) in order of `Bone`; shapes are 0…1 in order of `Blendshape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Quaternions, Vectors

Shapes = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SolvedMotion:
    """N frames: `rotations` float64[N, 55, 4], `shapes` float64[N, 51], `root_m` float64[N, 3].

    `root_m` is how far the hips stand from where they are at rest, in metres of the built-in skeleton. A bone, shape or
    root that was not seen is NaN in all its values; a solved rotation has unit length.
    """

    rotations: Quaternions
    shapes: Shapes
    root_m: Vectors


@dataclass(frozen=True, slots=True)
class AvatarStates:
    """What M performers' avatars show at one moment; nothing in it is NaN.

    `rotations` float64[M, 55, 4] of unit length, `shapes` float64[M, 51], `root_m` float64[M, 3]. `bones_known` bool
    [M, 55] and `shapes_known` bool[M, 51] say which were ever seen: the others are at rest, and not to be sent.
    `tracked` bool[M]: whether the body is seen now.
    """

    rotations: Quaternions
    shapes: Shapes
    root_m: Vectors
    bones_known: Flags
    shapes_known: Flags
    tracked: Flags

    def __len__(self) -> int:
        return len(self.tracked)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Self:
        """These rows, in this order."""
        picked = np.asarray(rows, dtype=np.intp)
        return type(self)(**{name: getattr(self, name)[picked] for name in _COLUMNS})


_COLUMNS: Final = tuple(field.name for field in fields(AvatarStates))


def join_states(parts: Sequence[AvatarStates]) -> AvatarStates:
    """Rows of several states, one after the other."""
    return AvatarStates(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS})
