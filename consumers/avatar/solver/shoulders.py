"""The clavicles: how far each shoulder is raised against the chest.

Two points, the shoulder joints, show three things: the chest's lean and both clavicles. The line between them leans
with the chest, but also when one shoulder alone rises, as it does with a raised arm. What is known beforehand of that
is the scapulohumeral rhythm: of 15° that an arm rises, the joint gives 10° and the shoulder girdle 5° (Inman, Saunders
and Abbott, Observations on the Function of the Shoulder Joint, 1944). An avatar's shoulders are at rest with the arms
level, so that the girdle's third counts from there upwards. A second witness of the chest's lean is where it stands
over the hips. What both do not explain, one shoulder does that stands higher than the other. How far a shoulder is
drawn forward shows in nothing but the line that the chest turns with, and is left to the chest.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import Angles, Quaternions, Vectors, about_axis, clamp
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone

GIRDLE_SHARE: Final = 1.0 / 3.0
"""How much of an arm's elevation above the level the shoulder girdle gives."""

LINE_SHARE: Final = 0.6
"""How far the shoulders' line, and not their place over the hips, tells the chest's lean."""

_Z: Final[Vectors] = np.array([0.0, 0.0, 1.0])
_INNER_M: Final = float(-REST_OFFSETS_M[Bone.LEFT_SHOULDER, 0])
_CLAVICLE_M: Final = float(-REST_OFFSETS_M[Bone.LEFT_UPPER_ARM, 0])
_LEAN_FOR_SHIFT: Final = 0.5 * _CLAVICLE_M * 4.35
"""A raised clavicle reaches less far and so shifts the middle of the shoulders to the other side, as a lean of 4.35
radians for each metre would."""
_RAISE_FOR_TILT: Final = (_INNER_M + _CLAVICLE_M) / _CLAVICLE_M
_LEAST_RAISE_RAD: Final = np.radians(-15.0)
_MOST_RAISE_RAD: Final = np.radians(40.0)
_ROUNDS: Final = 2
"""The lean found changes how far the arms are raised against it, by a tenth: twice is enough."""


def part_lean(
    line_lean: Angles, lean_over_hips: Angles, hips_trust: Angles, arms: Vectors, arms_trust: Angles
) -> tuple[Angles, Angles]:
    """The chest's own lean float64[N], and how far each shoulder is raised float64[N, 2], left and right, in radians.

    `line_lean` is how far the shoulders' line leans against the hips (the right side up is positive),
    `lean_over_hips` how far the chest does by its place, known as far as `hips_trust` (0…1) says. `arms`
    float64[N, 2, 3] are the upper arms' unit directions against the shoulders' line, trusted as float64[N, 2] says.
    """
    place_share = (1.0 - LINE_SHARE) * hips_trust
    lean = line_lean
    for _ in range(_ROUNDS):
        raised = GIRDLE_SHARE * arms_trust * _measure_elevation(arms, line_lean - lean)
        tilt = _tilt_line(raised)
        by_place = lean_over_hips + _LEAN_FOR_SHIFT * (np.cos(raised[:, 1]) - np.cos(raised[:, 0]))
        lean = (1.0 - place_share) * (line_lean - tilt) + place_share * by_place
    unexplained = _RAISE_FOR_TILT * (line_lean - lean - tilt)
    raised[..., 0] -= unexplained
    raised[..., 1] += unexplained
    return lean, clamp(raised, _LEAST_RAISE_RAD, _MOST_RAISE_RAD)


def raise_shoulders(raised: Angles) -> Quaternions:
    """float64[..., 4]: the left clavicle's local rotation, and the right one's in its mirror."""
    return about_axis(_Z, -raised)


def _measure_elevation(arms: Vectors, turned: Angles) -> Angles:
    """float64[N, 2]: how far above the level the arms point, after their axes turned about z; 0 where that is below."""
    turned = turned[:, None]
    upwards = arms[..., 1] * np.cos(turned) + arms[..., 0] * np.sin(turned)
    elevation: Angles = np.arcsin(clamp(upwards, 0.0, 1.0))
    return np.where(np.isfinite(elevation), elevation, 0.0)


def _tilt_line(raised: Angles) -> Angles:
    """float64[N]: how far raised clavicles lean the line between the shoulder joints."""
    rise, reach = np.sin(raised), np.cos(raised)
    tilt: Angles = np.arctan2(
        _CLAVICLE_M * (rise[:, 1] - rise[:, 0]), 2.0 * _INNER_M + _CLAVICLE_M * (reach[:, 0] + reach[:, 1])
    )
    return tilt
