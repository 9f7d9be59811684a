"""Feet on the ground: a foot that stands neither sinks nor slides, while the hips go where they go.

A foot whose lowest point is at the floor and that hardly moves is planted: its ankle is held where it came down, and
the leg is bent to reach there (two bones and a target: the law of cosines in the plane of the knee). A foot that lifts
off, or is pulled too far, is let go, and what it was held back by fades away. No foot ever goes through the floor.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.kinematics import place_bones, rest_where_unseen
from consumers.avatar.humanoid.rotations import (
    Angles,
    Quaternions,
    Vectors,
    cross,
    dot,
    from_basis,
    invert,
    multiply,
    normalise,
    rotate,
)
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.solver.root import LEG_BONES, LEG_LEVELS, place_soles

_UPPER: Final = [Bone.LEFT_UPPER_LEG, Bone.RIGHT_UPPER_LEG]
_LOWER: Final = [Bone.LEFT_LOWER_LEG, Bone.RIGHT_LOWER_LEG]
_FEET: Final = [Bone.LEFT_FOOT, Bone.RIGHT_FOOT]
_THIGH_M: Final = float(-REST_OFFSETS_M[Bone.LEFT_LOWER_LEG, 1])
_SHANK_M: Final = float(-REST_OFFSETS_M[Bone.LEFT_FOOT, 1])
_FULL_REACH_M: Final = 0.9999 * (_THIGH_M + _SHANK_M)
_SHORTEST_REACH_M: Final = 0.15
_X: Final[Vectors] = np.array([1.0, 0.0, 0.0])
_FLAT: Final = np.array([1.0, 0.0, 1.0])

_TOUCHES_M: Final = 0.02
_LIFTS_M: Final = 0.05
"""A foot this near the floor comes to stand; one this high has left it."""
_STILL_M_PER_S: Final = 0.25
_LEAST_HELD_M: Final = 1e-6
"""Less is a rounding error: a leg that need not move is left as it was seen."""
_PULLED_M: Final = 0.12
"""How far a planted foot is held back at most."""
_LET_GO_S: Final = 0.12
"""The time in which two thirds of what a foot was held back by are gone."""
_LONGEST_STEP_S: Final = 0.5
"""After a longer pause nothing is known of a foot."""


class GroundContact:
    """By slot, which feet are planted, where they were seen last, and by how much they are held back."""

    def __init__(self, capacity: int) -> None:
        self._planted = np.zeros((capacity, 2), dtype=np.bool_)
        self._seen_m = np.full((capacity, 2, 3), np.nan)
        self._held_m = np.zeros((capacity, 2, 3))
        self._at_s = np.full(capacity, -np.inf)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        more = max(0, capacity - len(self._at_s))
        self._planted = np.concatenate((self._planted, np.zeros((more, 2), dtype=np.bool_)))
        self._seen_m = np.concatenate((self._seen_m, np.full((more, 2, 3), np.nan)))
        self._held_m = np.concatenate((self._held_m, np.zeros((more, 2, 3))))
        self._at_s = np.concatenate((self._at_s, np.full(more, -np.inf)))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Let go of these slots' feet."""
        self._planted[slots] = False
        self._seen_m[slots] = np.nan
        self._held_m[slots] = 0.0
        self._at_s[slots] = -np.inf

    def hold(self, slots: NDArray[np.intp], rotations: Quaternions, root_m: Vectors, at_s: Angles) -> Quaternions:
        """Rotations float64[N, 55, 4] whose legs keep planted feet in place, with hips at `root_m` float64[N, 3].

        `slots` intp[N], each at most once; `at_s` float64[N] is when. Legs that are NaN stay so, and are let go.
        """
        posed = np.full(rotations.shape, np.nan)
        posed[:, LEG_BONES] = rest_where_unseen(rotations, LEG_BONES)
        positions, spaces = place_bones(posed, root_m, levels=LEG_LEVELS)
        ankles = positions[:, _FEET]
        lowest = place_soles(positions, spaces)[..., 1].min(axis=-1)
        seen = np.isfinite(rotations[:, _FEET, 3]) & np.isfinite(ankles).all(axis=-1)
        held = self._hold_back(slots, ankles, lowest, seen, at_s)
        held[..., 1] = np.maximum(held[..., 1], -lowest)
        moved = seen & (np.abs(held).max(axis=-1) > _LEAST_HELD_M)
        if not moved.any():
            return rotations
        return _reach(rotations, positions, spaces, ankles + held, moved)

    def _hold_back(
        self, slots: NDArray[np.intp], ankles: Vectors, lowest: Angles, seen: NDArray[np.bool_], at_s: Angles
    ) -> Vectors:
        """float64[N, 2, 3]: from where each ankle is to where it is kept."""
        step_s = at_s - self._at_s[slots]
        fresh = (step_s > 0.0) & (step_s < _LONGEST_STEP_S)
        step_s = np.where(fresh, step_s, 1.0)
        before = np.where(fresh[:, None, None], self._held_m[slots], 0.0)
        went = (ankles - self._seen_m[slots]) * _FLAT
        went = np.where((fresh[:, None] & seen)[..., None] & np.isfinite(went), went, 0.0)
        still = np.sqrt(dot(went, went)) < _STILL_M_PER_S * step_s[:, None]
        back = before - went
        near = np.where(self._planted[slots], lowest < _LIFTS_M, (lowest < _TOUCHES_M) & still)
        planted = near & seen & fresh[:, None] & (np.sqrt(dot(back, back)) < _PULLED_M)
        fading = before * np.exp(-step_s / _LET_GO_S)[:, None, None]
        held: Vectors = np.where(planted[..., None], back, fading) * _FLAT
        self._planted[slots], self._held_m[slots], self._at_s[slots] = planted, held, at_s
        self._seen_m[slots] = np.where(seen[..., None], ankles, np.nan)
        return held.copy()


def _reach(
    rotations: Quaternions, positions: Vectors, spaces: Quaternions, targets: Vectors, moved: NDArray[np.bool_]
) -> Quaternions:
    """Rotations whose legs end at `targets` float64[N, 2, 3] where they are `moved`; feet keep their turn in space."""
    hips, feet = spaces[:, Bone.HIPS][:, None], spaces[:, _FEET]
    line = targets - positions[:, _UPPER]
    length = np.sqrt(dot(line, line))
    reach = np.clip(length, _SHORTEST_REACH_M, _FULL_REACH_M)
    line = line / np.where(length > 0.0, length, np.nan)[..., None]
    knee = rotate(spaces[:, _UPPER], _X)
    knee = normalise(knee - dot(knee, line)[..., None] * line)
    ahead = cross(knee, line)
    # The knee lies before the line from hip to ankle: which way that is, a thigh at rest says, down with x across.
    cosine = (_THIGH_M**2 + reach**2 - _SHANK_M**2) / (2.0 * _THIGH_M * reach)
    sine = np.sqrt(np.maximum(1.0 - cosine * cosine, 0.0))
    thigh = cosine[..., None] * line - sine[..., None] * ahead
    shank = normalise(reach[..., None] * line - _THIGH_M * thigh)
    upper = from_basis(knee, -thigh, cross(knee, -thigh))
    lower = from_basis(knee, -shank, cross(knee, -shank))
    result = rotations.copy()
    for bones, local in (
        (_UPPER, multiply(invert(hips), upper)),
        (_LOWER, multiply(invert(upper), lower)),
        (_FEET, multiply(invert(lower), feet)),
    ):
        taken = moved & np.isfinite(local[..., 3])
        result[:, bones] = np.where(taken[..., None], local, result[:, bones])
    return result
