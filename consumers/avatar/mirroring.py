"""States as a mirror shows them: each side's bones and shapes for the other's, all turned the other way round."""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.rotations import mirror
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.states import AvatarStates

_ACROSS: Final = np.array([-1.0, 1.0, 1.0])


def _swap_sides(names: type[IntEnum]) -> NDArray[np.intp]:
    """For each member the value of the one on the other side; what has no side keeps its own."""
    swapped = [
        "_".join({"LEFT": "RIGHT", "RIGHT": "LEFT"}.get(word, word) for word in member.name.split("_"))
        for member in names
    ]
    return np.array([names[name] for name in swapped], dtype=np.intp)


_BONES: Final = _swap_sides(Bone)
_SHAPES: Final = _swap_sides(Blendshape)


def mirror_states(states: AvatarStates) -> AvatarStates:
    """The same states seen in a mirror."""
    return AvatarStates(
        rotations=mirror(states.rotations[:, _BONES]),
        shapes=states.shapes[:, _SHAPES],
        root_m=states.root_m * _ACROSS,
        bones_known=states.bones_known[:, _BONES],
        shapes_known=states.shapes_known[:, _SHAPES],
        tracked=states.tracked,
    )
