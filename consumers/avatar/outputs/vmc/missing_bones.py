"""Bones that a model does not have: what they turn goes to the bones that hang on them.

A receiver ignores a bone that its model lacks. Many lack UpperChest: without its share of the bend, neck and arms would
point elsewhere.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import IDENTITY, Quaternions, multiply
from consumers.avatar.humanoid.skeleton import PARENTS, Bone

Folds = tuple[tuple[Bone, NDArray[np.intp]], ...]
"""A missing bone and those that hang on it, from the hips outwards."""


def plan_folds(missing: Collection[Bone]) -> Folds:
    """What to do for a model without these bones. In order of Bone a parent always stands before its children."""
    return tuple(
        (bone, np.array([child for child in Bone if PARENTS[child] is bone], dtype=np.intp)) for bone in sorted(missing)
    )


def fold_turns(rotations: Quaternions, folds: Folds) -> Quaternions:
    """float64[55, 4]: local rotations by which bones point as in `rotations`, though the missing ones do not turn."""
    folded = rotations.copy()
    for bone, children in folds:
        folded[children] = multiply(folded[bone], folded[children])
        folded[bone] = IDENTITY
    return folded


def skip_places(offsets_m: NDArray[np.float64], folds: Folds) -> NDArray[np.float64]:
    """float64[55, 3]: places at rest from the nearest bone above that is not missing; of missing ones, zero."""
    skipped = offsets_m.copy()
    for bone, children in folds:
        skipped[children] += skipped[bone]
        skipped[bone] = 0.0
    return skipped
