"""Forward kinematics: where the bones are, from how each is turned against its parent."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import IDENTITY, Quaternions, Vectors, multiply, rotate
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone

Levels = tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]
"""Bones as deep as each other and their parents, from the hips' children outwards."""


def list_levels(bones: Iterable[Bone]) -> Levels:
    """The levels of some bones; all that lies between them and the hips must be among them."""
    deep: dict[int, list[tuple[Bone, Bone]]] = {}
    for bone in bones:
        parent = above = PARENTS[bone]
        depth = 0
        while above is not None:
            depth, above = depth + 1, PARENTS[above]
        if parent is not None:
            deep.setdefault(depth, []).append((bone, parent))
    return tuple((_as_rows(deep[depth], 0), _as_rows(deep[depth], 1)) for depth in sorted(deep))


def _as_rows(pairs: list[tuple[Bone, Bone]], column: int) -> NDArray[np.intp]:
    return np.array([pair[column] for pair in pairs], dtype=np.intp)


ALL_LEVELS: Final = list_levels(Bone)


def place_bones(
    rotations: Quaternions, root_m: Vectors, offsets_m: Vectors = REST_OFFSETS_M, levels: Levels = ALL_LEVELS
) -> tuple[Vectors, Quaternions]:
    """World positions float64[M, 55, 3] in metres and world rotations float64[M, 55, 4].

    `rotations` float64[M, 55, 4] are local, `root_m` float64[M, 3] is how far the hips stand from their rest, and
    `offsets_m` float64[55, 3] are the bones' places in their parents' spaces. A NaN rotation spoils what hangs on it.
    Bones that are not in `levels` are NaN.
    """
    positions = np.full((len(rotations), len(Bone), 3), np.nan)
    spaces = np.full((len(rotations), len(Bone), 4), np.nan)
    positions[:, Bone.HIPS] = root_m + offsets_m[Bone.HIPS]
    spaces[:, Bone.HIPS] = rotations[:, Bone.HIPS]
    for bones, parents in levels:
        above = spaces.take(parents, axis=1)
        positions[:, bones] = positions.take(parents, axis=1) + rotate(above, offsets_m.take(bones, axis=0))
        spaces[:, bones] = multiply(above, rotations.take(bones, axis=1))
    return positions, spaces


def rest_where_unseen(
    rotations: Quaternions, bones: Sequence[int] | NDArray[np.intp] | slice = slice(None)
) -> Quaternions:
    """float64[M, B, 4]: rotations of some bones, of which those that are NaN do not turn."""
    chosen = rotations[:, bones].copy()
    chosen[np.isnan(chosen[..., 3])] = IDENTITY
    return chosen
