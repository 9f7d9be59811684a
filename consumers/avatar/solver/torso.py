"""Hips, spine, chest and clavicles from the shoulders, the hips, and what hangs on them.

The hips' x axis is the line of the hips, the chest's the line of the shoulders less what raised clavicles lean it by
(`shoulders`). Between the two the spine bends, a third in each of its three bones. How far trunk and hips are bent
forward is shown by one line alone, from the middle of the hips to that of the shoulders. Who stands bends forward with
the loins first and the hips later, as Esola, McClure, Fitzgerald and Siegler measured (Spine 21:71-78, 1996); who sits,
squats or lies keeps the spine straight.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    IDENTITY,
    Angles,
    Quaternions,
    Vectors,
    about_axis,
    basis_from_x,
    clamp,
    dot,
    invert,
    multiply,
    normalise,
    rotate,
    slerp,
    smoothstep,
)
from consumers.avatar.solver.shoulders import part_lean, raise_shoulders
from keypoints.landmarks import PoseLandmark as Pose

SPINE_SHARE: Final = 1.0 / 3.0
"""How much of the turn between hips and chest each of spine, chest and upper chest takes."""

_LINES: Final = np.array([[Pose.LEFT_SHOULDER, Pose.RIGHT_SHOULDER], [Pose.LEFT_HIP, Pose.RIGHT_HIP]])
_LIMBS: Final = np.array([[Pose.LEFT_ELBOW, Pose.RIGHT_ELBOW], [Pose.LEFT_KNEE, Pose.RIGHT_KNEE]])
_SHANKS: Final = np.array([[Pose.LEFT_KNEE, Pose.LEFT_ANKLE], [Pose.RIGHT_KNEE, Pose.RIGHT_ANKLE]])
_KNEES_AND_ANKLES: Final = _SHANKS.ravel()
_X: Final[Vectors] = np.array([1.0, 0.0, 0.0])
_Y: Final[Vectors] = np.array([0.0, 1.0, 0.0])
_Z: Final[Vectors] = np.array([0.0, 0.0, 1.0])

_LEAST_WEIGHT: Final = 0.05

_LEAN_FOR_PLACE: Final = 2.09
"""How much further the chest leans than the line from the hips to the shoulders, when each third of the spine does."""

_LOINS_SHOWN: Final = 1.0 / _LEAN_FOR_PLACE
"""How much of the loins' bend that line shows; by the rest the chest is bent further than the line."""
_BENT_RAD: Final = np.radians([-40.0, 0.0, 19.8, 42.4, 67.9])
_LOINS_RAD: Final = np.radians([-20.0, 0.0, 19.7, 33.9, 42.5])
"""The loins' bend by that of the line: 1.9 times the hips' up to 30° of both, 0.9 times to 60°, 0.4 times to 90°."""
_KNEES_STRAIGHT: Final = (0.87, 0.98)
"""Cosines of a knee's bend: at 30° one squats, at 11° one stands."""
_UPRIGHT_SHARE: Final = 2.0 / 3.0
"""How much of a lean to the side hips that are out of the picture do not take part in."""
_MOST_LEAN_RAD: Final = np.radians(45.0)


@dataclass(frozen=True, slots=True)
class Torso:
    """float64[N, 4]: `hips` and `chest` (the upper chest) in Unity's space, `spine_bend` the third of what lies between
    them. `shoulders` float64[N, 2, 4]: the clavicles' local rotations, the right one in its mirror."""

    hips: Quaternions
    spine_bend: Quaternions
    chest: Quaternions
    shoulders: Quaternions


def solve_torso(body: Vectors, trust: Angles) -> Torso:
    """Rotations from body points float64[N, 33, 3], trusted as float64[N, 33] (0…1) says; NaN where one is missing."""
    ends = body.take(_LINES, axis=1)
    limbs = normalise(body.take(_LIMBS, axis=1) - ends)
    lines, hips_trust = _weigh_lines(normalise(ends[:, :, 1] - ends[:, :, 0]), trust.take(_LINES, axis=1).min(axis=-1))
    up = normalise(ends[:, 0, 0] + ends[:, 0, 1] - (ends[:, 1, 0] + ends[:, 1, 1]))
    axes = basis_from_x(lines[:, ::-1], up[:, None])
    trunk, shoulders_line = axes[:, 0], axes[:, 1]
    seen = np.empty((len(body), 4, 3))
    seen[:, 0], seen[:, 1], seen[:, 2], seen[:, 3] = _Y, up, lines[:, 0], limbs[:, 1, 0] + limbs[:, 1, 1]
    in_trunk = rotate(
        invert(trunk)[:, None],
        seen,
    )
    line_lean = np.arctan2(in_trunk[:, 2, 1], np.hypot(in_trunk[:, 2, 0], in_trunk[:, 2, 2]))
    place_lean = -_LEAN_FOR_PLACE * np.arctan2(in_trunk[:, 1, 0], in_trunk[:, 1, 1])
    arms = rotate(invert(shoulders_line)[:, None], limbs[:, 0])
    lean, raised = part_lean(line_lean, place_lean, hips_trust, arms, trust.take(_LIMBS[0], axis=1))
    standing = _find_standing(limbs[:, 1], body.take(_SHANKS, axis=1), trust) * hips_trust
    back, ahead, aside = _share_bend(in_trunk[:, 0], in_trunk[:, 3], standing, 1.0 - hips_trust)
    hips = multiply(trunk, _turn(-back, -aside))
    chest = multiply(shoulders_line, _turn(ahead, lean - line_lean))
    between = multiply(invert(hips), chest)
    bend = slerp(IDENTITY, between, np.asarray(SPINE_SHARE))
    return Torso(hips, bend, chest, raise_shoulders(raised))


def _weigh_lines(lines: Vectors, trust: Angles) -> tuple[Vectors, Angles]:
    """The lines of shoulders and of hips, float64[N, 2, 3], each as far as both its ends are seen, and else as the two
    together have it; and how far the hips are seen.

    So neither a shoulder hidden behind the other nor hips out of the picture, MediaPipe's guesses, turn the trunk.
    """
    weight = trust[..., None]
    together = ((weight + _LEAST_WEIGHT) * lines).sum(axis=1, keepdims=True)
    return normalise(weight * lines + (1.0 - weight) * normalise(together)), trust[:, 1]


def _find_standing(thighs: Vectors, shanks: Vectors, trust: Angles) -> Angles:
    """0…1: how straight both knees are, from the thighs' directions float64[N, 2, 3] and the ends of the shanks
    float64[N, 2, 2, 3]; 0 where they are not seen."""
    straight = dot(thighs, normalise(shanks[:, :, 1] - shanks[:, :, 0])).min(axis=-1)
    known = np.where(np.isfinite(straight), smoothstep(straight, *_KNEES_STRAIGHT), 0.0)
    standing: Angles = known * trust.take(_KNEES_AND_ANKLES, axis=1).min(axis=1)
    return standing


def _share_bend(up: Vectors, thighs: Vectors, standing: Angles, unseen: Angles) -> tuple[Angles, Angles, Angles]:
    """How far the hips stay behind the line of the trunk, the chest goes ahead of it, and the hips stay upright to the
    side, from the vertical and the thighs' direction float64[N, 3] in the trunk's axes. Who leans over as one piece,
    thighs and all, bends nothing. Hips `unseen` are taken to bend as those of who stands,
    though the trunk's line is then no more than the chest's own."""
    forward, sideways = np.arctan2(-up[:, 2], up[:, 1]), np.arctan2(up[:, 0], up[:, 1])
    flexed = np.arctan2(thighs[:, 2], -thighs[:, 1])
    bowed = np.where(forward * flexed > 0.0, np.sign(forward) * np.minimum(np.abs(forward), np.abs(flexed)), 0.0)
    loins = standing * np.interp(bowed, _BENT_RAD, _LOINS_RAD)
    slumped = unseen * np.interp(forward, _BENT_RAD, _LOINS_RAD)
    aside = _UPRIGHT_SHARE * unseen * clamp(sideways, -_MOST_LEAN_RAD, _MOST_LEAN_RAD)
    return _LOINS_SHOWN * loins + slumped, (1.0 - _LOINS_SHOWN) * loins, aside


def _turn(forward: Angles, sideways: Angles) -> Quaternions:
    return multiply(about_axis(_X, forward), about_axis(_Z, sideways))
